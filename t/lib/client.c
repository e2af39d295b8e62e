/* SPDX-License-Identifier: BSD-2-Clause */
/* client.c - a client that sends exactly what it is told; see client.h. */
#include "t/lib/client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/transport.h"

#define DEADLINE_MS 20000
#define MOST ((size_t)1 << 29) /* bytes that are not used yet */

static struct client
dial(const void *sockaddr, size_t len)
{
    const struct sockaddr *to = sockaddr;
    struct client c = {
        .fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int one = 1;

    ck_assert_int_ge(c.fd, 0);
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ck_assert_msg(connect(c.fd, to, (socklen_t)len) == 0, "connect: %s",
                  strerror(errno));
    return c;
}

struct client
client_connect_to(const void *sockaddr, size_t len)
{
    struct client c = dial(sockaddr, len);

    client_enter(&c);
    return c;
}

void
client_enter(struct client *c)
{
    c->fd = transport_open(c->fd);
}

static struct sockaddr_in
at_loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

struct client
client_dial(uint16_t port)
{
    struct sockaddr_in to = at_loopback(port);

    return dial(&to, sizeof to);
}

struct client
client_connect(uint16_t port)
{
    struct sockaddr_in to = at_loopback(port);

    return client_connect_to(&to, sizeof to);
}

struct client
client_v6(uint16_t port)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons(port),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    return client_connect_to(&to, sizeof to);
}

struct client
client_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    ck_assert_uint_lt(strlen(path), sizeof to.sun_path);
    strcpy(to.sun_path, path);
    return dial(&to, sizeof to);
}

struct client
client_open(const struct server *s)
{
    return client_connect(s->port);
}

void
client_close(struct client *c)
{
    close(c->fd);
    free(c->buf);
    memset(c, 0, sizeof *c);
    c->fd = -1;
}

void
client_shut(struct client *c)
{
    ck_assert_int_eq(shutdown(c->fd, SHUT_WR), 0);
}

int
client_try_send(struct client *c, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t k = send(c->fd, at, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return 0;
        at += k;
        n -= (size_t)k;
    }
    return 1;
}

void
client_send(struct client *c, const void *p, size_t n)
{
    ck_assert_msg(client_try_send(c, p, n), "send: %s", strerror(errno));
}

void
client_drip(struct client *c, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        client_send(c, (const char *)p + i, 1);
}

size_t
client_pour(struct client *c, const void *p, size_t n, int ms)
{
    size_t sent = 0;

    while (sent < n) {
        struct pollfd out = {.fd = c->fd, .events = POLLOUT};
        ssize_t k = send(c->fd, (const char *)p + sent, n - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k > 0)
            sent += (size_t)k;
        else if (k == 0 || (errno != EAGAIN && errno != EINTR))
            break;
        else if (poll(&out, 1, ms) == 0)
            break;
    }
    return sent;
}

