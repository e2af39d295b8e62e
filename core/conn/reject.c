/* SPDX-License-Identifier: BSD-2-Clause */
/* reject.c - "not now", by the socket alone; see reject.h. */
#include "conn/reject.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/str.h"

/* A method of no request: who speaks HTTP/2 begins with it (RFC 9113 3.4). */
#define PREFACE "PRI * HTTP/2.0"

/* In answer to the n bytes that have come. */
static et_str
words(enum reject_as as, const char *heard, ssize_t n)
{
    if (as == REJECT_TLS)
        return str_lit("\x15\x03\x03\x00\x02" /* alert, 2 bytes */
                       "\x02\x50");           /* fatal, internal_error */
    if (as == REJECT_H2C && n >= (ssize_t)(sizeof PREFACE - 1) &&
        memcmp(heard, PREFACE, sizeof PREFACE - 1) == 0)
        return str_lit("\0\0\0\x04\0\0\0\0\0"   /* SETTINGS: they come first */
                       "\0\0\x08\x07\0\0\0\0\0" /* GOAWAY */
                       "\0\0\0\0\0\0\0\0");     /* last stream 0, NO_ERROR */
    return str_lit("HTTP/1.1 503 Service Unavailable\r\n"
                   "Retry-After: 1\r\n"
                   "Content-Length: 0\r\n"
                   "Connection: close\r\n\r\n");
}

/* What has come already must be read, or the close is a reset. */
static ssize_t
read_some(int fd, char p[4096])
{
    return recv(fd, p, 4096, MSG_DONTWAIT);
}

void
reject_say(int fd, enum reject_as as)
{
    char heard[4096];
    ssize_t n = read_some(fd, heard);
    const et_str say = words(as, heard, n);

    (void)!send(fd, say.p, say.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
}

static void
finish(int fd)
{
    char dropped[4096];

    if (fd < 0)
        return;
    (void)!read_some(fd, dropped);
    close(fd);
}

void
reject_now(int fd, enum reject_as as)
{
    reject_say(fd, as);
    finish(fd);
}

/* ---- a moment later -------------------------------------------------------*/

void
reject_fini(struct rejects *r)
{
    for (uint32_t i = 0; i < REJECT_KEPT; i++) {
        finish(r->fds[i]);
        r->fds[i] = -1;
    }
    wheel_cancel(r->wheel, &r->timer);
}

static void
on_timer(struct wheel_timer *t, uint64_t now_ms)
{
    (void)now_ms;
    reject_fini(CONTAINER_OF(t, struct rejects, timer));
}

void
reject_init(struct rejects *r, struct wheel *wheel)
{
    *r = (struct rejects){.wheel = wheel, .timer.fn = on_timer};
    for (uint32_t i = 0; i < REJECT_KEPT; i++)
        r->fds[i] = -1;
}

/* Everybody has his moment, but for those that more come behind. */
void
reject(struct rejects *r, int fd, enum reject_as as, uint64_t now_ms)
{
    int *place = &r->fds[r->next++ % REJECT_KEPT];

    reject_say(fd, as);
    finish(*place);
    *place = fd;
    wheel_arm(r->wheel, &r->timer, now_ms + REJECT_MS);
}
