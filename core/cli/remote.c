/* SPDX-License-Identifier: BSD-2-Clause */
/* remote.c - see remote.h. */
#include "cli/remote.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/exit.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "conf/paths.h"
#include "os/sock.h"
#include "serve/verdict.h"

#define ANSWER_MS 30000        /* of a server that is well */
#define OUTCOME_SPARE_MS 10000 /* beyond the server's own bound of it */
#define FOREVER (-1)

struct talk {
    int fd;
    char socket[PATH_MAX];
    int64_t patience_ms; /* for an answer; FOREVER */
    char *answer;        /* a line of n bytes, and what has come behind it */
    size_t n, n_all, cap;
};

/* ---- where it is ---------------------------------------------------------*/

static int
is_reload(const struct remote *r)
{
    return strcmp(r->command, "reload") == 0;
}

static int
is_upgrade(const struct remote *r)
{
    return strcmp(r->command, "upgrade") == 0;
}

/* An outcome is waited for: as long as the server does. */
static int64_t
patience_ms(const struct remote *r, const struct conf_server *c)
{
    if (is_reload(r))
        return c->reload_timeout + OUTCOME_SPARE_MS;
    if (is_upgrade(r))
        return c->start_timeout + c->drain_timeout + OUTCOME_SPARE_MS;
    return ANSWER_MS;
}

/* What can be read of the configuration; NULL, and the reasons are told. */
static struct conf *
read_conf(const struct remote *r)
{
    struct diag d;
    struct bundle *b;
    struct conf *c = NULL;

    diag_init(&d);
    b = bundle_from_files(r->conf_path, r->env, &d);
    if (b) {
        c = conf_parse_some(b, &d);
        bundle_free(b);
    }
    if (!c)
        (void)verdict_errors(SERVER_CONFIG, &d, r->as_json);
    diag_fini(&d);
    return c;
}

static int
find_socket(const struct remote *r, struct talk *t)
{
    struct conf *c;
    int is_on;

    t->patience_ms = is_reload(r) || is_upgrade(r) ? FOREVER : ANSWER_MS;
    if (r->socket) {
        snprintf(t->socket, sizeof t->socket, "%s", r->socket);
        return SERVER_OK;
    }
    c = read_conf(r);
    if (!c)
        return SERVER_CONFIG;
    is_on = paths_admin(c, 1, t->socket, sizeof t->socket);
    t->patience_ms = patience_ms(r, &c->server);
    conf_free(c);
    if (is_on)
        return SERVER_OK;
    return verdict_refuse(SERVER_UNAVAILABLE, r->as_json,
                          "%s: [server] admin is off", r->conf_path);
}

static int
refuse_connect(const struct remote *r, const struct talk *t, int rc)
{
    switch (-rc) {
    case EACCES:
    case EPERM:
        return verdict_refuse(SERVER_PERMISSION, r->as_json,
                              "%s: permission denied", t->socket);
    case ENOENT:
    case ECONNREFUSED:
        return verdict_refuse(
            SERVER_UNAVAILABLE, r->as_json, "%s: no server runs there%s",
            t->socket,
            r->socket
                ? ""
                : " (has the configuration's admin or runtime_dir changed "
                  "since it was started? -s SOCKET says where it was)");
    default:
        return verdict_refuse(SERVER_UNAVAILABLE, r->as_json, "%s: %s",
                              t->socket, strerror(-rc));
    }
}

static int
open_talk(const struct remote *r, struct talk *t)
{
    struct sock_address to;
    int code = find_socket(r, t), rc;

    if (code != SERVER_OK)
        return code;
    rc = sock_unix(t->socket, &to);
    t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (rc == 0 &&
        (t->fd < 0 || connect(t->fd, (struct sockaddr *)&to.addr, to.len) < 0))
        rc = -errno;
    return rc < 0 ? refuse_connect(r, t, rc) : SERVER_OK;
}

static void
close_talk(struct talk *t)
{
    if (t->fd >= 0)
        close(t->fd);
    free(t->answer);
}

/* ---- the line ------------------------------------------------------------*/

static void
put_texts(FILE *out, const struct remote *r)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"path", r->path},
                 {"method", r->method},
                 {"plugin", r->plugin},
                 {"name", r->name}};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!texts[i].value)
            continue;
        fprintf(out, ",\"%s\":", texts[i].name);
        json_string(out, str_from_z(texts[i].value));
    }
    for (size_t i = 0; i < r->n_args; i++) {
        fputs(i ? "," : ",\"args\":[", out);
        json_string(out, str_from_z(r->args[i]));
    }
    fputs(r->n_args > 0 ? "]" : "", out);
}

static int
send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static int
say(const struct remote *r, const struct talk *t)
{
    char *line = NULL;
    size_t n;
    FILE *out = open_memstream(&line, &n);
    int rc = -ENOMEM;

    if (out) {
        fputs("{\"command\":", out);
        json_string(out, str_from_z(r->command));
        put_texts(out, r);
        fprintf(out, "%s}\n", r->as_json ? "" : ",\"text\":true");
        if (fclose(out) == 0)
            rc = send_all(t->fd, line, n);
    }
    free(line);
    return rc;
}

/* ---- the answer ----------------------------------------------------------*/

/* Wait until it is readable: true, or false once end_ns has come. */
static int
is_there(int fd, uint64_t end_ns)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int rc;

    do {
        uint64_t now_ns = clock_mono_ns();
        int64_t ms = end_ns == UINT64_MAX ? -1
                     : end_ns > now_ns
                         ? (int64_t)((end_ns - now_ns) / 1000000u) + 1
                         : 0;
        rc = poll(&p, 1, ms < INT_MAX ? (int)ms : INT_MAX);
        if (rc == 0 && ms == 0)
            return 0;
    } while (rc == 0 || (rc < 0 && errno == EINTR));
    return rc > 0;
}