void
client_puts(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

void
client_printf(struct client *c, const char *fmt, ...)
{
    char *text;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    ck_assert_int_ge(n, 0);
    client_send(c, text, (size_t)n);
    free(text);
}

/* Wait for input; false at the deadline. */
static int
wait_input(struct client *c, int ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int rc;

    do
        rc = poll(&p, 1, ms);
    while (rc < 0 && errno == EINTR);
    return rc > 0;
}

/* More bytes into buf; false at the end of the connection. */
static int
fill(struct client *c)
{
    ssize_t k;

    if (c->cap - c->n < 65536) {
        c->cap = c->cap ? c->cap * 2 : 131072;
        ck_assert_msg(c->cap <= MOST, "there is no end of it");
        c->buf = realloc(c->buf, c->cap);
        ck_assert_ptr_nonnull(c->buf);
    }
    ck_assert_msg(wait_input(c, DEADLINE_MS), "no answer in time; so far: %.*s",
                  (int)c->n, c->n ? c->buf : "");
    k = recv(c->fd, c->buf + c->n, c->cap - c->n - 1, 0);
    if (k <= 0)
        return 0;
    c->n += (size_t)k;
    c->buf[c->n] = '\0';
    return 1;
}

const char *
answer_field(const struct answer *a, const char *name, int nth)
{
    static _Thread_local char value[8192];
    size_t n = strlen(name);

    for (const char *at = strstr(a->head, "\r\n"); at && at[2];
         at = strstr(at + 2, "\r\n")) {
        const char *line = at + 2, *end = strstr(line, "\r\n");
        if (strncasecmp(line, name, n) != 0 || line[n] != ':' || nth-- > 0)
            continue;
        line += n + 1;
        line += strspn(line, " \t");
        if (!end)
            end = line + strlen(line);
        while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        snprintf(value, sizeof value, "%.*s", (int)(end - line), line);
        return value;
    }
    return NULL;
}

static void
use(struct client *c, size_t n)
{
    c->n -= n;
    memmove(c->buf, c->buf + n, c->n + 1);
}

/* The next line, CRLF included: its length. */
static size_t
gather_line(struct client *c)
{
    const char *end;

    while (!c->n || (end = memmem(c->buf, c->n, "\r\n", 2)) == NULL)
        ck_assert_msg(fill(c), "the end within a line: %s", c->buf);
    return (size_t)(end - c->buf) + 2;
}

/* A body in chunks; fields behind it are put behind those of the head. */
static void
take_chunks(struct client *c, struct answer *a)
{
    size_t left, line, head = strlen(a->head);

    do {
        char *end;
        line = gather_line(c);
        left = strtoul(c->buf, &end, 16);
        ck_assert_msg(end > c->buf && (*end == '\r' || *end == ';'),
                      "no chunk: %.*s", (int)line, c->buf);
        use(c, line);
        if (left == 0)
            break;
        client_gather(c, left + 2);
        a->body = realloc(a->body, a->n + left + 1);
        memcpy(a->body + a->n, c->buf, left);
        a->n += left;
        ck_assert_mem_eq(c->buf + left, "\r\n", 2);
        use(c, left + 2);
    } while (left > 0);
    while ((line = gather_line(c)) > 2) {
        a->head = realloc(a->head, head + line + 1);
        memcpy(a->head + head, c->buf, line);
        head += line;
        a->head[head] = '\0';
        use(c, line);
    }
    use(c, 2);
    a->body = realloc(a->body, a->n + 1);
    a->body[a->n] = '\0';
}

struct answer
client_answer(struct client *c, int is_head)
{
    struct answer a = {0};
    const char *end = NULL, *length;
    size_t head;

    /* Not strstr, which ASan has look at all of a pipeline's answers. */
    while (!c->n || (end = memmem(c->buf, c->n, "\r\n\r\n", 4)) == NULL) {
        if (!fill(c)) {
            ck_assert_msg(c->n == 0, "cut answer: %s", c->buf);
            a.head = strdup("");
            a.body = strdup("");
            return a;
        }
    }
    head = (size_t)(end - c->buf) + 4;
    a.head = strndup(c->buf, head - 2);
    ck_assert_msg(sscanf(a.head, "HTTP/1.%d %d ", &a.minor, &a.status) == 2,
                  "not an answer: %s", a.head);
    length = answer_field(&a, "content-length", 0);
    use(c, head);
    if (!is_head && answer_field(&a, "transfer-encoding", 0)) {
        take_chunks(c, &a);
        return a;
    }
    if (!is_head && length && a.status >= 200)
        a.n = strtoul(length, NULL, 10);
    while (c->n < a.n)
        ck_assert_msg(fill(c), "the body is cut at %zu of %zu", c->n, a.n);
    a.body = malloc(a.n + 1);
    if (a.n)
        memcpy(a.body, c->buf, a.n);
    a.body[a.n] = '\0';
    if (a.n)
        use(c, a.n);
    return a;
}

void
answer_free(struct answer *a)
{
    free(a->head);
    free(a->body);
    memset(a, 0, sizeof *a);
}

void
client_gather(struct client *c, size_t n)
{
    while (c->n < n)
        ck_assert_msg(fill(c), "the end after %zu of %zu", c->n, n);
}

int
client_more(struct client *c)
{
    return fill(c);
}

int
client_is_closed(struct client *c)
{
    char byte;

    if (c->n > 0 || !wait_input(c, DEADLINE_MS))
        return 0;
    return recv(c->fd, &byte, 1, 0) <= 0;
}

int
client_is_told(struct client *c)
{
    return client_is_closed(c) && transport_was_told(c->fd);
}

void
client_come_again(struct client *c, const struct server *s)
{
    if (transport_here()->is_plain)
        return;
    ck_assert(client_is_told(c));
    client_close(c);
    *c = client_open(s);
}

struct answer
client_ask(struct client *c, const struct server *s, const char *request)
{
    int is_head = strncmp(request, "HEAD ", 5) == 0;
    struct answer a;

    client_try_send(c, request, strlen(request));
    a = client_answer(c, is_head);
    if (a.status > 0 || transport_here()->is_plain)
        return a;
    answer_free(&a);
    ck_assert(transport_was_told(c->fd));
    client_close(c);
    *c = client_open(s);
    client_puts(c, request);
    return client_answer(c, is_head);
}

size_t
client_read_all(struct client *c)
{
    while (fill(c))
        continue;
    c->buf[c->n] = '\0';
    return c->n;
}

int
client_is_quiet(struct client *c, int ms)
{
    return c->n == 0 && !wait_input(c, ms);
}

/* The answer to what was asked; "" if the caller knows. */
static void
check(struct answer *a, const char *asked, int status, const char *body)
{
    ck_assert_msg(a->status == status, "%s%d, not %d: %s%s", asked, a->status,
                  status, a->head, a->body);
    if (body)
        ck_assert_str_eq(a->body, body);
    answer_free(a);
}

static void
take(struct client *c, const char *asked, int is_head, int status,
     const char *body)
{
    struct answer a = client_answer(c, is_head);

    check(&a, asked, status, body);
}

void
client_take(struct client *c, int is_head, int status, const char *body)
{
    take(c, "", is_head, status, body);
}

void
client_expect(struct client *c, const char *request, int status,
              const char *body)
{
    client_puts(c, request);
    take(c, request, strncmp(request, "HEAD ", 5) == 0, status, body);
}

void
client_once(const struct server *s, const char *request, int status,
            const char *body)
{
    struct client c = client_open(s);
    struct answer a = client_ask(&c, s, request);

    check(&a, request, status, body);
    client_close(&c);
}

void
client_wait_active(const struct server *s, int n)
{
    struct client c = client_open(s);
    char line[64];
    int is_so;

    snprintf(line, sizeof line, "\netude_requests_active %d\n", n + 1);
    do {
        struct answer a;
        client_puts(&c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        a = client_answer(&c, 0);
        is_so = strstr(a.body, line) != NULL;
        answer_free(&a);
    } while (!is_so);
    client_close(&c);
}

void
client_take_last(struct client *c)
{
    struct answer a = client_answer(c, 0);

    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_field(&a, "connection", 0), "close");
    answer_free(&a);
}
