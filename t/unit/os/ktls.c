/* SPDX-License-Identifier: BSD-2-Clause */
/* ktls.c - records of TLS by the kernel: what it says where it cannot, what
 * comes out where it can.
 * tags: asan */
#define _GNU_SOURCE /* memmem */
#include "os/ktls.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/unit.h"

static const struct tls12_crypto_info_aes_gcm_128 keys = {
    .info = {TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128}};

static int
has_it(void)
{
    int rc = ktls_probe();

    if (rc == 0)
        return 1;
    printf("skipped: this kernel makes no records of TLS: %s\n", strerror(-rc));
    return 0;
}

static void
open_pair(int fd[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    int l = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(l, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(l, 1), 0);
    ck_assert_int_eq(getsockname(l, (struct sockaddr *)&at, &n), 0);
    fd[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd[0], (struct sockaddr *)&at, sizeof at), 0);
    fd[1] = accept(l, NULL, NULL);
    ck_assert_int_ge(fd[1], 0);
    close(l);
}

START_TEST(keys_have_the_kernel_s_size)
{
    struct tls_crypto_info info = {TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128};

    ck_assert_uint_eq(ktls_keys_bytes(&info),
                      sizeof(struct tls12_crypto_info_aes_gcm_128));
    info.cipher_type = TLS_CIPHER_AES_GCM_256;
    ck_assert_uint_eq(ktls_keys_bytes(&info),
                      sizeof(struct tls12_crypto_info_aes_gcm_256));
    info.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
    ck_assert_uint_eq(ktls_keys_bytes(&info), 0);
    info.cipher_type = 0;
    ck_assert_uint_eq(ktls_keys_bytes(&info), 0);
}
END_TEST

/* Sockets of another kind have none of it, whatever the kernel. */
START_TEST(what_cannot_says_so_and_stays_as_it_is)
{
    char got[8];
    int fd[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ck_assert_int_lt(ktls_attach(fd[0]), 0);
    ck_assert_int_lt(ktls_start(fd[0], &keys, sizeof keys), 0);
    ck_assert_int_eq(write(fd[0], "text", 4), 4);
    ck_assert_int_eq(read(fd[1], got, sizeof got), 4);
    close(fd[0]);
    close(fd[1]);
    ck_assert_int_eq(ktls_attach(-1), -EBADF);
}
END_TEST

/* RFC 8446 5.2: a header, the text, its type and a tag. */
START_TEST(text_and_alerts_become_records)
{
    static const char alert[] = {1, 0};
    unsigned char got[128];
    int fd[2];

    if (!has_it())
        return;
    open_pair(fd);
    ck_assert_int_eq(ktls_attach(fd[0]), 0);
    ck_assert_int_eq(write(fd[0], "plain", 5), 5);
    ck_assert_int_eq(recv(fd[1], got, 5, MSG_WAITALL), 5);
    ck_assert_int_eq(memcmp(got, "plain", 5), 0);
    ck_assert_int_eq(ktls_start(fd[0], &keys, sizeof keys), 0);
    ck_assert_int_eq(write(fd[0], "text", 4), 4);
    ck_assert_int_eq(recv(fd[1], got, 26, MSG_WAITALL), 26);
    ck_assert_int_eq(memcmp(got, "\x17\3\3\0\x15", 5), 0);
    ck_assert_ptr_null(memmem(got, 26, "text", 4));
    ck_assert_int_eq(ktls_send(fd[0], 21, alert, sizeof alert), 2);
    ck_assert_int_eq(recv(fd[1], got, 24, MSG_WAITALL), 24);
    ck_assert_int_eq(memcmp(got, "\x17\3\3\0\x13", 5), 0);
    ck_assert_int_lt(ktls_start(fd[0], "\0\0\0\0", 4), 0);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

UNIT_MAIN(ktls, keys_have_the_kernel_s_size,
          what_cannot_says_so_and_stays_as_it_is,
          text_and_alerts_become_records)
