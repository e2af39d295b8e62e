/* SPDX-License-Identifier: BSD-2-Clause */
/* etude_abi.h - the binary contract between the server and a plugin.
 *
 * This file is what must not change for ten years; etude.h, which includes it,
 * is what an author writes with.  It depends on the C library's headers only,
 * compiles as C11 and C++11, and declares no function: a plugin needs no symbol
 * of the host, the host finds one data symbol (et_plugins_v1) and one ELF note
 * (.note.etude) in the plugin.
 *
 * Rules, for ever:
 *   1. append only: nothing is reordered, retyped or reused;
 *   2. every struct that crosses the line begins with its size, and a field
 *      exists only if ET_HAS() says so;
 *   3. 0 and NULL mean "not provided";
 *   4. fixed-width integers only: no enum, bool, long, bitfield, varargs,
 *      FILE*, errno across the line;
 *   5. who allocates, frees;
 *   6. nothing unwinds across a call, in either direction;
 *   7. every function says on which thread it runs:
 *        [control]   the server's control thread; may be slow, one at a time
 *        [worker]    the thread that owns the request or worker named
 *        [any]       any thread
 *   8. what is reserved is 0.  A flag, kind or type of a declaration that the
 *      server does not know refuses the load; one of a call is ignored, where
 *      the call does not say otherwise.
 *
 * The same request, whatever carried it.  Where HTTP/2 is not as HTTP/1 is:
 *     a connection   has many requests at once.  What is said here of the end
 *                    of a connection (ET_DROP, an answer that is cut off) is a
 *                    reset of the request's stream; the others go on
 *     fields         names of those received are in lower case, Host is what
 *                    :authority was, several Cookie fields are one; none
 *                    begins with a colon.  Names of those sent are put into
 *                    lower case; those of the connection cannot be set anyway
 *     a body         is never in chunks; trailers are taken, in both directions
 *     reasons        there are none behind a status, in no version: it is the
 *                    number that plugins set.  They send none of 1xx: 100, and
 *                    101 in HTTP/1, are the host's
 *     a WebSocket    is asked for by CONNECT (RFC 8441), which is GET to routes
 *                    and steps, without Sec-WebSocket-Key; its end is that of
 *                    its stream
 *
 * 1.0 is final: nothing is a draft.  What is added has a new minor, and says
 * since when it is there; this is 1.1.
 */
#ifndef ETUDE_ABI_H
#define ETUDE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ET_ABI_MAJOR 1u
#define ET_ABI_MINOR 1u
#define ET_ABI_RC 0u /* of what was before 1.0; 0 ever since */

/* True if *p, as large as its maker says, has field f of type T. */
#define ET_HAS(p, T, f) ((p)->size >= offsetof(T, f) + sizeof(((T *)0)->f))

/* ---- values --------------------------------------------------------------*/

/* Bytes that belong to somebody else.  Not NUL-terminated; p may be NULL when
 * n is 0.  "Absent" is p == NULL, "present and empty" is p != NULL, n == 0. */
typedef struct et_str {
    const char *p;
    size_t n;
} et_str;

typedef struct et_list { /* option of type LIST: values in the ini's order */
    const et_str *v;
    size_t n;
} et_list;

typedef struct et_rate { /* option of type RATE: "100/s" is {100, 1000} */
    int64_t count, per_ms;
} et_rate;

typedef struct et_field { /* option of type HEADER: "Name: value" */
    et_str name, value;
} et_field;

/* Where a plugin writes why it failed: at most cap bytes to p, n is how many
 * were written.  No NUL needed, no newline wanted. */
typedef struct et_err {
    char *p;
    size_t cap, n;
} et_err;

/* What host calls and lifecycle callbacks return: 0 is good, and below 0: */
#define ET_ENOMEM (-1)   /* arena, pool or host memory exhausted */
#define ET_ESTALE (-2)   /* the token's request is gone */
#define ET_EPHASE (-3)   /* not allowed now: the response is committed */
#define ET_EINVAL (-4)   /* malformed argument: a CR, LF in a header ... */
#define ET_ELIMIT (-5)   /* a configured bound was reached; do not retry */
#define ET_ENOTSUP (-6)  /* not in this build, or not for this request */
#define ET_ECANCEL (-7)  /* given up: nobody waits for the answer any more */
#define ET_ETIME (-8)    /* not in time */
#define ET_ECRASH (-9)   /* it crashed, and was left at that */
#define ET_ERETIRE (-10) /* its generation, or the server, is to end */
#define ET_ECONN (-11)   /* no connection, or it broke */
#define ET_EPROTO (-12)  /* what came is no HTTP */

/* What a step returns.  Any other value is logged and treated as ET_FAIL. */
#define ET_NEXT 0u /* go on to the next step */
#define ET_DONE 1u /* the response is decided: on to the response steps */
#define ET_WAIT 2u /* not yet: it is suspended (et.async/1) */
#define ET_FAIL 3u /* 500, logged against this plugin */
/* Close the connection without an answer: the log step sees status 0.  Of
 * HTTP/2 it is the stream that is reset (INTERNAL_ERROR). */
#define ET_DROP 4u
#define ET_TAKE 5u /* callbacks own the connection from now on (et.ws/1) */

/* ---- handles -------------------------------------------------------------*/

typedef struct et_host et_host;

#define ET_K_REQ 1u
#define ET_K_WORKER 2u
#define ET_K_CONF 3u
#define ET_K_STORE 4u
#define ET_K_LOOP 5u
#define ET_K_SUB 8u
#define ET_K_WS 6u

/* First member of every handle, so that a helper works on any of them. */
typedef struct et_ctx {
    uint32_t size; /* of the whole handle */
    uint32_t kind; /* ET_K_* */
    const et_host *host;
} et_ctx;

/* Log levels, least first; ET_L_DEBUG is the most talkative. */
#define ET_L_ERROR 1u
#define ET_L_WARN 2u
#define ET_L_INFO 3u
#define ET_L_DEBUG 4u

/* The host, one per process; const to plugins, alive as long as they are. */
struct et_host {
    uint32_t size, major, minor;
    uint32_t log_level;  /* records above it are dropped; may change [any] */
    const char *product; /* "Etude/0.1.0": for logs only, never compare it */
    /* The interface struct named id ("et.http/1"), or NULL if this host has
     * none of that name or an older one than min_size bytes. [any] */
    const void *(*iface)(const et_host *h, const char *id, uint32_t min_size);
    /* Write one record of n bytes (no newline).  Longer than 2,000 bytes is
     * cut; NUL and control bytes are shown escaped.  The host adds time,
     * worker, plugin and request. [any] */
    void (*log)(const et_ctx *c, uint32_t level, const char *p, size_t n);
};

typedef struct et_async et_async;
typedef struct et_task et_task;
typedef struct et_metrics et_metrics;
typedef struct et_fetch_api et_fetch_api;
typedef struct et_ws_api et_ws_api;
typedef struct et_ws et_ws;

typedef struct et_worker { /* one thread that serves */
    et_ctx ctx;
    uint32_t index, n_workers;
    const et_metrics *metrics; /* et.metrics/1, as et_req.http is et.http/1 */
    const et_async *async;     /* et.async/1 */
    const et_task *task;       /* et.task/1 */
    const et_fetch_api *fetch; /* et.fetch/1 */
    const et_ws_api *ws;       /* et.ws/1 */
} et_worker;

typedef struct et_conf { /* an instance being configured [control] */
    et_ctx ctx;
    et_str instance; /* section name: "limit" of [plugin limit] */
    et_str route;    /* route whose own values these are; absent if shared */
    uint32_t n_workers, reserved0;
} et_conf;

typedef struct et_http et_http;

/* A piece of an answer's body (et_http.reply_pieces): n bytes at p; or, where p
 * is NULL, n bytes of fd from off on.  The fd stays the plugin's, so that any
 * number of pieces and answers may share one; what p or fd is stays as it is
 * until release(arg) is called, or if release is NULL until the log step has
 * returned. */
