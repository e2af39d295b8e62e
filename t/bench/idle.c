/* SPDX-License-Identifier: BSD-2-Clause */
/* idle.c - a client of make bench that counts: it opens connections, sends
 * exactly so many requests on each, and holds them.
 *
 *     idle [-n] [-t] [-2] PORT CONNECTIONS ROUNDS [PATH]
 *
 * Connections are opened in groups of 64; ROUNDS times one request is sent on
 * each of a group, as wrk sends it, and then each answer read (all answers of a
 * PATH must have one length; -n: none is waited for; -t: over TLS; -2: HTTP/2,
 * one request at a time).  When all
 * is done it prints "ready BYTES", the length of an answer, waits for the end
 * of its standard input, and prints "open N": how many connections the server
 * has not closed.  It ends with its parent. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

#define GROUP 64

struct link {
    int fd;
    SSL *ssl; /* or NULL */
};

struct plan {
    struct sockaddr_in to;
    int n, rounds;
    const char *path;
    int is_silent; /* no answer is read */
    int is_h2;
    SSL_CTX *tls; /* or NULL */
    struct link *links;
    char request[512];
    size_t request_len;
    size_t answer_len; /* 0: not known yet */
};

static void
die(const char *what)
{
    fprintf(stderr, "idle: %s: %s\n", what, errno ? strerror(errno) : "?");
    exit(1);
}

static void
raise_files(rlim_t need)
{
    struct rlimit files;

    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    errno = EMFILE;
    if (files.rlim_cur < need)
        die("the limit on open files");
}

static struct link
open_one(const struct plan *p)
{
    struct link l = {-1, NULL};

    int one = 1;

    l.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l.fd < 0 ||
        connect(l.fd, (const struct sockaddr *)&p->to, sizeof p->to))
        die("connect");
    setsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!p->tls)
        return l;
    l.ssl = SSL_new(p->tls);
    CHECK(l.ssl && SSL_set_fd(l.ssl, l.fd) == 1);
    errno = 0;
    if (SSL_connect(l.ssl) != 1)
        die("handshake");
    return l;
}

