/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.c - feeds arbitrary bytes to the reader of dumps, as they are and with
 * the hash of their body put right, so that what is behind it is reached.  What
 * is taken must be fit for use, and is written again as the same bytes. */
#include "conf/bundle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sha256.h"
#include "conf/bundle_dump.h"
#include "conf/bundle_image.h"
#include "conf/bundle_load.h"
#include "conf/conf.h"
#include "os/file.h"

#define BODY_LEN_AT 16u
#define SHA256_AT 24u
#define HEAD_LEN 56u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
file_of(const void *p, size_t n)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);

    if (fd < 0 || file_write_fd(fd, p, n) < 0)
        abort();
    return fd;
}

static void
is_written_as(const struct bundle *b, const uint8_t *data, size_t size)
{
    int fd = file_of("", 0);
    char *p;
    size_t n;

    if (bundle_dump_write(b, fd) < 0 || lseek(fd, 0, SEEK_SET) != 0 ||
        file_read_fd(fd, size + 1, &p, &n) < 0)
        abort();
    if (n != size || memcmp(p, data, n) != 0)
        abort();
    free(p);
    close(fd);
}

static void
use(struct bundle *b)
{
    struct conf *c;
    struct diag d;

    diag_init(&d);
    c = conf_parse_some(b, &d);
    if (c) {
        c->bundle = b;
        conf_free(c);
    } else {
        bundle_free(b);
    }
    diag_fini(&d);
}

static void
try_read(const uint8_t *data, size_t size)
{
    int fd = file_of(data, size);
    struct bundle *b;
    struct diag d;

    diag_init(&d);
    b = bundle_load(fd, &d);
    close(fd);
    if ((b == NULL) != (d.n_errors == 1))
        abort();
    diag_fini(&d);
    if (!b)
        return;
    is_written_as(b, data, size);
    use(b);
}

/* As much of the rest as the head has room for is the body. */
static void
try_repaired(const uint8_t *data, size_t size)
{
    uint8_t *p = malloc(size);
    uint64_t n = 0;

    if (!p)
        return;
    memcpy(p, data, size);
    for (int i = 7; i >= 0; i--)
        n = n << 8 | p[BODY_LEN_AT + (size_t)i];
    if (n <= size - HEAD_LEN) {
        sha256_of(p + HEAD_LEN, (size_t)n, p + SHA256_AT);
        try_read(p, size);
    }
    free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_read(data, size);
    if (size >= HEAD_LEN)
        try_repaired(data, size);
    return 0;
}