typedef struct et_piece {
    const char *p;
    uint64_t off, n;
    void (*release)(void *arg);
    void *arg;
    int32_t fd;
    uint32_t reserved0;
} et_piece;

/* Methods; et_req.method. */
#define ET_M_OTHER 0u
#define ET_M_GET 1u
#define ET_M_HEAD 2u
#define ET_M_POST 3u
#define ET_M_PUT 4u
#define ET_M_DELETE 5u
#define ET_M_PATCH 6u
#define ET_M_OPTIONS 7u
#define ET_M_TRACE 8u
#define ET_M_CONNECT 9u

/* A request.  Plain loads, read-only, valid until the log step returns. */
typedef struct et_req {
    et_ctx ctx;
    const et_http *http; /* et.http/1, so that helpers need no global */
    et_worker *worker;
    void **mine;     /* this step's own pointer; *mine starts NULL and is
                        shared by the request, response and log step */
    uint32_t method; /* ET_M_* */
    uint32_t proto;  /* 10, 11, 20: HTTP/1.0, HTTP/1.1, HTTP/2 */
    uint32_t status; /* 0 until a response is decided, and after ET_DROP */
    uint32_t reserved0;
    et_str method_s;   /* "GET" */
    et_str target;     /* as the client sent it; :path */
    et_str path;       /* decoded, dot segments removed; always begins with
                          '/' (or is "*" for OPTIONS *) */
    et_str query;      /* raw, without '?'; absent if there was none */
    et_str scheme;     /* "https": over TLS, which ends here, or at a proxy of
                          trusted_proxies that says so; else "http" */
    et_str host;       /* Host or :authority without port, lower case */
    uint64_t id;       /* unique in this process; show it in logs */
    uint64_t start_ns; /* monotonic clock when the head was complete */
} et_req;

/* ---- et.http/1: the request and its response -----------------------------*/

#define ET_IF_HTTP "et.http/1"

/* mode of et_http.set */
#define ET_SET 0u /* replace all of that name */
#define ET_ADD 1u /* append another field */
#define ET_DEL 2u /* remove all of that name; value is ignored */

/* flags of et_http.reply; others are ignored */
/* Copy body and type.  Without it both must live until the log step returns:
 * request arena, the request's own slices, instance memory, literals. */
#define ET_R_COPY 1u
#define ET_R_DRESS 2u /* an error text the host may dress by Accept */

/* which of et_http.text */
#define ET_T_PEER 1u /* client address after trusted_proxies rules */
/* the other end of the connection; behind proxy_protocol, what that says */
#define ET_T_SOCKET_PEER 2u
#define ET_T_ROUTE 3u    /* route's name; "" for 404 and 405 answers */
#define ET_T_INSTANCE 4u /* name of the instance of the calling step */
#define ET_T_CLF_TIME 5u /* 21/Nov/2026:02:21:00 +0000 */
#define ET_T_ISO_TIME 6u /* 2026-11-21T02:21:00.123Z */
/* Of a connection over TLS that ends in this server; else absent. */
#define ET_T_TLS_VERSION 7u /* "TLSv1.3" */
#define ET_T_TLS_CIPHER 8u  /* "TLS_AES_128_GCM_SHA256" */
#define ET_T_TLS_NAME 9u    /* the host it was opened for (SNI) */
/* Of the client's certificate, which was verified; else absent.  What it says
 * is as true as the authority that has signed it. */
#define ET_T_CLIENT_SUBJECT 10u /* "CN=alice,O=Example" (RFC 4514) */
#define ET_T_CLIENT_SHA256 11u  /* of all of it, 64 hexadecimal digits */
#define ET_T_CLIENT_NAMES 12u   /* "DNS:a.example, email:a@b.example, ..." */
/* What the tail of the route's pattern stands for, whatever it is called: all
 * of the path behind the slash in front of it; absent if it has none. */
#define ET_T_TAIL 13u

/* which of et_http.number */
#define ET_N_HEADERS 1u    /* fields in the request */
#define ET_N_BODY_BYTES 2u /* decoded body length; -1 while unknown */
#define ET_N_SENT_BYTES 3u /* response body bytes handed to the client */
#define ET_N_ELAPSED_US 4u /* since start_ns */
#define ET_N_PEER_PORT 5u  /* of the socket; 0 for a Unix socket */
/* 1: a newer generation serves, or the server ends */
#define ET_N_RETIRING 6u
/* Since 1.1.  In a response step: bytes of the answer's body, as it is
 * decided so far; -1: nobody knows (ET_ANY_LENGTH, or a step further in
 * filters it). */
#define ET_N_ANSWER_BYTES 7u
/* Since 1.1.  1: the calling member has asked for this request by repeat; 2:
 * one further out has.  Nobody waits for its answer.  0: a client does. */
#define ET_N_REPEATED 8u
/* Since 1.1.  In a response step: 1: this answer may go through body steps that
 * filter it; 0: no stack is left for them (`max_tasks`), and who asks for that
 * makes it a 503. */
#define ET_N_MAY_FILTER 9u

/* All of it [worker], with a request of the calling thread. */
struct et_http {
    uint32_t size, reserved0;
    /* The nth (from 0) value of a request field, compared without case. */
    et_str (*header)(const et_req *r, et_str name, uint32_t nth);
    /* Field i of ET_N_HEADERS in the order sent; 0 or ET_EINVAL. */
    int32_t (*header_at)(const et_req *r, uint32_t i, et_str *name,
                         et_str *value);
    /* A path parameter of the route, percent-decoded ("%2F" stays). */
    et_str (*param)(const et_req *r, et_str name);
    /* The nth value of a query key; both decoded ("+" is a space). */
    et_str (*query)(et_req *r, et_str name, uint32_t nth);
    /* The same of an application/x-www-form-urlencoded body. */
    et_str (*form)(et_req *r, et_str name, uint32_t nth);
    /* A cookie's value as sent, quotes removed. */
    et_str (*cookie)(const et_req *r, et_str name);
    /* The whole body as one read-only span; absent unless a step that has
     * run or is running declared ET_B_BUFFER.  Empty body: n == 0.  Like all
     * slices of the request it lives until the log step returns, so reply may
     * send it without ET_R_COPY. */
    et_str (*body)(const et_req *r);
    et_str (*text)(et_req *r, uint32_t which); /* ET_T_*; else absent */
    int64_t (*number)(const et_req *r, uint32_t which); /* ET_N_*; else -1 */

    /* n bytes from the request's arena, aligned to 16, freed after the log
     * step; NULL when its bound is reached: 16 MiB at once, 64 MiB in all, or
     * the worker's memory.  From then on every reply of this
     * request is refused (ET_FAIL, whichever plugin asks) and its answer is
     * 500: an author who forgets to check never sends a cut answer.  The same
     * holds after any other call that returned ET_ENOMEM. */
    void *(*alloc)(et_req *r, size_t n);
    /* The arena's tail: at least want bytes at the result, *cap in all; NULL
     * as alloc.  commit takes the first n of them. */
    char *(*reserve)(et_req *r, size_t want, size_t *cap);
    void (*commit)(et_req *r, size_t n);

    /* Set, add or delete a response field; copies both.  ET_EINVAL for a name
     * that is no token, for CR, LF, NUL or another control byte in the value,
     * for another mode, and for fields the host owns (Connection,
     * Content-Length, Date, Keep-Alive, Proxy-Connection, TE, Trailer, Upgrade,
     * Transfer-Encoding), whatever the version; ET_ELIMIT for a value above 64
     * KiB; ET_EPHASE once the answer is on its way; ET_ENOMEM. */
    int32_t (*set)(et_req *r, et_str name, et_str value, uint32_t mode);
    /* The nth value of a response field set so far. */
    et_str (*get)(const et_req *r, et_str name, uint32_t nth);