static int
grow(struct talk *t)
{
    char *more;

    if (t->cap - t->n_all > 1)
        return 0;
    t->cap = t->cap ? 2 * t->cap : 4096;
    more = realloc(t->answer, t->cap);
    if (!more)
        return -ENOMEM;
    t->answer = more;
    return 0;
}

/* The line that ends at or behind from is whole. */
static int
is_whole(struct talk *t, size_t from)
{
    char *end = memchr(t->answer + from, '\n', t->n_all - from);

    if (!end)
        return 0;
    *end = '\0';
    t->n = (size_t)(end - t->answer);
    return 1;
}

/* Forget the line that was heard. */
static void
pass_on(struct talk *t)
{
    if (t->n_all == 0)
        return;
    t->n_all -= t->n + 1;
    memmove(t->answer, t->answer + t->n + 1, t->n_all);
}

/* The next line, without its end: 0; -ETIMEDOUT, -EPIPE, -errno. */
static int
hear(struct talk *t)
{
    uint64_t end_ns =
        t->patience_ms == FOREVER
            ? UINT64_MAX
            : clock_mono_ns() + (uint64_t)t->patience_ms * 1000000u;
    size_t seen = 0;
    ssize_t n;

    pass_on(t);
    for (;;) {
        if (seen < t->n_all && is_whole(t, seen))
            return 0;
        seen = t->n_all;
        if (grow(t) < 0)
            return -ENOMEM;
        if (!is_there(t->fd, end_ns))
            return -ETIMEDOUT;
        n = recv(t->fd, t->answer + t->n_all, t->cap - t->n_all - 1, 0);
        if (n == 0)
            return -EPIPE;
        if (n < 0 && errno != EINTR)
            return -errno;
        t->n_all += n > 0 ? (size_t)n : 0;
    }
}

static void
print_list(struct json_read *r, const char *before)
{
    et_str item;

    while (json_read_item(r, &item) > 0)
        fprintf(stderr, "%s%.*s\n", before, (int)item.n, item.p);
}

static void
print_member(struct json_read *r, const struct json_value *v,
             int64_t generation)
{
    int n = (int)v->text.n;

    if (str_eq(v->name, str_lit("text")))
        fwrite(v->text.p, 1, v->text.n, stdout);
    else if (str_eq(v->name, str_lit("summary")))
        printf("generation %lld serves: %.*s\n", (long long)generation, n,
               v->text.p);
    else if (str_eq(v->name, str_lit("error")))
        fprintf(stderr, "etude: %.*s\n", n, v->text.p);
    else if (str_eq(v->name, str_lit("errors")))
        print_list(r, "");
    else if (str_eq(v->name, str_lit("warnings")))
        print_list(r, "warning: ");
}

/* Show it; the exit code. */
static int
show(const struct remote *r, struct talk *t)
{
    struct json_read reader;
    struct json_value v;
    int64_t generation = 0;
    int rc, code = SERVER_UNAVAILABLE;

    if (r->as_json)
        printf("%s\n", t->answer);
    json_read_init(&reader, t->answer, t->n);
    while ((rc = json_read_next(&reader, &v)) > 0) {
        if (str_eq(v.name, str_lit("ok")))
            code = v.number ? SERVER_OK : 1;
        else if (str_eq(v.name, str_lit("exit")))
            code = (int)v.number;
        else if (str_eq(v.name, str_lit("generation")))
            generation = v.number;
        else if (!r->as_json)
            print_member(&reader, &v, generation);
    }
    if (rc == 0)
        return code;
    fprintf(stderr, "etude: %s: this is no answer\n", t->socket);
    return SERVER_UNAVAILABLE;
}

/* ---- the end of the process ----------------------------------------------*/

/* The process that listens there, as something to wait for; -1: not known. */
static int
open_process(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || peer.pid <= 0)
        return -1;
    return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

/* As far as we can see it, at least the end of its side of the socket.  The
 * exit code: it says if it was not a good one. */
static int
await_end(const struct remote *r, struct talk *t, int process)
{
    int code = SERVER_OK;

    t->patience_ms = FOREVER;
    while (hear(t) == 0)
        code = show(r, t);
    if (process >= 0)
        (void)is_there(process, UINT64_MAX);
    return code;
}

/* ---- the whole -----------------------------------------------------------*/

static int
refuse_answer(const struct remote *r, const struct talk *t, int rc)
{
    if (rc == -ETIMEDOUT)
        return verdict_refuse(SERVER_UNAVAILABLE, r->as_json,
                              "%s: no answer within %lld s", t->socket,
                              (long long)t->patience_ms / 1000);
    return verdict_refuse(SERVER_UNAVAILABLE, r->as_json, "%s: %s", t->socket,
                          rc == -EPIPE || rc == -ECONNRESET
                              ? "the server has ended before its answer"
                              : strerror(-rc));
}

static int
converse(const struct remote *r, struct talk *t)
{
    int is_stop = strcmp(r->command, "stop") == 0;
    int process = is_stop ? open_process(t->fd) : -1;
    int rc = say(r, t), code;

    if (rc == 0 || rc == -EPIPE) /* it may have said why before */
        rc = hear(t);
    code = rc < 0 ? refuse_answer(r, t, rc) : show(r, t);
    if (is_stop && code == SERVER_OK)
        code = await_end(r, t, process);
    if (process >= 0)
        close(process);
    return code;
}

int
remote_run(const struct remote *r)
{
    struct talk t = {.fd = -1};
    int code = open_talk(r, &t);

    if (code == SERVER_OK)
        code = converse(r, &t);
    close_talk(&t);
    return code;
}