static int
put(const struct link *l, const char *p, size_t n)
{
    if (l->ssl)
        return SSL_write(l->ssl, p, (int)n) == (int)n;
    return send(l->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static ssize_t
get(const struct link *l, char *p, size_t cap)
{
    if (l->ssl)
        return SSL_read(l->ssl, p, (int)cap);
    return recv(l->fd, p, cap, 0);
}

/* The length of the answer whose beginning is head: 0 while that is open. */
static size_t
answer_length(const char *head)
{
    const char *end = strstr(head, "\r\n\r\n");
    const char *field = strcasestr(head, "\r\nContent-Length:");

    if (!end)
        return 0;
    errno = 0;
    if (strncmp(head, "HTTP/1.1 200 ", 13) != 0 || !field || field > end)
        die("not a 200 with a Content-Length");
    return (size_t)(end + 4 - head) + strtoul(field + 17, NULL, 10);
}

static void
read_answer(struct plan *p, const struct link *l)
{
    char buffer[65536];
    size_t have = 0;

    while (p->answer_len == 0 || have < p->answer_len) {
        ssize_t n = get(l, buffer + have, sizeof buffer - 1 - have);
        errno = n == 0 ? ECONNRESET : errno;
        if (n <= 0)
            die("answer");
        have += (size_t)n;
        buffer[have] = '\0';
        if (p->answer_len == 0)
            p->answer_len = answer_length(buffer);
    }
    errno = 0;
    if (have != p->answer_len)
        die("answers of different lengths");
}

/* ---- HTTP/2 (RFC 9113) ---------------------------------------------------*/

enum { FRAME_DATA, FRAME_HEADERS, FRAME_SETTINGS = 4 };
enum { FLAG_ACK = 1, FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4 };

static size_t
put_frame(char *to, int type, int flags, uint32_t stream, size_t n)
{
    const unsigned char head[9] = {0,
                                   (unsigned char)(n >> 8),
                                   (unsigned char)n,
                                   (unsigned char)type,
                                   (unsigned char)flags,
                                   (unsigned char)(stream >> 24),
                                   (unsigned char)(stream >> 16),
                                   (unsigned char)(stream >> 8),
                                   (unsigned char)stream};

    memcpy(to, head, sizeof head);
    return sizeof head;
}

static uint32_t
stream_of(int round)
{
    return 2 * (uint32_t)round + 1;
}

/* A field of RFC 7541's static table, with a value. */
static size_t
put_field(char *to, int index, const char *value)
{
    size_t n = strlen(value);

    CHECK(n < 127);
    to[0] = (char)(0x40 | index); /* from now on in the table */
    to[1] = (char)n;
    memcpy(to + 2, value, n);
    return n + 2;
}

/* The request, to p->request: behind the preface in the first round. */
static void
make_request(struct plan *p, int round)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    char block[300], *at = p->request;
    size_t n = 2;

    if (round == 0) {
        memcpy(at, preface, sizeof preface - 1);
        at += sizeof preface - 1;
        at += put_frame(at, FRAME_SETTINGS, 0, 0, 0);
        at += put_frame(at, FRAME_SETTINGS, FLAG_ACK, 0, 0);
    }
    block[0] = (char)0x82; /* :method: GET */
    block[1] = (char)0x86; /* :scheme: http */
    n += put_field(block + n, 4, p->path);
    n += put_field(block + n, 1, "127.0.0.1");
    at += put_frame(at, FRAME_HEADERS, FLAG_END_STREAM | FLAG_END_HEADERS,
                    stream_of(round), n);
    memcpy(at, block, n);
    p->request_len = (size_t)(at - p->request) + n;
}

static void
get_all(const struct link *l, void *to, size_t n)
{
    while (n > 0) {
        ssize_t k = get(l, to, n);
        errno = k == 0 ? ECONNRESET : errno;
        if (k <= 0)
            die("answer");
        to = (char *)to + k;
        n -= (size_t)k;
    }
    errno = 0;
}

/* Frames until the answer's last one. */
static void
read_frames(struct plan *p, const struct link *l)
{
    unsigned char head[9], payload[16384];
    size_t n;

    p->answer_len = 0;
    do {
        get_all(l, head, sizeof head);
        n = (size_t)head[1] << 8 | head[2];
        if (head[0] != 0 || n > sizeof payload || head[3] > FRAME_SETTINGS + 4)
            die("a frame");
        get_all(l, payload, n);
        if (head[3] <= FRAME_HEADERS)
            p->answer_len += sizeof head + n;
    } while (head[3] > FRAME_HEADERS || !(head[4] & FLAG_END_STREAM));
}

/* ---- rounds --------------------------------------------------------------*/

static void
run_group(struct plan *p, struct link *links, int n)
{
    for (int i = 0; i < n; i++)
        links[i] = open_one(p);
    for (int round = 0; round < p->rounds; round++) {
        if (p->is_h2)
            make_request(p, round);
        for (int i = 0; i < n; i++)
            if (!put(&links[i], p->request, p->request_len))
                die("send");
        for (int i = 0; i < n && !p->is_silent; i++)
            (p->is_h2 ? read_frames : read_answer)(p, &links[i]);
    }
}

static int
count_open(const struct plan *p)
{
    int n_open = 0;
    char byte;

    for (int i = 0; i < p->n; i++)
        n_open +=
            recv(p->links[i].fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    return n_open;
}

int
main(int argc, char **argv)
{
    struct plan p = {.to = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    char byte;

    for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
        p.is_silent |= argv[1][1] == 'n';
        p.is_h2 |= argv[1][1] == '2';
        if (argv[1][1] == 't')
            p.tls = SSL_CTX_new(TLS_client_method());
    }
    if (argc < 4 || argc > 5) {
        fprintf(stderr,
                "usage: idle [-n] [-t] [-2] PORT CONNECTIONS ROUNDS [PATH]\n");
        return 2;
    }
    if (p.tls && p.is_h2)
        CHECK(SSL_CTX_set_alpn_protos(p.tls, (const void *)"\2h2", 3) == 0);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    p.to.sin_port = htons((uint16_t)atoi(argv[1]));
    p.n = atoi(argv[2]);
    p.rounds = atoi(argv[3]);
    p.path = argc == 5 ? argv[4] : "/";
    p.request_len = (size_t)snprintf(p.request, sizeof p.request,
                                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n"
                                     "\r\n",
                                     p.path, argv[1]);
    CHECK(p.request_len < sizeof p.request);
    raise_files((rlim_t)p.n + 16);
    p.links = calloc((size_t)p.n + 1, sizeof *p.links);
    CHECK(p.links);
    for (int i = 0; i < p.n; i += GROUP)
        run_group(&p, p.links + i, p.n - i < GROUP ? p.n - i : GROUP);
    printf("ready %zu\n", p.answer_len);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    printf("open %d\n", count_open(&p));
    return 0;
}