    /* Decide the response: status 200..599, media type ("" sends none), body.
     * Replaces a response decided before, keeps the fields set.  Returns what
     * the step is to return: ET_DONE, or ET_FAIL: a status that is none, a type
     * that cannot be a field's value, or the answer is on its way. */
    uint32_t (*reply)(et_req *r, uint32_t status, et_str type, const void *p,
                      size_t n, uint32_t flags);
    /* As reply, without a copy: release(arg) is called exactly once, on this
     * thread, when the bytes are no longer needed - even on failure. */
    uint32_t (*reply_ref)(et_req *r, uint32_t status, et_str type,
                          const void *p, size_t n, void (*release)(void *arg),
                          void *arg);
    /* As reply, with n bytes of fd from off on.  Takes the fd: the host closes
     * it when it is done, even on failure. */
    uint32_t (*reply_file)(et_req *r, uint32_t status, et_str type, int32_t fd,
                           uint64_t off, uint64_t n);
    /* Log why at level error against the calling plugin; returns ET_FAIL. */
    uint32_t (*fail)(et_req *r, const char *p, size_t n);
    /* The same, but it does not return: the step is left where it stands, and
     * takes no further part in the request, which is answered with 500.  Only
     * within a step of r, on its thread.  What the functions in between hold -
     * locks, memory, C++ objects - they hold for ever. */
    void (*panic)(et_req *r, const char *p, size_t n);
    /* The nth (from 0) value of a field behind the request's body (RFC 9110,
     * 6.5), compared without case: absent until the body was read to its end,
     * collected or by et_task.read_body. */
    et_str (*trailer)(const et_req *r, et_str name, uint32_t nth);
    /* In a response step: the plugin's body step (ET_I_BODY) is to see the body
     * of this answer, whose length is not known any more.  0, ET_EPHASE,
     * ET_ENOMEM. */
    int32_t (*filter)(et_req *r);
    /* In a body step: pass n bytes on, copied or used before it returns, with
     * flags (ET_BODY_*) for those further out: those that it was called with,
     * in the last call, behind which it is ET_EINVAL.  Waits while the client
     * is behind.  0, or below 0: the step is to return that. */
    int32_t (*emit)(et_req *r, const void *p, size_t n, uint32_t flags);
    /* As reply, with n pieces one behind another; the array and type are as
     * with reply without ET_R_COPY, but the array may go.  The release of each
     * is called exactly once, on this thread, when its piece is no longer
     * needed - even on failure.  A file that turns out shorter than its pieces
     * say cuts the answer off. */
    uint32_t (*reply_pieces)(et_req *r, uint32_t status, et_str type,
                             const et_piece *pieces, size_t n);
    /* Add n response fields, as set does with ET_ADD, but without a copy: the
     * array may go, names and values stay until the log step has returned.  All
     * of them or none; Content-Type is ET_EINVAL here. */
    int32_t (*add)(et_req *r, const et_field *fields, size_t n);
    /* Since 1.1.  Field i (from 0) of the response, of those set so far, in
     * their order; Content-Type, which get has, is none of them: 0, or
     * ET_EINVAL and there are no more.  Both stay until the log step has
     * returned, whatever is set or deleted meanwhile. */
    int32_t (*answer_field)(const et_req *r, uint32_t i, et_str *name,
                            et_str *value);
    /* Since 1.1.  As filter, but the body step only looks: what it was called
     * with goes on by itself when it has returned 0, emit is ET_EPHASE, and the
     * length stays what it is.  An answer that was decided as a whole goes
     * unseen where there is no stack for the step.  Who asks for both filters.
     */
    int32_t (*watch)(et_req *r);
    /* Since 1.1.  In a response step: the body of the answer as it is
     * decided so far, where it is one span of memory; n == 0: there is none.
     * Absent if it is a file, several pieces, or written piece by piece, or if
     * a step further in has asked for its body.  Good until another answer is
     * decided: what is made of it goes where it does not lie. */
    et_str (*answer_body)(const et_req *r);
    /* Since 1.1.  In a request step, but a handler's, of a GET without content
     * and Upgrade: the same once more, for nobody.  A request of its own, with
     * r's head but for the n fields named in without, begins soon after with
     * the step that calls: that member and those further in are all that take
     * part, and their response, body and log steps are all that see its answer.
     * Its client is r's; of TLS it knows nothing.  It lasts no longer than
     * wait_timeout, or a minute where that is 0, and who stops the server does
     * not wait for it.  0; ET_EPHASE: anywhere else, or it is what this member
     * has asked for; ET_ELIMIT: there are 64 on this worker, or it has too much
     * to do; ET_ERETIRE: a newer generation serves, or the server ends. */
    int32_t (*repeat)(et_req *r, const et_str *without, size_t n);
};

/* ---- et.log/1: log files of a plugin -------------------------------------*/

#define ET_IF_LOG "et.log/1"

typedef struct et_log {
    uint32_t size, reserved0;
    /* Open (append, create 0640) a file for whole lines; "" is the server's
     * own log stream.  Returns a channel > 0, or below 0 and e says why.
     * Reopened on SIGUSR1, closed when its last instance is gone.  [control],
     * while an instance is configured. */
    int32_t (*open)(et_conf *c, et_str path, et_err *e);
    /* Queue one line (newline added) of at most 8,000 bytes.  Never blocks:
     * when the worker's ring is full the line is dropped and counted, and
     * ET_ELIMIT returned. [worker] */
    int32_t (*write)(et_req *r, int32_t channel, const char *p, size_t n);
} et_log;

/* ---- et.metrics/1: figures of a plugin ------------------------------------*/

#define ET_IF_METRICS "et.metrics/1"

/* et_metricdef.kind */
#define ET_METRIC_COUNTER 1u   /* only grows: how often, how much */
#define ET_METRIC_GAUGE 2u     /* goes up and down: how many now */
#define ET_METRIC_HISTOGRAM 3u /* how many values up to each bound */
/* Since 1.1.  A gauge of what an instance has, whatever route leads to it:
 * shown without the label route. */
#define ET_METRIC_INSTANCE_GAUGE 4u

/* metric is what the server wrote to *et_metricdef.handle of a metric of the
 * calling step's plugin; any other, and a call that does not suit its kind, is
 * ignored.  Each worker has figures of its own, for every instance and route
 * of the plugin (an INSTANCE_GAUGE: for every instance); what is shown is their
 * sum, and it goes on over a reload.  A call is an addition in memory of the
 * worker: no lock, no look-up by name.  All of it [worker], within a step. */
struct et_metrics {
    uint32_t size, reserved0;
    /* A counter (n >= 0) or a gauge (any n). */
    void (*add)(et_req *r, uint32_t metric, int64_t n);
    /* A gauge: this worker's share of the sum, which is of the instance and
     * route of the calling step; that of other routes stays.  An
     * INSTANCE_GAUGE: of the instance. */
    void (*set)(et_req *r, uint32_t metric, int64_t value);
    /* A histogram: one more value. */
    void (*observe)(et_req *r, uint32_t metric, int64_t value);
};

/* ---- et.store/1: data of a plugin that outlives generations ---------------*/

#define ET_IF_STORE "et.store/1"

#define ET_STORE_NAME_MAX 63u    /* bytes of a store's name; at least one */
#define ET_STORE_KEY_MAX 255u    /* bytes of a key, of any kind; 0 is fine */
#define ET_STORE_VALUE_MAX 1024u /* bytes of a value */
#define ET_STORE_SAME_END UINT64_MAX /* as a ttl of swap: ends as it would */

typedef struct et_store_api et_store_api;

/* A store, open on one worker. */
typedef struct et_store {
    et_ctx ctx;
    const et_store_api *api; /* so that helpers need no global */
} et_store;

