/* SPDX-License-Identifier: BSD-2-Clause */
/* client.h - a client that sends exactly what it is told, and reads answers.
 *
 * Blocking, with a deadline of some seconds on every call; a call that fails
 * fails the test, unless its comment says otherwise. */
#ifndef T_LIB_CLIENT_H
#define T_LIB_CLIENT_H

#include <stddef.h>
#include <stdint.h>

struct server;

struct client {
    int fd;
    char *buf; /* received and not yet used */
    size_t n, cap;
};

/* One answer; give it back with answer_free. */
struct answer {
    int status; /* 0: the connection ended before an answer */
    int minor;  /* of HTTP/1.minor */
    char *head; /* status line and fields, NUL-terminated */
    char *body; /* NUL-terminated, n bytes */
    size_t n;
};

/* Over the transport of this run (transport.h), but for Unix sockets, */
struct client client_open(const struct server *s);
struct client client_connect(uint16_t port);
struct client client_connect_to(const void *sockaddr, size_t len);
/* and these: the socket itself. */
struct client client_dial(uint16_t port);
/* Over the transport from now on: of one that client_dial has opened, when it
 * has said what goes in front (PROXY). */
void client_enter(struct client *c);
struct client client_unix(const char *path);
struct client client_v6(uint16_t port);
void client_close(struct client *c);
/* No more from us; the answers still come. */
void client_shut(struct client *c);
/* Send all n bytes / a string / printf. */
void client_send(struct client *c, const void *p, size_t n);
void client_puts(struct client *c, const char *text);
void client_printf(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* One byte a segment. */
void client_drip(struct client *c, const void *p, size_t n);
/* Like client_send, but false if the server has closed. */
int client_try_send(struct client *c, const void *p, size_t n);
/* Send at most n bytes until the socket takes none for ms milliseconds, or the
 * server has closed; how many it took. */
size_t client_pour(struct client *c, const void *p, size_t n, int ms);
/* Read one answer.  is_head: it has no body whatever its fields say.  100
 * Continue is an answer too. */
struct answer client_answer(struct client *c, int is_head);
void answer_free(struct answer *a);
/* Value of the nth (from 0) field of an answer, in a buffer of the thread, or
 * NULL. */
const char *answer_field(const struct answer *a, const char *name, int nth);
/* Receive until at least n bytes are there; they stay for client_answer. */
void client_gather(struct client *c, size_t n);
/* Receive some more behind what is there; false at the end. */
int client_more(struct client *c);
/* True if the server closes now (within the deadline) without another byte. */
int client_is_closed(struct client *c);
/* True if it does, and as the transport has it: with close_notify, or GOAWAY.
 */
int client_is_told(struct client *c);
/* Of a connection that another process has taken over: plain TCP goes along,
 * and nothing happens; elsewhere the client has been told to come again, does
 * so, and c is another connection to s. */
void client_come_again(struct client *c, const struct server *s);
/* Ask on a connection that may be such a one, or not yet: client_puts and
 * client_answer, on another connection if that has become necessary. */
struct answer client_ask(struct client *c, const struct server *s,
                         const char *request);
/* All that comes until the server closes, NUL-terminated in c->buf; how many
 * bytes that is. */
size_t client_read_all(struct client *c);
/* Read one answer and compare; is_head as for client_answer. */
void client_take(struct client *c, int is_head, int status, const char *body);
/* The same of one that is 200 and says Connection: close. */
void client_take_last(struct client *c);
/* True if nothing comes for ms milliseconds and the connection is open. */
int client_is_quiet(struct client *c, int ms);
/* Send request, read one answer, compare status and (if not NULL) body. */
void client_expect(struct client *c, const char *request, int status,
                   const char *body);
/* The same on a connection of its own, or another, if that came to a process
 * which leaves (client_ask). */
void client_once(const struct server *s, const char *request, int status,
                 const char *body);
/* Until n requests are in progress, of the uploads of which only the server
 * knows that they have begun; its ini must say metrics = /metrics. */
void client_wait_active(const struct server *s, int n);

#endif