/* Counters and small values that the host keeps for a plugin: whatever replaces
 * the code or the options, the data stays.  A store is known by the plugin's
 * id, the section ("limit" of [plugin limit], with or without values of a
 * route's own) and the name it is opened by; whoever is a third of these finds
 * another one.  It goes when no generation has had it open for [server]
 * store_keep, and when the server is stopped.  That a process dies, or another
 * takes its place, does it no harm.
 *
 * There are three kinds, and of one key each of them is another thing: counters
 * that each worker has for itself, and that are summed; cells, one number for
 * the whole server; values, the same for the whole server.  None of them takes
 * a lock, the heap or a system call, whoever else is at it.
 *
 * [server] store_memory bounds what all stores hold: one half is for values,
 * which take a little more than ET_STORE_VALUE_MAX each, the other for the
 * rest, 80 bytes each.  When it is full, of those in whose places a new one may
 * come (64, chance has it which) what is over gives way first, and then what is
 * nearest to its end; what has none stays, and ET_ELIMIT says that nothing is
 * left to give way.
 *
 * ttl_ms is how long from now, 0 for ever, which more than eight years are too.
 * Keys may come from clients: the host hashes them with a secret.  A key longer
 * than ET_STORE_KEY_MAX is ET_EINVAL, or absent.
 *
 * All of it [worker], with a store that was opened on this worker. */
struct et_store_api {
    uint32_t size, reserved0;
    /* The store of that name; NULL outside of the init of an ET_STATE, for a
     * name that is too long or empty, without memory, and when there are
     * too many stores (the log says which).  Open until the exit of this state
     * has returned, or its init has failed. */
    et_store *(*open)(et_worker *w, et_str name);
    /* Add delta to this worker's counter; its new value, from 0 to INT64_MAX
     * (it stops at both), or ET_EINVAL, ET_ELIMIT.  The ttl counts from the add
     * that begins the counter: a later one may bring the end nearer and never
     * puts it off, so that it is the length of a window.  A counter that is
     * over begins anew from 0; one that is 0 is not kept. */
    int64_t (*add)(et_store *s, et_str key, int64_t delta, uint64_t ttl_ms);
    /* The sum of all workers' counters of that key, those of other processes
     * included, each as it was at some moment of the call; at most INT64_MAX.
     */
    int64_t (*total)(et_store *s, et_str key);
    /* Keep a copy of value, which may be what get returned, instead of what was
     * there, which is gone even if there is no room: ET_ELIMIT; or ET_EINVAL:
     * too long. */
    int32_t (*put)(et_store *s, et_str key, et_str value, uint64_t ttl_ms);
    /* A copy of the value; absent if there is none.  Valid until the next get
     * on that store or the return of the step, whichever is first. */
    et_str (*get)(et_store *s, et_str key);
    /* Forget this worker's counter and the value of that key, if any. */
    int32_t (*del)(et_store *s, et_str key);
    /* *value is the cell's, 0 if there is none; 0 or ET_EINVAL. */
    int32_t (*cell)(et_store *s, et_str key, int64_t *value);
    /* Make the cell `to` if it is *was: 1; if it is not: 0, and *was is what it
     * is; or ET_EINVAL, ET_ELIMIT.  Exact, whoever else does the same.  It ends
     * ttl_ms from now, or with ET_STORE_SAME_END as it would have.  One that is
     * 0 is not kept, one that is over is 0. */
    int32_t (*swap)(et_store *s, et_str key, int64_t *was, int64_t to,
                    uint64_t ttl_ms);
};

/* ---- et.async/1: waiting without holding the worker -----------------------*/

#define ET_IF_ASYNC "et.async/1"

/* What waits has a token, good once, from any thread, and for ever no danger:
 * one that comes late, twice or from nowhere is ET_ESTALE. */
typedef uint64_t et_token; /* 0: none */

/* How a suspended step goes on: rc is what it was woken with.  It returns what
 * the step would have, ET_WAIT included. [worker] */
typedef uint32_t (*et_resume_fn)(et_req *r, void *self, int32_t rc);
/* It does not: the client has gone or the server ends (ET_ECANCEL), or it was
 * not woken in time (ET_ETIME, the host answers 504).  For what the step holds;
 * there is nobody to answer. [worker] */
typedef void (*et_cancel_fn)(et_req *r, void *self, int32_t why);

/* priority of et_async.offload: HIGH is run first, but for every eighth job, so
 * that LOW goes on, too. */
#define ET_PRIO_LOW 0u
#define ET_PRIO_HIGH 1u

/* A worker's event loop, as one state sees it. */
typedef struct et_loop {
    et_ctx ctx;
    const et_async *async;
    et_worker *worker;
    et_token token; /* for post */
} et_loop;

struct et_async {
    uint32_t size, reserved0;
    /* Suspend the request: the calling step is to return ET_WAIT, and exactly
     * one of resume and cancel (or NULL) will be called, later, from the
     * worker's loop.  A step that returns anything else has given it up, and a
     * second call replaces the first.  timeout_ms 0: as long as `wait_timeout`
     * lets the route; UINT32_MAX: for ever.  The token, or 0: no resume; not
     * within a request or response step of r, or within its cancel; a job of
     * r's is under way; the worker has `max_waits` already; or ET_ERETIRE, as
     * offload.  [worker] */
    et_token (*suspend)(et_req *r, et_resume_fn resume, et_cancel_fn cancel,
                        uint32_t timeout_ms);
    /* Wake it: 0, and its resume will be called with rc; or ET_ESTALE. [any] */
    int32_t (*resume)(et_token t, int32_t rc);
    /* Suspend the request until job(arg) has run on a thread of the pool; what
     * it returned is rc, ET_ECRASH if it crashed.  r and all memory of it stay
     * until the job is over, even if the client goes.  0; ET_ELIMIT:
     * `pool_queue` jobs wait already, or max_waits; ET_EPHASE: as suspend;
     * ET_ERETIRE: a job of r's ran when what waits was given up (drain_timeout);
     * ET_ENOMEM: there is no memory, or no thread can be started. [worker] */
    int32_t (*offload)(et_req *r, int32_t (*job)(void *arg), void *arg,
                       uint32_t priority, et_resume_fn resume,
                       et_cancel_fn cancel);

    /* The loop of the state whose init runs on w; else NULL, and if there is no
     * memory.  It is there until the state has ended, and nothing of what
     * follows is called after that. [worker] */
    et_loop *(*open)(et_worker *w);
    /* Call fn once, ms milliseconds from now, or up to 16 later.  0: max_waits
     * wait already. [worker] */
    et_token (*timer)(et_loop *l, uint64_t ms,
                      void (*fn)(et_loop *l, void *arg), void *arg);
    /* Call fn once, when fd is ready for one of events (ET_FD_*), or has
     * failed, with the events of poll(2).  fd stays open until then, or until
     * cancel, and nobody else waits for it here.  0: as timer, or malformed.
     * [worker] */
    et_token (*watch)(et_loop *l, int32_t fd, uint32_t events,
                      void (*fn)(et_loop *l, int32_t fd, uint32_t events,
                                 void *arg),
                      void *arg);
    /* Have that timer or watch of this loop not call fn: 0; or ET_ESTALE: it
     * has called it, or is none. [worker] */
    int32_t (*cancel)(et_loop *l, et_token t);
    /* Have fn(l, arg) called on the worker of the loop with that token: 0;
     * ET_ESTALE: its state has ended; ET_ENOMEM.  If the state ends before, it
     * is not called. [any] */
    int32_t (*post)(et_token loop, void (*fn)(et_loop *l, void *arg),
                    void *arg);
};

/* ---- et.task/1: steps that wait where they stand --------------------------*/

#define ET_IF_TASK "et.task/1"

/* events of et_task.wait_fd */
#define ET_FD_IN 1u
#define ET_FD_OUT 4u

/* A part of a task (et_task.join), and what it has returned: ET_ELIMIT if there
 * was no stack for it, ET_ECRASH if it crashed. */
typedef struct et_part {
    int32_t (*fn)(et_req *r, void *arg);
    void *arg;
    int32_t rc;
    uint32_t reserved0;
} et_part;

/* For steps that are declared with ET_F_TASK: each runs on a stack of its own
 * ([server] task_stack), and only such a step of r may call these, on its
 * worker; else ET_EPHASE.  While one waits the worker serves others.
 *
 * A call that waits returns ET_ECANCEL when nobody waits for the answer any
 * more (the client has gone, or the server ends), ET_ETIME when the task's time
 * is over (timeout), ET_ERETIRE shortly before a server that stops ends, or
 * `drain_timeout` after a newer generation has come, if it is writing its
 * answer then (ET_N_RETIRING says so from the beginning).  From then on every
 * later one does at once, but that after ET_ERETIRE an answer that has begun
 * may be written to its end: the step is to return, and its defers run.
 * ET_ELIMIT: `max_waits` wait already.
 * [worker] */
struct et_task {
    uint32_t size, reserved0;
    /* 0, when ms milliseconds are over: not before, and up to 16 later. */
    int32_t (*sleep)(et_req *r, uint64_t ms);
    /* Until fd is ready for one of events (ET_FD_*), or has failed: the events
     * of poll(2), by which a file is always ready; ET_ETIME after timeout_ms
     * (UINT64_MAX: for ever), but then the task goes on; ET_EINVAL: other
     * events.  fd stays open, and nobody else waits for it here. */
    int32_t (*wait_fd)(et_req *r, int32_t fd, uint32_t events,
                       uint64_t timeout_ms);
    /* Until job(arg) has run on a thread of the pool: what it returned (better
     * not below 0), or ET_ECRASH; ET_ELIMIT: `pool_queue` jobs wait already;
     * ET_ENOMEM.  Once it runs it is waited for, whatever happens: arg may be
     * on the task's stack. */
    int32_t (*offload)(et_req *r, int32_t (*job)(void *arg), void *arg,
                       uint32_t priority);
    /* A token for et_async.resume, which is good until the next call that
     * waits; 0: none can be had.  await waits until it is used: the rc it is
     * used with; ET_ETIME after timeout_ms (as wait_fd); ET_EINVAL: no arm. */
    et_token (*arm)(et_req *r);
    int32_t (*await)(et_req *r, uint64_t timeout_ms);
    /* Run n functions beside each other, each on a stack of its own, until all
     * have returned (parts[i].rc): each may wait, and they take turns where
     * they do.  0, or why the task is given up: then they have all returned,
     * too. */
    int32_t (*join)(et_req *r, et_part *parts, uint32_t n);
    /* From ms milliseconds from now on the task's time is over; 0: never. */
    int32_t (*timeout)(et_req *r, uint64_t ms);
    /* Have fn(arg) run when the calling function of the task (step or part) has
     * returned, or crashed; the last one first.  It may not wait. */
    int32_t (*defer)(et_req *r, void (*fn)(void *arg), void *arg);
    /* The next bytes of the request's body, decoded, at least one and at most n
     * (> 0), when some have come; 0: that was all of it.  What is not read is
     * not received: the client waits.  The first call has a client that asks
     * for it told to go on (RFC 9110 10.1.1).  ET_ETIME: nothing has come for
     * `body_timeout`; ET_ELIMIT: it is larger than `max_body`; ET_EINVAL: its
     * framing is wrong, or another part reads.  Of a body that was collected
     * for a step (ET_B_BUFFER) it reads that. */
    int64_t (*read_body)(et_req *r, void *p, size_t n);
    /* Begin an answer whose body is written piece by piece, of length bytes
     * (ET_ANY_LENGTH: nobody knows): the response steps see it, its head goes.
     * 0; ET_EINVAL; ET_EPHASE: one has begun already; or ET_ECANCEL: a response
     * step has answered otherwise, as if the client had gone.  They may wait,
     * and it waits for them.  The step is to return ET_DONE when all is
     * written; anything else, and fewer bytes than length, cut the answer off
     * (RFC 9112, 8; RFC 9113, 8.1). */
    int32_t (*begin)(et_req *r, uint32_t status, et_str type, uint64_t length);
    /* Write n bytes of it, copied: waits while the client is behind.  They go
     * when enough has come together, when a call waits, and at the end; what a
     * body step holds of them, when they are flushed, and at the end.  0;
     * ET_EPHASE: not begun; ET_EINVAL: more than length, or another part
     * writes; ET_ECANCEL also where no body goes with the answer: HEAD, 204,
     * 304. */
    int32_t (*write)(et_req *r, const void *p, size_t n);
    /* Wait until the kernel has all that is written. */
    int32_t (*flush)(et_req *r);
    /* A field behind the body, copied (RFC 9110, 6.5); in HTTP/1 who does not
     * take the body in chunks, as HTTP/1.0 does not, never sees it.  0;
     * ET_EINVAL: malformed, or of no use there; ET_EPHASE: not begun;
     * ET_ENOMEM. */
    int32_t (*trailer)(et_req *r, et_str name, et_str value);
};

#define ET_ANY_LENGTH UINT64_MAX
/* ---- et.channel/1: publish and subscribe ---------------------------------*/

#define ET_IF_CHANNEL "et.channel/1"

#define ET_CH_NAME_MAX 255u /* bytes of a channel's name; at least one */
#define ET_CH_QUEUE 64u     /* max_queue, for 0 */

/* policy of a subscription: what is lost when its queue is full */
#define ET_CH_DROP_OLDEST 0u /* the message that waits longest */
#define ET_CH_DROP_SELF 1u   /* all of them, and it is told nothing any more */

typedef struct et_channel_api et_channel_api;

/* What a task is told. */
typedef struct et_sub {
    et_ctx ctx;
    const et_channel_api *api;
} et_sub;

/* A channel is a name, of any bytes, and is there while somebody listens to it.
 * What is published goes to whoever is subscribed when it arrives, on all
 * workers of this process, and is kept for nobody else: while the server is
 * replaced by another process (an upgrade, some reloads), those who are with
 * the old one and those who are with the new one do not hear each other.  What
 * one thread publishes arrives everywhere in that order.  It is always told
 * later, never within publish, to the publisher's own worker as well. */
struct et_channel_api {
    uint32_t size, reserved0;
    /* Tell all subscribers of channel a copy of n bytes: 0, even if there are
     * none; ET_EINVAL: a bad name, or more than `channel_max_message` bytes;
     * ET_ELIMIT: messages that wait to be read take up `channel_memory`, or
     * those that are on their way to a worker with subscribers a quarter of it,
     * try again later; ET_ENOMEM.  Below 0 nobody is told. [any] */
    int32_t (*publish)(const et_host *h, et_str channel, const void *p,
                       size_t n);
    /* Have messages of channel wait for the calling task of r, at most
     * max_queue of them (0: ET_CH_QUEUE) and a sixteenth of channel_memory;
     * beyond that policy says what is lost.  It ends when the function of the
     * task that calls (step or part) is over, behind its defers; its parts may
     * use it as well.  NULL: no task calls, or it ends; a bad name or
     * policy; `max_subscriptions` are there. [worker] */
    et_sub *(*subscribe)(et_req *r, et_str channel, uint32_t max_queue,
                         uint32_t policy);
    /* Wait for the next message: 0, and it is valid until the next call for s,
     * with a NUL behind it; ET_ETIME after timeout_ms (UINT64_MAX: for ever),
     * and the task goes on; ET_ELIMIT: it was lost to ET_CH_DROP_SELF, or
     * max_waits; ET_EINVAL: another part waits for s; ET_ESTALE: s has ended;
     * else as the calls of et.task/1. [worker] */
    int32_t (*next)(et_sub *s, uint64_t timeout_ms, et_str *message);
    /* s ends. A part that waits for it is told ET_ESTALE. [worker] */
    void (*unsubscribe)(et_sub *s);
    /* How many messages it has lost. [worker] */
    uint64_t (*dropped)(const et_sub *s);
    /* Call fn for every message of channel, until the token is used for
     * et_async.cancel, or the state has ended.  What fn is given is valid while
     * it runs.  0: max_waits, max_subscriptions, or malformed. [worker] */
    et_token (*listen)(et_loop *l, et_str channel,
                       void (*fn)(et_loop *l, void *arg, et_str channel,
                                  et_str message),
                       void *arg);
    /* Have the host send every message of channel on s, as one of that type
     * (ET_WS_TEXT, ET_WS_BINARY); the plugin is not called.  What it cannot
     * send yet, because as much as `ws_queue` waits there, waits in front of
     * that, at most max_queue messages (0: ET_CH_QUEUE) and a sixteenth of
     * channel_memory; beyond that the oldest of them is lost
     * (ET_CH_DROP_OLDEST), or s is closed with 1008 (ET_CH_DROP_SELF).  A
     * message that is not UTF-8 is no text, and one of more than
     * ET_WS_MESSAGE_MAX not sent.  Until unsubscribe_ws or the end of s,
     * reloads that s outlives included.  If s is subscribed to channel it is
     * told it no other way than these say from now on, once each.  0;
     * ET_EINVAL: a bad name, type or policy; ET_ELIMIT: `max_subscriptions`;
     * ET_ECANCEL: s is closing. [worker] */
    int32_t (*subscribe_ws)(et_ws *s, et_str channel, uint32_t type,
                            uint32_t max_queue, uint32_t policy);
    /* No message of channel is sent any more, but for what is queued on s
     * itself; nothing if s is not subscribed to it. [worker] */
    void (*unsubscribe_ws)(et_ws *s, et_str channel);
};

/* ---- et.fetch/1: asking other servers ------------------------------------*/

#define ET_IF_FETCH "et.fetch/1"

/* flags of et_fetch_ask; others are ignored */
#define ET_FETCH_STREAM 1u /* the body comes by send, and ends with head */
/* ... and has body.n bytes, whatever body.p is; without it, it is sent in
 * chunks. */
#define ET_FETCH_LENGTH 2u

/* A request of HTTP/1.1. */
typedef struct et_fetch_ask {
    uint32_t size, flags;   /* ET_FETCH_* */
    et_str method, url;     /* "GET", "http://host:port/path?query" */
    const et_field *fields; /* Host among them replaces the url's */
    size_t n_fields;
    et_str body;
    uint32_t connect_ms; /* until it is connected, the name's look-up included;
                            0: 10 seconds */
    uint32_t timeout_ms; /* from then on until all of it is sent, for each wait
                            in which nothing goes; then until the head of the
                            reply is there; then for each wait in which nothing
                            of its body comes; 0: 30 seconds */
    uint64_t max_body;   /* bytes of the reply's body; 0: 1 MiB where it is
                            collected (fetch, start), else any */
} et_fetch_ask;

/* What has come.  It and all of it is in the memory of the request. */
typedef struct et_reply {
    uint32_t size, status;  /* 200 to 599; 0: there is none */
    const et_field *fields; /* as sent, but for blanks around values */
    size_t n_fields;
    et_str body;    /* all of it, of fetch and start */
    int64_t length; /* that was announced; -1: none was */
    int32_t rc;     /* of start: 0; or why there is no reply */
    uint32_t reserved0;
} et_reply;

/* Connections are kept for a while and used again, by whoever asks the same
 * authority next on this worker ([server] fetch_idle).  If such a one turns out
 * to be closed before a byte of the reply has come, a request that may be
 * repeated (RFC 9110 9.2.2) is sent once more, on a new one.  Names are looked
 * up on the pool; each address is tried in turn.
 *
 * ET_EINVAL: the url, the method (CONNECT) or a field is malformed, or one that
 * the host sends itself (Connection, Content-Length, Expect, Keep-Alive,
 * Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade); ET_ENOTSUP:
 * https; ET_ECONN: no such host, nobody listens, or the connection broke;
 * ET_EPROTO: what came is no reply (101 is none either); ET_ETIME; ET_ELIMIT:
 * `max_fetches`, `max_waits` or `pool_queue`, no descriptor is left, or the
 * body is larger than max_body; ET_ENOMEM.  ET_EPHASE, ET_ECANCEL and ET_ETIME
 * as et_task, too; of a reply that has failed every later call says why.
 *
 * Trailers of a reply are checked, and not shown.
 *
 * What is open is closed when the step that has asked is over, whatever
 * happens: open and fetch are calls of a task, and so is what may be done with
 * their replies, by one part at a time. [worker] */
struct et_fetch_api {
    uint32_t size, reserved0;
    /* Ask, and wait until the head of the reply has come: 0 and *reply; then
     * read its body.  With ET_FETCH_STREAM: until the head of the request is
     * sent; then send its body. */
    int32_t (*open)(et_req *r, const et_fetch_ask *ask, et_reply **reply);
    /* The next bytes of the reply's body, at least one and at most n (> 0);
     * 0: that was all.  What is not read is not received. */
    int64_t (*read)(et_req *r, et_reply *reply, void *p, size_t n);
    /* n more bytes (> 0) of the request's body: 0, when they are handed over;
     * ET_EPHASE: there is a reply already, see head. */
    int32_t (*send)(et_req *r, et_reply *reply, const void *p, size_t n);
    /* That was all of it: wait until the head of the reply has come. */
    int32_t (*head)(et_req *r, et_reply *reply);
    /* It is of no use any more; what was read stays.  NULL is fine. */
    void (*close)(et_req *r, et_reply *reply);
    /* Ask, and wait for all of the reply: 0 and *reply, which is closed. */
    int32_t (*fetch)(et_req *r, const et_fetch_ask *ask, et_reply **reply);
    /* As fetch, of any step, without waiting: 0, and token is resumed
     * (et_async) when all of the reply is there, with 0, or with why it is not;
     * *reply has it then.  The token is one that r waits for or is about to.
     * ask need not stay, but its body must until then.  The reply is given up
     * when r is over. */
    int32_t (*start)(et_req *r, const et_fetch_ask *ask, et_token token,
                     et_reply **reply);
};

/* ---- et.ws/1: WebSocket (RFC 6455, 7692) ----------------------------------*/

#define ET_IF_WS "et.ws/1"

/* type of a message */
#define ET_WS_TEXT 1u /* UTF-8, which the host sees to in both directions */
#define ET_WS_BINARY 2u

/* A stream: what has become of the connection of a request whose step has
 * returned ET_TAKE; of HTTP/2 of its stream.  Good from open until close
 * has returned, on its worker, in callbacks of any kind that run there. */
struct et_ws {
    et_ctx ctx;
    et_worker *worker;
    const et_ws_api *ws;
    void *data;      /* the plugin's own; at first what accept was given */
    et_str protocol; /* that was agreed on, of those asked for; absent: none */
};

/* What happens to a stream.  Static in the plugin, or accept is ET_FAIL; any
 * may be NULL.  self is that of the step that has accepted it.  One that
 * crashes and is recovered ends its stream (1011), of which nothing is called
 * any more. [worker] */
typedef struct et_ws_calls {
    uint32_t size, reserved0;
    /* It has begun: close will be called. */
    void (*open)(et_ws *s, void *self);
    /* A whole message, n bytes at p (not NULL), there during the call. */
    void (*message)(et_ws *s, void *self, uint32_t type, const char *p,
                    size_t n);
    /* After a send that was ET_ELIMIT: its queue is empty.  Until then no
     * message comes: so who answers each one has at most one answer to keep. */
    void (*writable)(et_ws *s, void *self);
    /* Once: its plugin or its route is another one in the configuration that
     * serves now, or the server ends.  It is closed (1012) when `drain_timeout`
     * is over. */
    void (*retiring)(et_ws *s, void *self);
    /* The last thing that is called, once.  code and reason are the client's;
     * or the code that the host has closed it with (1002: it does not keep to
     * the protocol, 1007: a text that is none, 1009: too large, 1012 ...), or
     * 1006: it has gone without a word, or takes and answers nothing. */
    void (*close)(et_ws *s, void *self, uint32_t code, et_str reason);
} et_ws_calls;

/* et_ws_ask.flags; others are ignored */
/* never compressed: for what mixes secrets and guesses */
#define ET_WS_PLAIN 1u
/* Bytes of one message at most, whichever way it goes: 16 MiB less a page. */
#define ET_WS_MESSAGE_MAX 16773120u

/* What a stream is to be like.  Zeros, and fields it does not have, are the
 * server's settings.  What is pointed to stays as long as the instance. */
typedef struct et_ws_ask {
    uint32_t size, flags;
    const et_str *protocols; /* that are spoken; the client's order counts */
    size_t n_protocols;
    /* Whose pages may use it ("https://example.org"; "*": any); none: those of
     * the same host and port.  What is no browser says nothing and may. */
    const et_str *origins;
    size_t n_origins;
    uint64_t max_message; /* bytes of one that comes, inflated; at most
                             ET_WS_MESSAGE_MAX */
    uint64_t queue;       /* bytes that wait to be sent, but for one message */
    uint32_t ping_ms;     /* of silence before a ping; UINT32_MAX: none */
    uint32_t reserved0;
} et_ws_ask;

/* What recv has got. */
typedef struct et_ws_message {
    uint32_t size; /* the caller's, of this */
    uint32_t type; /* ET_WS_TEXT, ET_WS_BINARY; 0: it is closed */
    et_str text;   /* the message, until the next recv; or why it is closed */
    uint32_t code; /* ... and with what, as of et_ws_calls.close */
    uint32_t reserved0;
} et_ws_message;

struct et_ws_api {
    uint32_t size, reserved0;
    /* Make r's connection a stream: what the calling request step is to return.
     * ET_TAKE: response steps see 101 (of HTTP/2 the client is sent 200) and
     * may set fields, log steps run, r is over, and then calls->open is called
     * - unless one of them fails.  Else ET_DONE: it is no handshake, or is
     * refused, which is answered (400, 403, 405, 426); or ET_FAIL.  ask may be
     * NULL. [worker] */
    uint32_t (*accept)(et_req *r, const et_ws_calls *calls,
                       const et_ws_ask *ask, void *data);
    /* Send a message, a copy of n bytes: 0; ET_ELIMIT: more would wait than
     * `ws_queue` (one message may, if nothing else does), nothing was taken,
     * and writable will be called; ET_ECANCEL: it is closing; ET_EINVAL: a text
     * that is not UTF-8, or more than ET_WS_MESSAGE_MAX; ET_ENOMEM. [worker] */
    int32_t (*send)(et_ws *s, uint32_t type, const void *p, size_t n);
    /* Close it with 1000 to 1003, 1007 to 1014 or 3000 to 4999, and at most
     * 123 bytes of UTF-8 (more is cut): 0; ET_ECANCEL: it is closing;
     * ET_EINVAL.  What was sent before goes out first; no message comes any
     * more, close is called when the client has answered. [worker] */
    int32_t (*close)(et_ws *s, uint32_t code, et_str reason);
    /* What other threads know it by, as long as it lives; 0: `max_waits` wait
     * already. [worker] */
    et_token (*token)(et_ws *s);
    /* Have fn(s, arg) called on the worker of the stream with that token: 0;
     * ET_ESTALE: it is over; ET_ENOMEM.  If it ends before, it is not called.
     * [any] */
    int32_t (*post)(et_token t, void (*fn)(et_ws *s, void *arg), void *arg);
    /* Instead of accept, in a task, which goes on: 0, and *s is its stream
     * until its step is over, which closes it if it is open still (1000; 1011:
     * the step has not returned ET_DONE; 1012: et_retiring); then the log steps
     * run. Response steps have seen 101 before.  Else *s is NULL, and it
     * returns what the step is to return, as accept.  Such a stream stays in
     * its generation: at the end of the drain calls that wait are ET_ERETIRE,
     * and it is closed (1012).  When the client has gone they are ET_ECANCEL.
     * [worker] */
    uint32_t (*open)(et_req *r, const et_ws_ask *ask, et_ws **s);
    /* Wait for the next message, at most so many milliseconds (UINT64_MAX: for
     * ever): 0; 1: it is closed, and every later call says so; below 0: as
     * other calls of a task that wait (ET_ETIME ...), or ET_EINVAL: another
     * part waits for it, or it is not r's.  One message is read before it is
     * asked for; the client has to wait with more than fits in between.
     * [worker] */
    int32_t (*recv)(et_req *r, et_ws *s, uint64_t timeout_ms, et_ws_message *m);
    /* send, but waits while the queue is full.  Several parts may. [worker] */
    int32_t (*put)(et_req *r, et_ws *s, uint32_t type, const void *p, size_t n);
};

/* ---- what a plugin declares ----------------------------------------------*/

/* Declarations are items: structs that begin with et_item, found through the
 * pointer array items..items_end of the descriptor, in any order.  An unknown
 * kind refuses the load ("needs a newer server"), and so does a second item of
 * any kind but ROUTE, NEED, ORDER, COMMAND and METRIC.  Descriptor, items and
 * whatever data they point to are static: in the plugin's file or in a
 * library's, not on the heap; what is elsewhere refuses the load, unread. */
#define ET_I_NONE 0u     /* nothing: keeps the section from being empty */
#define ET_I_ROUTE 1u    /* et_route */
#define ET_I_REQUEST 2u  /* et_stepdef: a middleware's request step */
#define ET_I_RESPONSE 3u /* et_stepdef: its response step */
#define ET_I_HANDLER 4u  /* et_stepdef: what [route] handler = X runs */
#define ET_I_LOG 5u      /* et_stepdef: after the answer; result ignored */
#define ET_I_OPTIONS 6u  /* et_optdef */
#define ET_I_INSTANCE 7u /* et_instancedef */
#define ET_I_STATE 8u    /* et_statedef */
#define ET_I_IMAGE 9u    /* et_imagedef */
#define ET_I_NEED 10u    /* et_needdef */
#define ET_I_ORDER 11u   /* et_orderdef */
#define ET_I_COMMAND 12u /* et_commanddef */
#define ET_I_METRIC 13u  /* et_metricdef */
#define ET_I_BODY 14u    /* et_bodydef: a middleware's body step */

typedef struct et_item {
    uint32_t size; /* of the whole item */
    uint32_t kind; /* ET_I_* */
    uint32_t line, reserved0;
    const char *file; /* for messages: where it was declared */
} et_item;

/* A step.  self is what the last declared stage of the plugin made: its
 * per-worker state (ET_I_STATE), else its instance (ET_I_INSTANCE), else its
 * options (ET_I_OPTIONS), else NULL. [worker] */
typedef uint32_t (*et_step)(et_req *r, void *self);

/* What a step or handler needs of the request's body; et_stepdef.flags and
 * et_route.flags. */
#define ET_B_NONE 0u
#define ET_B_BUFFER 1u /* collected before the step is entered */
#define ET_B_STREAM 2u /* read piece by piece, by a task */
#define ET_F_TASK 4u   /* runs on a stack of its own (et.task/1) */

typedef struct et_stepdef {
    et_item it;
    const char *name; /* the function's, for messages */
    et_step fn;
    uint32_t flags, reserved0;
} et_stepdef;

/* A body step: n bytes of the answer's body at p, on their way to the client,
 * after what flags (ET_BODY_*) say about them; it passes on (et_http.emit) what
 * it likes instead, and returns 0, or below 0 and the answer is cut off.  Runs
 * only for answers whose body its response step has asked for (et_http.filter),
 * not for HEAD and where there is no body; on a stack of its own, and may wait
 * as a task.  Those of several members run from the inside out.  One that only
 * looks (et_http.watch) passes nothing on.  [worker] */
typedef int32_t (*et_body_step)(et_req *r, void *self, const char *p, size_t n,
                                uint32_t flags);
/* pass on all that you hold: somebody waits for it */
#define ET_BODY_FLUSH 1u
/* nothing follows: pass on the end */
#define ET_BODY_LAST 2u

typedef struct et_bodydef {
    et_item it;
    const char *name; /* the function's, for messages */
    et_body_step fn;
    uint32_t flags, reserved0; /* 0 */
} et_bodydef;

/* A route the plugin brings along: mounted when its section says nothing else.
 * method "GET" (HEAD comes with it), "GET,POST" or "*". */
typedef struct et_route {
    et_item it;
    uint32_t flags, reserved0;
    const char *method, *path;
    const char *name; /* the function's: [route x] handler = plugin:name */
    const char *doc;  /* one line, or NULL */
    et_step fn;
} et_route;

/* Option types; the C type of the field it fills. */
#define ET_O_STR 0u      /* et_str */
#define ET_O_INT 1u      /* int64_t */
#define ET_O_BOOL 2u     /* int64_t: 0 or 1 */
#define ET_O_SIZE 3u     /* int64_t bytes: "64k" */
#define ET_O_TIME 4u     /* int64_t milliseconds: "250ms" */
#define ET_O_PATH 5u     /* et_str: absolute, NUL-terminated */
#define ET_O_RATE 6u     /* et_rate: "100/s" */
#define ET_O_CHOICE 7u   /* int64_t: index into the names of choices */
#define ET_O_LIST 8u     /* et_list: the key may repeat */
#define ET_O_HEADER 9u   /* et_field: "Name: value" */
#define ET_O_HEADERS 10u /* et_list of "Name: value", checked; key repeats */

/* et_opt.flags */
#define ET_O_REQUIRED 0x100u
#define ET_O_SECRET 0x200u /* never printed */
#define ET_O_TREE 0x400u   /* PATH: a folder, all of it counts as content */
#define ET_O_WRITE 0x800u  /* PATH: the sandbox lets the plugin write there */

/* A row.  Rows stand v[0].size bytes apart: a host newer or older than the
 * plugin walks them by that, not by its own sizeof. */
typedef struct et_opt {
    uint32_t size, type, off, flags; /* off: of the field in the struct */
    const char *key;
    const char *dflt;    /* as it would stand in the ini; NULL: zeros */
    const char *help;    /* one line */
    const char *choices; /* CHOICE: "common|json" */
    int64_t min, max;    /* both 0: unbounded */
} et_opt;

/* The options and the struct they fill: the host allocates conf_size zeroed
 * bytes, fills them by offset, then calls check (or NULL).  Strings in it live
 * as long as the instance. */
typedef struct et_optdef {
    et_item it;
    const et_opt *v;
    uint32_t n, conf_size;
    int32_t (*check)(void *conf, et_err *e); /* [control] */
} et_optdef;

/* One object per instance, shared by all workers, read-only after open.  The
 * host allocates it zeroed, aligned to 16; options is the struct of
 * ET_I_OPTIONS or NULL.  Close is not called after open failed. */
typedef struct et_instancedef {
    et_item it;
    uint32_t inst_size, reserved0;
    int32_t (*open)(et_conf *c, const void *options, void *inst,
                    et_err *e); /* [control] */
    void (*close)(void *inst);  /* [control]; or NULL */
} et_instancedef;

/* One object per instance and worker, zeroed, on cache lines of its own
 * (aligned to 64); no other thread ever sees it.  from is
 * the instance's object, else its options, else NULL.  init has a budget of
 * 1 ms: what is slow belongs into ET_I_INSTANCE.  Exit is not called after init
 * failed. */
typedef struct et_statedef {
    et_item it;
    uint32_t state_size, version; /* version: of what save writes */
    int32_t (*init)(et_worker *w, const void *from, void *state,
                    et_err *e);              /* [worker]; or NULL */
    void (*exit)(et_worker *w, void *state); /* [worker]; or NULL */
    /* Hand-over between two builds or configurations: put() a snapshot of the
     * old one's state, in pieces; the new one loads it after init, which may
     * refuse the reload.  Each returns 0, or below 0: it cannot.  Both are
     * called again at the moment the new one takes over, for what the old one
     * has seen in between: load replaces what it has loaded before, and looks
     * whether it can before it does.  NULL: none. */
    int32_t (*save)(et_worker *w, const void *state, void *out,
                    int32_t (*put)(void *out, const void *p, size_t n));
    int32_t (*load)(et_worker *w, void *state, uint32_t version, const void *p,
                    size_t n, et_err *e);
} et_statedef;

/* Before and after everything else of a build.  An image whose last user went
 * may come back unchanged: then load follows unload on the same mapping. */
typedef struct et_imagedef {
    et_item it;
    int32_t (*load)(const et_host *h, et_err *e); /* [control]; or NULL */
    void (*unload)(void);                         /* [control]; or NULL */
} et_imagedef;

typedef struct et_needdef { /* an interface the plugin cannot do without */
    et_item it;
    const char *id;
    uint32_t min_size, reserved0;
} et_needdef;

typedef struct et_orderdef { /* checks of the ini's order; never reorders */
    et_item it;
    const char *const *after; /* plugin ids, NULL-terminated; or NULL */
    const char *const *before;
} et_orderdef;

/* An order of the administrator to one instance: 0, or ET_E*, which he is told.
 * out takes the answer: put appends n bytes and returns 0, or ET_ELIMIT where
 * there is no more room, 64 KiB a worker.  [worker], on each worker in turn. */
typedef struct et_commanddef {
    et_item it;
    const char *name, *help;
    int32_t (*fn)(et_worker *w, void *self, et_str args, void *out,
                  int32_t (*put)(void *out, const void *p, size_t n));
} et_commanddef;

/* A metric.  It is shown as <plugin>_<name>[_<unit>][_total], where <plugin> is
 * the last part of the plugin's id; the server adds the labels instance and,
 * but for an INSTANCE_GAUGE, route.  name is a C identifier that does not end
 * in _total, _count, _sum or _bucket; unit a plural in lower case ("bytes",
 * "milliseconds"), or NULL. */
typedef struct et_metricdef {
    et_item it;
    uint32_t kind;     /* ET_METRIC_* */
    uint32_t n_bounds; /* HISTOGRAM: 1 to 64; else 0 */
    const char *name, *unit;
    const char *help;      /* one line */
    const int64_t *bounds; /* ascending, each inclusive; one more is infinite */
    uint32_t *handle;      /* the server writes it once, before load */
} et_metricdef;

/* et_plugin.flags, in the note as well */
/* It starts no threads and registers no pthread keys, signal or exit handlers
 * and no C++ statics: its image may be unmapped when it is retired. */
#define ET_P_UNMAP_OK 1u
/* A reload makes its instances anew even if nothing of theirs has changed: for
 * what open reads that is no option (the time, the environment, a socket). */
#define ET_P_ALWAYS_NEW 2u
/* It executes programs, which the sandbox denies to a server process whose
 * plugins do not say so. */
#define ET_P_EXEC 4u

typedef struct et_plugin {
    uint32_t size, major, minor, flags;
    const char *id;      /* reverse DNS: "org.example.hello" */
    const char *version; /* "1.0.0" */
    const char *summary; /* one line, or NULL */
    const char *build;   /* VCS id, or NULL */
    const void *const *items, *const *items_end;
} et_plugin;

/* The one symbol: NULL-terminated; one plugin a file for now. */
/* extern const et_plugin *const et_plugins_v1[]; */

/* The ELF note, name "Etude", type 1, in section .note.etude: read before any
 * code of the image runs. */
#define ET_NOTE_NAME "Etude"
#define ET_NOTE_TYPE 1u

typedef struct et_note {
    uint32_t namesz, descsz, type;
    char name[8]; /* "Etude", padded */
    uint32_t major, minor, need, flags;
    uint32_t rc, reserved0;
    char id[64], version[32];
} et_note;

#ifdef __cplusplus
}
#endif
#endif
