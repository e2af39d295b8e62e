/* SPDX-License-Identifier: BSD-2-Clause */
/* etude_test.h - a mock server in one header, for a plugin's own unit tests.
 *
 * Compile the plugin's sources and one test file that includes this into one
 * program; neither the server nor a socket is needed:
 *
 *     et_test_option("word", "Hi");
 *     if (et_test_open() < 0)
 *         fail(et_test_why());
 *     et_test_request("GET", "/hello/you?times=2");
 *     et_test_header("Accept", "text/plain");
 *     et_test_run();
 *     assert(et_test_status() == 200);
 *     assert(strcmp(et_test_text(), "Hi, you!\n") == 0);
 *     et_test_end();
 *
 * Inside is one plugin with one instance on one worker.  What the server
 * guarantees it does too: options typed, ranged and filled by offset, the
 * life of instance and state, the order request step, route or handler,
 * response step, body step, log step, the body only for who declared it,
 * refused header fields, 500 after a failed allocation.  It is stricter where
 * that finds bugs: every value and allocation is a malloc of its exact size
 * without a NUL, and freed after the log step, so run tests under
 * -fsanitize=address.
 *
 * What it is not: an HTTP parser (a path is decoded, its dot segments stay), a
 * router (of several routes that match, the one with the fewest parameters
 * runs), or concurrent: nothing waits, time passes when a test says so, and
 * what would happen elsewhere happens when a test wants it to.  Strings that
 * functions return are NUL-terminated and live until the next request, turn or
 * end. */
#ifndef ETUDE_TEST_H
#define ETUDE_TEST_H

#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include "etude.h"

ET_C_ const et_plugin *const et_plugins_v1[];

/* ---- the test's side: life of the plugin ---------------------------------*/

/* Give an option a value, as text of the ini; LIST and HEADERS options take
 * one more, and are empty after "".  Before et_test_open. */
static inline void et_test_option(const char *key, const char *value);
/* Load, fill and check the options, open the instance, init the state: 0, or
 * below 0 (nothing is left open then) and et_test_why says why. */
static inline int32_t et_test_open(void);
static inline const char *et_test_why(void);
/* Exit, close, unload; forget options, requests, log and planned errors.  What
 * still waits is given up before (ET_ECANCEL).  Without it ASan reports
 * leaks. */
static inline void et_test_end(void);
/* What a reload with a new build does: save the state, exit, close, forget the
 * options, take those of the lines "key=value", open again, load the state.
 * 0 or below 0.  What still waits is given up before: in a server it goes on
 * with the old build. */
static inline int32_t et_test_reload(const char *options);
/* What steps get as self. */
static inline void *et_test_self(void);

/* ---- the test's side: a request ------------------------------------------*/

/* Begin one; target as on the wire: "/a%20b?x=1". */
static inline void et_test_request(const char *method, const char *target);
/* Add a field; Cookie and Host are fields too. */
static inline void et_test_header(const char *name, const char *value);
/* Its body, with a Content-Length unless a field says otherwise. */
static inline void et_test_body(const void *p, size_t n);
/* A field behind its body, which comes in chunks then: there when all of it was
 * collected, or et_read_body has returned 0. */
static inline void et_test_request_trailer(const char *name, const char *value);
/* A path parameter, for steps called by name; et_test_run finds them itself. */
static inline void et_test_param(const char *name, const char *value);
/* What the tail of the route is (ET_T_TAIL), for a handler, which has none of
 * its own; a route of the plugin's finds it itself. */
static inline void et_test_tail(const char *tail);
static inline void et_test_peer(const char *address);
static inline void et_test_scheme(const char *scheme);
/* The certificate that its client has shown; NULL: nothing is said of that. */
static inline void et_test_client(const char *subject, const char *sha256,
                                  const char *names);
/* What answers when the plugin has no route or handler for it: 200 "inner\n"
 * unless the test gives a step of its own. */
static inline void et_test_inner(et_step fn);

/* Run the whole chain; the final status, or 0 if the connection would have been
 * closed without an answer, or ET_WAIT: a step waits, and nothing came of it
 * yet. */
static inline uint32_t et_test_run(void);
/* Call one function only, by its name (a route, step or handler): what it
 * returned; nothing else runs. */
static inline uint32_t et_test_call(const char *name);
/* How many requests once more a request step has asked for (et_repeat) that did
 * not run yet; and run the first of them, whose answer nobody gets, as
 * et_test_run. */
static inline size_t et_test_repeats(void);
static inline uint32_t et_test_repeat(void);
/* Run an ET_COMMAND: its answer, or NULL if it returned below 0. */
static inline const char *et_test_command(const char *name, const char *args);

/* ---- the test's side: what came of it ------------------------------------*/

static inline uint32_t et_test_status(void);
/* Media type; "" if none was given. */
static inline const char *et_test_type(void);
/* The body, and its length; of one that is written, as far as it is. */
static inline const char *et_test_text(void);
static inline size_t et_test_length(void);
/* The nth (from 0) field of that name, or NULL. */
static inline const char *et_test_field(const char *name, size_t nth);
/* 1 if the body was collected for a step: a refusal should not cost that. */
static inline int et_test_body_was_read(void);
/* 1 if the answer may be dressed by the server (et_error). */
static inline int et_test_is_dressed(void);
/* 1 if a record with that level and text in it was logged. */
static inline int et_test_logged(uint32_t level, const char *part);
/* The ith line written through et.log/1, or NULL. */
static inline const char *et_test_line(size_t i);
/* A counter's or gauge's value, how many values a histogram has; since the
 * plugin was opened first.  -1: no such metric. */
static inline int64_t et_test_metric(const char *name);
/* A histogram's sum of values; how many fell into the ith bucket. */
static inline int64_t et_test_metric_sum(const char *name);
static inline int64_t et_test_metric_bucket(const char *name, size_t i);

/* ---- the test's side: stores ----------------------------------------------*/

/* et.store/1: what a plugin keeps outlives et_test_reload, until et_test_end.
 * There is one worker; here is what the others have counted for a key, which
 * et_store_total adds. */
static inline void et_test_store_others(const char *store, const char *key,
                                        int64_t n);
/* The cell of a key is n, with no end, whoever made it so. */
static inline void et_test_store_cell(const char *store, const char *key,
                                      int64_t n);
/* et_test_wait, as it is called where nothing waits. */
static inline void et_test_store_wait(uint64_t ms);

/* ---- the test's side: channels --------------------------------------------*/

/* et.channel/1.  Somebody else publishes: a task that is subscribed is told
 * when it calls et_next, if it is subscribed by then (et_test_meanwhile);
 * a state that listens and streams that are subscribed are before this returns.
 * What the plugin publishes itself they are told when its step or callback is
 * over. */
static inline void et_test_publish(const char *channel, const char *message);
/* The ith message that was published to it, by whomever, or NULL.  Until
 * et_test_end. */
static inline const char *et_test_published(const char *channel, size_t i);

/* ---- the test's side: what belongs to no request --------------------------*/

/* The loop of the state (et_loop_open): what is due of it is called - what was
 * posted, watches of what et_test_ready says is ready, in their order, then
 * timers whose time has come by et_test_wait - until nothing is that was there
 * before.  How many calls. */
static inline size_t et_test_loop(void);

/* ---- the test's side: steps that wait -------------------------------------*/

/* et.async/1.  When et_test_run has returned ET_WAIT, these go on with the
 * request, and return what it would have: the final status, 0, or ET_WAIT once
 * more.  After et_test_call it is what the step returns, or ET_FAIL: it was
 * given up. */

/* Its resume is called with rc, whatever has the token; a job is not run, rc is
 * what it would have returned, such as ET_ECRASH. */
static inline uint32_t et_test_resume(int32_t rc);
/* It is given up: its cancel is called.  ET_ECANCEL: the client has gone, which
 * is 0 in the end; ET_ETIME: not woken in time, which is 504.  One that was
 * woken is resumed all the same, as the server does it.  A job that has not
 * begun is never run. */
static inline uint32_t et_test_cancel(int32_t why);
/* What is next: of all that was woken with a token, and of the jobs, which are
 * run now, whatever was first; else a request whose time is over.  That request
 * is the test's from then on (et_test_status ...).  If nothing is due the
 * test's request stays as it is. */
static inline uint32_t et_test_turn(void);
/* A thread has begun with the job that the request waits for: et_test_cancel
 * comes while it runs.  The mock runs it behind its cancel then, so that ASan
 * sees what cancel has freed too early. */
static inline void et_test_begin_job(void);
/* et_test_request leaves a request that waits aside, and a token it has given
 * away is good: another one can wake it, for et_test_turn.  For the same from
 * the test itself: et_resume(et_test_async(), token, rc). */
static inline const et_async *et_test_async(void);

/* et.task/1.  A task runs to its end within et_test_run, on the test's stack.
 * Its calls return at once what they would in the end: et_sleep 0, et_wait_fd
 * the events it asks for, et_offload what the job returns, which is run there;
 * et_join runs its parts one after the other; et_await is ET_ETIME if nobody
 * uses the token before or meanwhile.  What would wait for ever is ET_ECANCEL,
 * and so is all behind it: in a server, too, nothing else is its end. */

/* What happens while it waits, whatever it waits for; NULL: nothing.  There,
 * et_test_resume(rc) uses the token it waits for, and et_test_cancel(why) gives
 * the task up. */
static inline void et_test_meanwhile(void (*fn)(void));
/* What et_wait_fd finds, of what it asks for, and 0x8, 0x10 (POLLERR, POLLHUP)
 * in any case; 0: nothing, until its time is over.  ET_FD_IN | ET_FD_OUT at
 * first. */
static inline void et_test_ready(uint32_t events);
/* How many bytes et_read_body finds at once (0: all there are), and a body step
 * is shown at once of an answer that was decided as a whole, at most 16 KiB. */
static inline void et_test_pieces(size_t n);
/* Let so much time pass: for the ends of what is kept, for requests that wait
 * (60 s, unless et_suspend says how long), for et_timeout. */
static inline void et_test_wait(uint64_t ms);

/* Answers that a task writes piece by piece.  et_begin runs the response step,
 * and from then on the status is what et_test_run returns, whatever becomes of
 * the rest; a response step that waits there is woken at once, with 0 or what
 * its job returns.  The client takes all that is written at once, so nothing
 * happens meanwhile. */

/* A body step, once et_filter has asked for it, runs as a task, on the test's
 * stack: within et_write, et_flush and behind the end, or when the answer that
 * was decided leaves.  What it is shown is a malloc of its exact size; what it
 * passes on, or has looked at (et_watch), is et_test_text. */

/* 1 if the answer was begun and is not whole: the step has returned anything
 * but ET_DONE (of one without a body ET_FAIL is fine, too), has written less
 * than it said, or the client has gone; or its body step has failed. */
static inline int et_test_is_cut(void);
/* A field behind a body that is whole, and that is sent in chunks: of unknown
 * length; or NULL. */
static inline const char *et_test_trailer(const char *name);
/* A newer generation has come, or the server is to stop: et_retiring is 1, for
 * every request that there is.  A task that goes on all the same is given up
 * when the drain is over, et_test_cancel(ET_ERETIRE): the same and ET_ERETIRE,
 * but its answer can be written to its end. */
static inline void et_test_retire(void);

/* et.fetch/1.  Nobody is connected to: who asks for url is answered with that
 * status and body from now on, any other url is ET_ECONN.  The calls come to
 * their end at once, as those of a task do, and count as calls that wait; of
 * et_fetch_start the token is used, so that et_test_turn is next. */
static inline void et_test_upstream(const char *url, uint32_t status,
                                    const char *body);
/* One more field of the reply that was named last. */
static inline void et_test_upstream_field(const char *name, const char *value);
/* Who asks for url gets no reply, but rc (ET_ECONN, ET_EPROTO, ET_ETIME ...).
 */
static inline void et_test_upstream_fails(const char *url, int32_t rc);
/* What was asked for last, "POST http://a/b\nName: value\n\nbody"; "" if
 * nothing was. */
static inline const char *et_test_asked(void);

/* ---- the test's side: WebSockets
 * -------------------------------------------*/

/* et.ws/1.  Of a request whose step accepts et_test_run returns 101, and open
 * has been called; each is one more stream, and the test's until another one is
 * accepted or picked.  The mock looks at nothing of the handshake but the
 * method and Sec-WebSocket-Protocol.  What a plugin is shown is a malloc of its
 * exact size.  What is open at et_test_end or et_test_reload is closed before
 * (1012). */

/* Of a task (et_ws_open) recv returns what comes below: what came before, when
 * no stream was open, and what comes while it waits (et_test_meanwhile); then
 * it is ET_ECANCEL, as all that waits for ever.  When its step is over it has
 * been closed with 1000, 1011 or 1012 (et_test_ws_closed), unless it was
 * before; of 1011 et_test_is_cut is true.  A stream with callbacks hears of
 * what came before behind open. */

/* The nth (from 0) stream that was accepted is the test's. */
static inline void et_test_ws_pick(size_t n);
/* The client sends a message: message is called, unless a send was refused and
 * writable has not been called since. */
static inline void et_test_ws_message(uint32_t type, const void *p, size_t n);
static inline void et_test_ws_text(const char *text);
/* The client closes it, with code (1006: it is gone): close is called. */
static inline void et_test_ws_close(uint32_t code, const char *reason);
/* retiring is called; of a task et_retiring is 1. */
static inline void et_test_ws_retire(void);
/* From now on sends are ET_ELIMIT; and no more, after which writable is called
 * if one was.  et_ws_put waits. */
static inline void et_test_ws_full(int is_full);
/* What was posted to it is called. */
static inline void et_test_ws_turn(void);
/* The ith (from 0) message the plugin has sent, or NULL; its length, and type
 * (0: there is none). */
static inline const char *et_test_ws_sent(size_t i);
static inline size_t et_test_ws_sent_length(size_t i);
static inline uint32_t et_test_ws_sent_type(size_t i);
/* The code that the plugin has closed it with, or 0; and the reason. */
static inline uint32_t et_test_ws_closed(void);
static inline const char *et_test_ws_reason(void);
/* The handle, as the plugin has it; NULL: close was called. */
static inline et_ws *et_test_ws(void);

/* ---- the test's side: trouble --------------------------------------------*/

/* The nth allocation from here on fails (1: the next); 0: none.  Allocations
 * are alloc, reserve, set, what query and form decode, et_offload_then,
 * et_defer, et_begin, et_set_trailer, et_ws_open, et_filter and et_watch. */
static inline void et_test_fail_at(size_t n);
/* How many allocations the last request made. */
static inline size_t et_test_allocations(void);
/* Run the request that build makes once for every allocation in it, failing
 * that one.  How many runs there were, or -1 if one did not end in 500, nor cut
 * off. */
static inline int et_test_out_of_memory(void (*build)(void));
/* The nth call that waits from here on (1: the next; 0: none) comes to nothing.
 * Those are et_suspend, et_offload_then, et_fetch and its kin, et_emit, and all
 * of a task but et_timeout, et_defer and et_set_trailer; et_writef, et_puts and
 * what is in et_sse_send write, each for itself, unless a body step emits
 * instead.  rc ET_ECANCEL or ET_ETIME: there the
 * request is given up, so a task gets it from that call and from every later
 * one, and of a suspended step cancel is called.  ET_ERETIRE does the same to a
 * task, except that later ones may write.  Any other rc (ET_ELIMIT ...) is what
 * that one call returns; et_suspend and et_arm return 0, and of et_join it is
 * the rc of the parts. */
static inline void et_test_fail_wait(size_t n, int32_t rc);
/* Run the request that build makes once for every call that waits in it, that
 * one failed with rc as by et_test_fail_wait: how many there were.  What it
 * waits for otherwise comes with 0. */
static inline int et_test_each_wait(void (*build)(void), int32_t rc);
/* Every set of a response field returns rc, until 0. */
static inline void et_test_fail_set(int32_t rc);
/* et.log/1: open and write return these, until 0. */
static inline void et_test_fail_log(int32_t open_rc, int32_t write_rc);
/* et.store/1: what needs room there returns rc, until 0. */
static inline void et_test_fail_store(int32_t rc);
/* et.channel/1: publish and subscribe_ws return rc, subscribe NULL and listen
 * 0, until 0. */
static inline void et_test_fail_channel(int32_t rc);
/* et_repeat returns rc, until 0. */
static inline void et_test_fail_repeat(int32_t rc);
/* iface() knows no such interface, until NULL. */
static inline void et_test_hide_iface(const char *id);
/* Records above this level are dropped; ET_L_DEBUG at first. */
static inline void et_test_log_level(uint32_t level);

/* ================= nothing below is for direct use ======================== */

/* ---- memory: lists of exact-size blocks ----------------------------------*/

struct et_test_block_ {
    struct et_test_block_ *next;
    void *p;
};

struct et_test_pair_ {
    struct et_test_pair_ *next;
    et_str name, value;
    uint32_t level;
};

struct et_test_figure_ { /* of one metric */
    const et_metricdef *def;
    int64_t value; /* or the sum of a histogram */
    int64_t buckets[65];
};

typedef struct et_test_block_ *et_test_memory_;

struct et_test_upstream_ { /* what a url is answered with */
    struct et_test_upstream_ *next;
    et_str url, body;
    uint32_t status;
    int32_t rc;
    struct et_test_pair_ *fields;
};

struct et_test_reply_ { /* of a request to one of those */
    et_reply pub;
    const struct et_test_upstream_ *from; /* NULL: it is closed */
    size_t at;                            /* how far it is read */
    uint64_t max_body, left;              /* left: of a body that is sent */
    uint32_t flags;
    int has_head;
    int32_t rc; /* it has failed */
};

enum { ET_TEST_COUNTER_, ET_TEST_VALUE_, ET_TEST_CELL_ };

struct et_test_kept_ { /* a counter, a value or a cell */
    struct et_test_kept_ *next;
    et_str key, value; /* value: absent if it is gone */
    int kind;
    int64_t count, others;
    uint64_t ends_ms; /* 0: never */
};

struct et_test_store_ {
    et_store pub;
    struct et_test_store_ *next;
    const char *name;
    struct et_test_kept_ *kept;
    et_test_memory_ given; /* what get returned last */
    int is_open;
};

/* Where a request is. */
enum {
    ET_TEST_NOWHERE_,
    ET_TEST_ALONE_, /* in a step that et_test_call runs */
    ET_TEST_REQUEST_,
    ET_TEST_ANSWER_,
    ET_TEST_RESPONSE_,
    ET_TEST_LOG_,
    ET_TEST_OVER_
};

struct et_test_wait_ { /* of a step that waits, or is about to */
    et_token token;    /* 0: it does not */
    et_resume_fn resume;
    et_cancel_fn cancel;
    int32_t (*job)(void *arg);
    void *job_arg;
    int has_begun; /* the job */
    int32_t rc;    /* what it is woken with */
    int32_t why;   /* it is to be given up as soon as it waits; or 0 */
    uint64_t turn; /* it is due, and when; 0: it is not */
    uint64_t due_ms;
};

struct et_test_request_ {
    et_req req;
    et_test_memory_ request, result;
    struct et_test_pair_ *fields, *params;
    et_str body;
    size_t body_at; /* how far et_read_body has come */
    int has_body, sees_body, was_read, is_sealed;
    struct et_test_pair_ *behind; /* the body */
    int has_ended;                /* et_read_body has said so */
    void *mine;
    const et_route *route;
    et_str peer, tail;
    et_str client[3]; /* ET_T_CLIENT_SUBJECT, ... */
    char *reserved;
    size_t reserved_cap;
    /* response */
    et_str type, sent, whole; /* whole: what the body step is shown */
    struct et_test_pair_ *set;
    int is_decided, is_committed, is_dressed, is_poisoned, is_dropped;
    void (*release)(void *arg);
    void *release_arg;
    /* an answer that is written: a task has begun it; a response step has
     * answered otherwise; nothing goes with its head; it is not whole */
    int is_written, is_refused, is_bare, is_cut;
    int is_apart; /* a file, or pieces, though all of it is in sent */
    uint64_t left; /* bytes to come, or ET_ANY_LENGTH */
    size_t sent_cap;
    struct et_test_pair_ *trailers;
    /* the body step was asked for; to look only; runs, or was left; has passed
     * on the end; what it is shown */
    int is_filtered, only_looks, is_passing, has_passed_end;
    et_test_memory_ shown;
    int is_in_response; /* the one step that et_test_call runs */
    int is_retiring, is_repeat;
    /* its walk */
    int where, is_in_step, is_panicked; /* panicked: it was left, and is out */
    int is_gone;                        /* nobody waits for the answer */
    struct et_test_wait_ wait;
    int32_t why;            /* its task was given up; 0: it was not */
    struct et_test_ws_ *ws; /* its task's stream, or NULL */
};

struct et_test_aside_ { /* a request that waits while another runs */
    struct et_test_aside_ *next;
    struct et_test_request_ q;
};

struct et_test_repeat_ { /* that is to run */
    struct et_test_repeat_ *next;
    const char *target;
    et_str peer, scheme;
    struct et_test_pair_ *fields;
};

struct et_test_defer_ {
    struct et_test_defer_ *next;
    void (*fn)(void *arg);
    void *arg;
};

struct et_test_task_ { /* a step or a part, on the stack it runs on */
    struct et_test_task_ *outer;
    struct et_test_defer_ *defers;
    et_token token; /* of et_arm; 0: none */
    int is_woken, is_ending;
    int32_t rc;
    uint64_t due_ms; /* 0: never */
};

struct et_test_sub_ { /* of a task, until that is over */
    et_sub pub;
    struct et_test_sub_ *next;
    const struct et_test_task_ *owner; /* NULL: it has ended */
    et_str channel;
    struct et_test_pair_ *first; /* that wait to be read */
    size_t n, max;
    uint32_t policy;
    int is_dropped;
    uint64_t dropped;
    et_test_memory_ given; /* what next returned last */
};

struct et_test_posted_ { /* to a stream */
    struct et_test_posted_ *next;
    void (*fn)(et_ws *s, void *arg);
    void *arg;
};

struct et_test_due_ { /* of a loop: a timer, a watch or a post */
    struct et_test_due_ *next;
    void (*fn)(et_loop *l, void *arg);
    void (*on_ready)(et_loop *l, int32_t fd, uint32_t events, void *arg);
    void *arg;
    et_token token; /* 0: a post */
    uint64_t due_ms;
    int32_t fd;
    uint32_t events;
    int is_over;
};

struct et_test_ear_ { /* of a state that listens, or a stream; until then */
    struct et_test_ear_ *next;
    struct et_test_ws_ *stream; /* or NULL */
    void (*fn)(et_loop *l, void *arg, et_str channel, et_str message);
    void *arg;
    et_str channel;
    et_token token;
    int is_over;
    uint32_t type, max, policy;
    struct et_test_pair_ *waiting; /* while the stream is full */
    size_t n;
};

struct et_test_ws_ { /* a stream */
    et_ws pub;
    struct et_test_ws_ *next;
    const et_ws_calls *calls;
    void *self;
    struct et_test_pair_ *sent; /* level: the type */
    struct et_test_posted_ *posted;
    et_token token;
    int is_open, is_closing, is_full, was_refused, is_retired;
    uint32_t code;
    const char *reason;
    /* of a task: */
    int is_task;
    struct et_test_pair_ *inbox; /* that recv has not returned; level: type */
    et_test_memory_ given;       /* what it has returned last */
    uint32_t end;                /* the client closes it behind those; or 0 */
    et_str why;
};

struct et_test_ {
    int is_ready, is_open, is_loaded;
    et_host host;
    et_http http;
    et_log log;
    et_metrics metrics;
    et_store_api store;
    et_async async;
    et_task task;
    et_channel_api channel;
    et_fetch_api fetch;
    et_ws_api ws;
    et_worker worker;
    et_conf conf;
    /* plugin */
    et_test_memory_ kept; /* options: until end or reload */
    et_test_memory_ open; /* option struct, instance, state */
    struct et_test_pair_ *options;
    void *conf_object, *inst, *state;
    char why[512];
    /* requests */
    struct et_test_request_ q; /* the test's */
    struct et_test_aside_ *aside;
    struct et_test_repeat_ *repeats;
    et_step inner;
    jmp_buf step; /* of a step or a part: where et_panic goes */
    /* waiting */
    struct et_test_task_ *running; /* the innermost */
    uint64_t tokens, turns;        /* given so far */
    void (*meanwhile)(void);
    size_t piece; /* of et_test_pieces */
    uint32_t ready;
    /* records and lines */
    et_test_memory_ journal;
    struct et_test_pair_ *records, *lines;
    struct et_test_figure_ *figures; /* by handle - 1 */
    uint32_t n_figures;
    /* channels */
    struct et_test_sub_ *subs;
    struct et_test_pair_ *published;
    struct et_test_pair_ *untold; /* that ears are still to be told */
    struct et_test_ear_ *ears;
    et_loop loop; /* of the state; worker NULL: there is none */
    struct et_test_due_ *dues;
    /* streams, in the order they were accepted; the test's */
    et_test_memory_ streams;
    struct et_test_ws_ *all, *stream;
    struct et_test_ws_ *accepted; /* in this step, or NULL */
    struct et_test_pair_ *early;  /* what comes before one is open */
    uint32_t early_end;
    const char *early_why;
    /* stores */
    struct et_test_store_ *stores;
    uint64_t now_ms;
    int is_in_init;
    /* other servers */
    struct et_test_upstream_ *upstreams;
    const char *asked;
    /* trouble */
    size_t fail_at, allocations, fail_wait, waits;
    int32_t wait_rc, fail_set, fail_open, fail_write, fail_store, fail_channel;
    int32_t fail_repeat;
    const char *hidden;
};

static struct et_test_ et_test_m_;

static inline void
et_test_misuse_(const char *what)
{
    fprintf(stderr, "etude_test.h: %s\n", what);
    abort();
}

static inline void *
et_test_get_(et_test_memory_ *list, size_t n)
{
    struct et_test_block_ *b =
        (struct et_test_block_ *)malloc(sizeof(struct et_test_block_));
    if (b)
        b->p = calloc(1, n ? n : 1);
    if (!b || !b->p) {
        fputs("etude_test.h: out of memory\n", stderr);
        abort();
    }
    b->next = *list;
    *list = b;
    return b->p;
}

static inline void
et_test_drop_(et_test_memory_ *list)
{
    while (*list) {
        struct et_test_block_ *b = *list;
        *list = b->next;
        free(b->p);
        free(b);
    }
}

/* A copy of exactly s.n bytes; absent stays absent. */
static inline et_str
et_test_dup_(et_test_memory_ *list, et_str s)
{
    char *p;
    if (!s.p)
        return s;
    p = (char *)et_test_get_(list, s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    return et_sn(p, s.n);
}

static inline const char *
et_test_z_(et_test_memory_ *list, et_str s)
{
    char *p = (char *)et_test_get_(list, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

static inline struct et_test_pair_ *
et_test_append_(et_test_memory_ *list, struct et_test_pair_ **at, et_str name,
                et_str value)
{
    while (*at)
        at = &(*at)->next;
    *at = (struct et_test_pair_ *)et_test_get_(list, sizeof **at);
    (*at)->name = et_test_dup_(list, name);
    (*at)->value = et_test_dup_(list, value);
    return *at;
}

/* The nth pair of that name, compared without case, or NULL. */
static inline const struct et_test_pair_ *
et_test_find_(const struct et_test_pair_ *p, et_str name, size_t nth)
{
    for (; p; p = p->next)
        if (et_eq_nocase(p->name, name) && nth-- == 0)
            return p;
    return NULL;
}

static inline et_str
et_test_value_(const struct et_test_pair_ *p)
{
    return p ? p->value : et_s(NULL);
}

/* Count an allocation of n bytes; 1 if this is the one to fail, or too many at
 * once for the server. */
static inline int
et_test_fails_(size_t n)
{
    struct et_test_ *m = &et_test_m_;
    m->allocations++;
    if (n <= (size_t)16 << 20 && (!m->fail_at || --m->fail_at > 0))
        return 0;
    m->q.is_poisoned = 1;
    return 1;
}

/* ---- text: percent decoding, key=value pairs -----------------------------*/

static inline int
et_test_hex_(char c)
{
    const char low = et_lower(c);
    return c >= '0' && c <= '9'       ? c - '0'
           : low >= 'a' && low <= 'f' ? low - 'a' + 10
                                      : -1;
}

/* s decoded; '+' becomes a space in forms, "%2F" stays in paths, in capitals.
 */
static inline et_str
et_test_decode_(et_test_memory_ *list, et_str s, int is_form)
{
    char *out = (char *)et_test_get_(list, s.n), c;
    size_t i, n = 0;
    for (i = 0; i < s.n; i++) {
        c = is_form && s.p[i] == '+' ? ' ' : s.p[i];
        if (c == '%' && i + 2 < s.n && et_test_hex_(s.p[i + 1]) >= 0 &&
            et_test_hex_(s.p[i + 2]) >= 0) {
            const int x =
                et_test_hex_(s.p[i + 1]) * 16 + et_test_hex_(s.p[i + 2]);
            i += 2;
            if (!is_form && x == '/') {
                memcpy(out + n, "%2F", 3);
                n += 3;
                continue;
            }
            c = (char)x;
        }
        out[n++] = c;
    }
    return et_test_dup_(list, et_sn(out, n));
}

/* s up to the first c; *rest is what follows it, absent if there is no c. */
static inline et_str
et_test_cut_(et_str s, char c, et_str *rest)
{
    const char *hit = s.n ? (const char *)memchr(s.p, c, s.n) : NULL;
    *rest = et_s(NULL);
    if (!hit)
        return s;
    *rest = et_sn(hit + 1, s.n - (size_t)(hit - s.p) - 1);
    return et_sn(s.p, (size_t)(hit - s.p));
}

static inline et_str
et_test_pair_value_(et_str text, et_str name, uint32_t nth)
{
    struct et_test_ *m = &et_test_m_;
    if (et_test_fails_(text.n))
        return et_s(NULL);
    while (text.p) {
        et_str rest, value;
        const et_str pair = et_test_cut_(text, '&', &rest);
        const et_str key = et_test_cut_(pair, '=', &value);
        if (pair.n && et_eq(et_test_decode_(&m->q.request, key, 1), name) &&
            nth-- == 0)
            return et_test_decode_(&m->q.request, value.p ? value : et_s(""),
                                   1);
        text = rest;
    }
    return et_s(NULL);
}

/* ---- et.http/1 -----------------------------------------------------------*/

static inline et_str
et_test_h_header_(const et_req *r, et_str name, uint32_t nth)
{
    (void)r;
    return et_test_value_(et_test_find_(et_test_m_.q.fields, name, nth));
}

/* Pair i of those from p on: 0 or ET_EINVAL. */
static inline int32_t
et_test_pair_at_(const struct et_test_pair_ *p, uint32_t i, et_str *name,
                 et_str *value)
{
    while (p && i-- > 0)
        p = p->next;
    if (!p)
        return ET_EINVAL;
    *name = p->name;
    *value = p->value;
    return 0;
}

static inline int32_t
et_test_h_header_at_(const et_req *r, uint32_t i, et_str *name, et_str *value)
{
    (void)r;
    return et_test_pair_at_(et_test_m_.q.fields, i, name, value);
}

static inline et_str
et_test_h_param_(const et_req *r, et_str name)
{
    const struct et_test_pair_ *p = et_test_m_.q.params;
    (void)r;
    while (p && !et_eq(p->name, name))
        p = p->next;
    return et_test_value_(p);
}

static inline et_str
et_test_h_query_(et_req *r, et_str name, uint32_t nth)
{
    return et_test_pair_value_(r->query, name, nth);
}

static inline et_str
et_test_h_body_(const et_req *r)
{
    (void)r;
    return et_test_m_.q.sees_body ? et_test_m_.q.body : et_s(NULL);
}

static inline et_str
et_test_h_form_(et_req *r, et_str name, uint32_t nth)
{
    et_str rest;
    const et_str type =
        et_test_cut_(et_test_h_header_(r, et_s("Content-Type"), 0), ';', &rest);
    if (!et_eq_nocase(et_trim(type), et_s("application/x-www-form-urlencoded")))
        return et_s(NULL);
    return et_test_pair_value_(et_test_h_body_(r), name, nth);
}

static inline et_str
et_test_h_cookie_(const et_req *r, et_str name)
{
    et_str all, value, rest;
    uint32_t i = 0;
    for (; (all = et_test_h_header_(r, et_s("Cookie"), i)).p; i++) {
        for (; all.p; all = rest) {
            const et_str one = et_test_cut_(all, ';', &rest);
            const et_str key = et_trim(et_test_cut_(one, '=', &value));
            if (!et_eq(key, name) || !value.p)
                continue;
            value = et_trim(value);
            if (value.n >= 2 && value.p[0] == '"' &&
                value.p[value.n - 1] == '"')
                value = et_sn(value.p + 1, value.n - 2);
            return value;
        }
    }
    return et_s(NULL);
}

static inline et_str
et_test_h_text_(et_req *r, uint32_t which)
{
    const struct et_test_ *m = &et_test_m_;
    (void)r;
    switch (which) {
    case ET_T_PEER: return m->q.peer;
    case ET_T_SOCKET_PEER: return et_s("127.0.0.1");
    case ET_T_ROUTE: return et_s(m->q.route ? m->q.route->name : "test");
    case ET_T_INSTANCE: return et_s("test");
    case ET_T_CLF_TIME: return et_s("21/Nov/2026:02:21:00 +0000");
    case ET_T_ISO_TIME: return et_s("2026-11-21T02:21:00.123Z");
    case ET_T_CLIENT_SUBJECT:
    case ET_T_CLIENT_SHA256:
    case ET_T_CLIENT_NAMES: return m->q.client[which - ET_T_CLIENT_SUBJECT];
    case ET_T_TAIL: return m->q.tail;
    default: return et_s(NULL);
    }
}

static inline et_str
et_test_h_trailer_(const et_req *r, et_str name, uint32_t nth)
{
    const struct et_test_ *m = &et_test_m_;
    (void)r;
    if (!m->q.sees_body && !m->q.has_ended)
        return et_s(NULL);
    return et_test_value_(et_test_find_(m->q.behind, name, nth));
}

static inline int
et_test_sees_answer_(void)
{
    const struct et_test_ *m = &et_test_m_;
    return m->q.where == ET_TEST_RESPONSE_ || m->q.is_in_response;
}

static inline int64_t
et_test_answer_bytes_(void)
{
    const struct et_test_ *m = &et_test_m_;
    if (!et_test_sees_answer_() || (m->q.is_filtered && !m->q.only_looks) ||
        (m->q.is_written && m->q.left == ET_ANY_LENGTH))
        return -1;
    return (int64_t)(m->q.is_written ? m->q.left : m->q.sent.n);
}

static inline et_str
et_test_h_answer_body_(const et_req *r)
{
    const struct et_test_ *m = &et_test_m_;
    (void)r;
    return et_test_sees_answer_() && !m->q.is_filtered && !m->q.is_written &&
                   !m->q.is_apart
               ? m->q.sent
               : et_s(NULL);
}

static inline int64_t
et_test_h_number_(const et_req *r, uint32_t which)
{
    const struct et_test_ *m = &et_test_m_;
    const struct et_test_pair_ *p = m->q.fields;
    int64_t n = 0;
    switch (which) {
    case ET_N_HEADERS:
        for (; p; p = p->next)
            n++;
        return n;
    case ET_N_BODY_BYTES:
        return m->q.sees_body || m->q.has_ended || !m->q.has_body
                   ? (int64_t)m->q.body.n
                   : -1;
    case ET_N_SENT_BYTES:
        return m->q.is_committed && r->method != ET_M_HEAD
                   ? (int64_t)m->q.sent.n
                   : 0;
    case ET_N_ELAPSED_US: return 1500;
    case ET_N_PEER_PORT: return 40000;
    case ET_N_RETIRING: return m->q.is_retiring;
    case ET_N_ANSWER_BYTES: return et_test_answer_bytes_();
    case ET_N_REPEATED: return m->q.is_repeat;
    case ET_N_MAY_FILTER: return 1;
    default: return -1;
    }
}

static inline int
et_test_may_repeat_(const et_req *r)
{
    const struct et_test_request_ *q = &et_test_m_.q;
    return q->where == ET_TEST_REQUEST_ && q->is_in_step && !q->is_repeat &&
           !q->is_committed && r->method == ET_M_GET && !q->body.n &&
           !et_test_find_(q->fields, et_s("Upgrade"), 0);
}

static inline int
et_test_is_among_(et_str name, const et_str *names, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (et_eq_nocase(name, names[i]))
            return 1;
    return 0;
}

static inline int32_t
et_test_h_repeat_(et_req *r, const et_str *without, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_repeat_ *t, **at = &m->repeats;
    const struct et_test_pair_ *f = m->q.fields;
    if (!et_test_may_repeat_(r))
        return ET_EPHASE;
    if (m->q.is_retiring || m->fail_repeat)
        return m->fail_repeat ? m->fail_repeat : ET_ERETIRE;
    t = (struct et_test_repeat_ *)et_test_get_(&m->journal, sizeof *t);
    t->target = et_test_z_(&m->journal, r->target);
    t->peer = et_test_dup_(&m->journal, m->q.peer);
    t->scheme = et_test_dup_(&m->journal, r->scheme);
    for (; f; f = f->next)
        if (!et_test_is_among_(f->name, without, n))
            et_test_append_(&m->journal, &t->fields, f->name, f->value);
    while (*at)
        at = &(*at)->next;
    *at = t;
    return 0;
}

static inline void *
et_test_h_alloc_(et_req *r, size_t n)
{
    (void)r;
    /* Not zeroed, as the server's is not. */
    return et_test_fails_(n)
               ? NULL
               : memset(et_test_get_(&et_test_m_.q.request, n), 0xa5, n);
}

static inline char *
et_test_h_reserve_(et_req *r, size_t want, size_t *cap)
{
    struct et_test_ *m = &et_test_m_;
    (void)r;
    free(m->q.reserved);
    m->q.reserved = NULL;
    if (!et_test_fails_(want))
        m->q.reserved = (char *)malloc(want ? want : 1);
    m->q.reserved_cap = want;
    *cap = m->q.reserved ? want : 0;
    return m->q.reserved;
}

static inline void
et_test_h_commit_(et_req *r, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_block_ *b;
    (void)r;
    if (!m->q.reserved || n > m->q.reserved_cap) {
        fputs("etude_test.h: commit of more than was reserved\n", stderr);
        abort();
    }
    (void)et_test_get_(&m->q.request, 0);
    b = m->q.request; /* hand the block over as it is: pointers stay valid */
    free(b->p);
    b->p = m->q.reserved;
    m->q.reserved = NULL;
}

static inline void
et_test_unset_(struct et_test_pair_ **at, et_str name)
{
    while (*at)
        if (et_eq_nocase((*at)->name, name))
            *at = (*at)->next;
        else
            at = &(*at)->next;
}

/* What the server sends as the value of a field: blanks around it are fine. */
static inline int
et_test_is_value_(et_str s)
{
    return et_is_value(et_trim(s));
}

/* May a step set that? */
static inline int32_t
et_test_judge_field_(et_str name, et_str value)
{
    if (!et_is_token(name) || et_is_hosts(name) || !et_test_is_value_(value))
        return ET_EINVAL;
    return value.n > 65536 ? ET_ELIMIT : 0;
}

static inline int32_t
et_test_h_set_(et_req *r, et_str name, et_str value, uint32_t mode)
{
    struct et_test_ *m = &et_test_m_;
    int32_t rc;
    (void)r;
    m->q.is_poisoned |= m->fail_set == ET_ENOMEM;
    if (m->fail_set)
        return m->fail_set;
    if (m->q.is_committed)
        return ET_EPHASE;
    rc = mode > ET_DEL
             ? ET_EINVAL
             : et_test_judge_field_(name, mode == ET_DEL ? et_s("") : value);
    if (rc < 0)
        return rc;
    if (mode != ET_DEL && et_test_fails_(value.n))
        return ET_ENOMEM;
    if (et_eq_nocase(name, et_s("Content-Type"))) {
        m->q.type =
            et_test_dup_(&m->q.request, mode == ET_DEL ? et_s("") : value);
        return 0;
    }
    if (mode != ET_ADD)
        et_test_unset_(&m->q.set, name);
    if (mode != ET_DEL)
        et_test_append_(&m->q.result, &m->q.set, name,
                        value.p ? value : et_s(""));
    return 0;
}

static inline et_str
et_test_h_get_(const et_req *r, et_str name, uint32_t nth)
{
    const struct et_test_ *m = &et_test_m_;
    (void)r;
    if (et_eq_nocase(name, et_s("Content-Type")))
        return nth == 0 && m->q.type.n ? m->q.type : et_s(NULL);
    return et_test_value_(et_test_find_(m->q.set, name, nth));
}

static inline int32_t
et_test_h_answer_field_(const et_req *r, uint32_t i, et_str *name,
                        et_str *value)
{
    (void)r;
    return et_test_pair_at_(et_test_m_.q.set, i, name, value);
}

static inline int32_t
et_test_h_add_(et_req *r, const et_field *fields, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    size_t i;
    (void)r;
    m->q.is_poisoned |= m->fail_set == ET_ENOMEM;
    if (m->fail_set)
        return m->fail_set;
    if (m->q.is_committed)
        return ET_EPHASE;
    for (i = 0; i < n; i++) {
        const int32_t rc = et_test_judge_field_(fields[i].name,
                                                fields[i].value);
        if (rc < 0)
            return rc;
        if (et_eq_nocase(fields[i].name, et_s("Content-Type")))
            return ET_EINVAL;
    }
    if (n && et_test_fails_(n * sizeof *fields))
        return ET_ENOMEM;
    for (i = 0; i < n; i++)
        et_test_append_(&m->q.result, &m->q.set, fields[i].name,
                        fields[i].value.p ? fields[i].value : et_s(""));
    return 0;
}

/* Let go of the answer decided so far. */
static inline void
et_test_clear_(void)
{
    struct et_test_ *m = &et_test_m_;
    if (m->q.release)
        m->q.release(m->q.release_arg);
    m->q.release = NULL;
    m->q.is_decided = m->q.is_dressed = m->q.is_written = m->q.is_apart = 0;
    m->q.req.status = 0;
    m->q.type = m->q.sent = et_s("");
}

/* May an answer have these? */
static inline int
et_test_is_answer_(uint32_t status, et_str type)
{
    return !et_test_m_.q.is_poisoned && status >= 200 && status <= 599 &&
           et_test_is_value_(type);
}

static inline uint32_t
et_test_h_reply_(et_req *r, uint32_t status, et_str type, const void *p,
                 size_t n, uint32_t flags)
{
    struct et_test_ *m = &et_test_m_;
    if (m->q.is_committed || !et_test_is_answer_(status, type))
        return ET_FAIL;
    if ((flags & ET_R_COPY) && et_test_fails_(n))
        return ET_FAIL;
    et_test_clear_();
    m->q.is_decided = 1;
    m->q.is_dressed = (flags & ET_R_DRESS) != 0;
    r->status = status;
    m->q.type = type;
    m->q.sent = et_sn(n ? p : "", n);
    if (flags & ET_R_COPY) {
        m->q.type = et_test_dup_(&m->q.request, type);
        m->q.sent = et_test_dup_(&m->q.request, m->q.sent);
    }
    return ET_DONE;
}

static inline uint32_t
et_test_h_reply_ref_(et_req *r, uint32_t status, et_str type, const void *p,
                     size_t n, void (*release)(void *arg), void *arg)
{
    const uint32_t rc = et_test_h_reply_(r, status, type, p, n, 0);
    if (rc != ET_DONE) {
        if (release)
            release(arg);
        return rc;
    }
    et_test_m_.q.release = release;
    et_test_m_.q.release_arg = arg;
    return rc;
}

/* What a server has no span of. */
static inline uint32_t
et_test_reply_apart_(et_req *r, uint32_t status, et_str type, et_str body)
{
    const uint32_t rc =
        et_test_h_reply_(r, status, type, body.p, body.n, 0);
    if (rc == ET_DONE)
        et_test_m_.q.is_apart = 1;
    return rc;
}

static inline uint32_t
et_test_h_reply_file_(et_req *r, uint32_t status, et_str type, int32_t fd,
                      uint64_t off, uint64_t n)
{
    char *p = (char *)et_test_get_(&et_test_m_.q.request, (size_t)n);
    /* lseek and read, because strict C11 does not show pread. */
    const int is_there = lseek(fd, (long)off, SEEK_SET) == (long)off &&
                         read(fd, p, (size_t)n) == (ssize_t)n;
    close(fd);
    if (!is_there)
        return ET_FAIL;
    return et_test_reply_apart_(r, status, type, et_sn(p, (size_t)n));
}

/* All of it is read, and each piece released, at once. */
static inline uint32_t
et_test_h_reply_pieces_(et_req *r, uint32_t status, et_str type,
                        const et_piece *pieces, size_t n)
{
    const int fails = n > 1 && et_test_fails_(n * sizeof *pieces);
    char *p;
    size_t i, at = 0, length = 0;
    int is_there = !fails;
    for (i = 0; i < n; i++)
        length += (size_t)pieces[i].n;
    p = (char *)et_test_get_(&et_test_m_.q.request, length);
    for (i = 0; i < n; i++) {
        const et_piece *piece = &pieces[i];
        const size_t part = (size_t)piece->n;
        if (is_there && part && piece->p)
            memcpy(p + at, piece->p, part);
        else if (is_there && part)
            is_there = lseek(piece->fd, (long)piece->off, SEEK_SET) ==
                           (long)piece->off &&
                       read(piece->fd, p + at, part) == (ssize_t)part;
        at += part;
        if (piece->release)
            piece->release(piece->arg);
    }
    if (!is_there)
        return ET_FAIL;
    return n == 1 && pieces[0].p
               ? et_test_h_reply_(r, status, type, p, length, 0)
               : et_test_reply_apart_(r, status, type, et_sn(p, length));
}

/* ---- the host ------------------------------------------------------------*/

static inline void
et_test_record_(const et_ctx *c, uint32_t level, const char *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    (void)c;
    if (level < ET_L_ERROR || level > ET_L_DEBUG)
        level = ET_L_ERROR;
    if (level <= m->host.log_level)
        et_test_append_(&m->journal, &m->records, et_s(""),
                        et_sn(p, n < 2000 ? n : 2000))
            ->level = level;
}

static inline uint32_t
et_test_h_fail_(et_req *r, const char *p, size_t n)
{
    et_test_record_(&r->ctx, ET_L_ERROR, p, n);
    return ET_FAIL;
}

/* The last one first; none of them may wait. */
static inline void
et_test_run_defers_(struct et_test_task_ *task)
{
    task->is_ending = 1;
    while (task->defers) {
        const struct et_test_defer_ *d = task->defers;
        task->defers = d->next;
        d->fn(d->arg);
    }
}

static inline void
et_test_h_panic_(et_req *r, const char *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    et_test_record_(&r->ctx, ET_L_ERROR, p, n);
    if (!m->q.is_in_step)
        et_test_misuse_("et_panic outside of a step");
    if (m->running)
        et_test_run_defers_(m->running); /* whose arg may be on this stack */
    longjmp(m->step, 1);
}

static inline int32_t
et_test_log_open_(et_conf *c, et_str path, et_err *e)
{
    (void)c;
    if (et_test_m_.fail_open) {
        et_seterr(e, "%.*s: the test says no", ET_STR(path));
        return et_test_m_.fail_open;
    }
    return 1;
}

static inline int32_t
et_test_log_write_(et_req *r, int32_t channel, const char *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    (void)r;
    if (m->fail_write)
        return m->fail_write;
    if (channel != 1 || n > 8000)
        return ET_EINVAL;
    et_test_append_(&m->journal, &m->lines, et_s(""), et_sn(p, n));
    return 0;
}

/* ---- et.metrics/1 --------------------------------------------------------*/

static inline struct et_test_figure_ *
et_test_figure_(uint32_t metric, int is_histogram)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_figure_ *f = m->figures + metric - 1;
    if (metric - 1 >= m->n_figures)
        return NULL;
    return (f->def->kind == ET_METRIC_HISTOGRAM) == is_histogram ? f : NULL;
}

static inline int
et_test_is_gauge_(const struct et_test_figure_ *f)
{
    return f->def->kind == ET_METRIC_GAUGE ||
           f->def->kind == ET_METRIC_INSTANCE_GAUGE;
}

static inline void
et_test_metrics_add_(et_req *r, uint32_t metric, int64_t n)
{
    struct et_test_figure_ *f = et_test_figure_(metric, 0);
    (void)r;
    if (f && (n >= 0 || et_test_is_gauge_(f)))
        f->value += n;
}

static inline void
et_test_metrics_set_(et_req *r, uint32_t metric, int64_t value)
{
    struct et_test_figure_ *f = et_test_figure_(metric, 0);
    (void)r;
    if (f && et_test_is_gauge_(f))
        f->value = value;
}

static inline void
et_test_metrics_observe_(et_req *r, uint32_t metric, int64_t value)
{
    struct et_test_figure_ *f = et_test_figure_(metric, 1);
    uint32_t i = 0;
    (void)r;
    if (!f)
        return;
    while (i < f->def->n_bounds && value > f->def->bounds[i])
        i++;
    f->value += value;
    f->buckets[i]++;
}

/* ---- et.store/1 ----------------------------------------------------------*/

/* The store of that name, made if it is not there yet. */
static inline struct et_test_store_ *
et_test_store_named_(et_str name)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_store_ *s = m->stores;
    while (s && !et_eq(et_s(s->name), name))
        s = s->next;
    if (s)
        return s;
    s = (struct et_test_store_ *)et_test_get_(&m->journal, sizeof *s);
    s->name = et_test_z_(&m->journal, name);
    s->pub.ctx.size = (uint32_t)sizeof s->pub;
    s->pub.ctx.kind = ET_K_STORE;
    s->pub.ctx.host = &m->host;
    s->pub.api = &m->store;
    s->next = m->stores;
    m->stores = s;
    return s;
}

static inline et_store *
et_test_store_open_(et_worker *w, et_str name)
{
    struct et_test_store_ *s;
    (void)w;
    if (!et_test_m_.is_in_init || !name.n || name.n > ET_STORE_NAME_MAX)
        return NULL;
    s = et_test_store_named_(name);
    s->is_open = 1;
    return &s->pub;
}

/* Every call begins here. */
static inline struct et_test_store_ *
et_test_store_of_(et_store *pub)
{
    struct et_test_store_ *s = (struct et_test_store_ *)pub;
    if (!s->is_open) {
        fputs("etude_test.h: a store after the exit of its state\n", stderr);
        abort();
    }
    return s;
}

static inline struct et_test_kept_ *
et_test_store_find_(struct et_test_store_ *s, et_str key, int kind)
{
    struct et_test_kept_ *k = s->kept;
    while (k && (!et_eq(k->key, key) || k->kind != kind))
        k = k->next;
    if (k && k->ends_ms && k->ends_ms <= et_test_m_.now_ms) {
        k->count = 0;
        k->value = et_s(NULL);
    }
    return k;
}

/* What is of that kind and key, made if it is not there yet. */
static inline struct et_test_kept_ *
et_test_store_get_kept_(struct et_test_store_ *s, et_str key, int kind)
{
    et_test_memory_ *journal = &et_test_m_.journal;
    struct et_test_kept_ *k = et_test_store_find_(s, key, kind);
    if (k)
        return k;
    k = (struct et_test_kept_ *)et_test_get_(journal, sizeof *k);
    k->key = et_test_dup_(journal, key.p ? key : et_s(""));
    k->kind = kind;
    k->next = s->kept;
    s->kept = k;
    return k;
}

static inline uint64_t
et_test_store_end_(uint64_t ttl_ms)
{
    const uint64_t now_ms = et_test_m_.now_ms;
    if (!ttl_ms)
        return 0;
    return ttl_ms < UINT64_MAX - now_ms ? now_ms + ttl_ms : UINT64_MAX;
}

static inline int64_t
et_test_store_add_(et_store *pub, et_str key, int64_t delta, uint64_t ttl_ms)
{
    struct et_test_store_ *s = et_test_store_of_(pub);
    const uint64_t ends_ms = et_test_store_end_(ttl_ms);
    struct et_test_kept_ *k;
    if (key.n > ET_STORE_KEY_MAX)
        return ET_EINVAL;
    k = et_test_store_get_kept_(s, key, ET_TEST_COUNTER_);
    if (!k->count && delta > 0 && et_test_m_.fail_store)
        return et_test_m_.fail_store;
    if (!k->count || (ends_ms && (!k->ends_ms || ends_ms < k->ends_ms)))
        k->ends_ms = ends_ms;
    if (delta > INT64_MAX - k->count)
        k->count = INT64_MAX;
    else
        k->count = k->count + delta > 0 ? k->count + delta : 0;
    return k->count;
}

static inline int64_t
et_test_store_total_(et_store *pub, et_str key)
{
    struct et_test_store_ *s = et_test_store_of_(pub);
    const struct et_test_kept_ *k =
        et_test_store_find_(s, key, ET_TEST_COUNTER_);
    if (key.n > ET_STORE_KEY_MAX)
        return ET_EINVAL;
    if (!k)
        return 0;
    return k->others < INT64_MAX - k->count ? k->count + k->others : INT64_MAX;
}

static inline int32_t
et_test_store_del_(et_store *pub, et_str key)
{
    struct et_test_store_ *s = et_test_store_of_(pub);
    struct et_test_kept_ *counter =
        et_test_store_find_(s, key, ET_TEST_COUNTER_);
    struct et_test_kept_ *value = et_test_store_find_(s, key, ET_TEST_VALUE_);
    if (counter)
        counter->count = 0;
    if (value)
        value->value = et_s(NULL);
    return key.n > ET_STORE_KEY_MAX ? ET_EINVAL : 0;
}

static inline int32_t
et_test_store_put_(et_store *pub, et_str key, et_str value, uint64_t ttl_ms)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_store_ *s = et_test_store_of_(pub);
    struct et_test_kept_ *k;
    if (key.n > ET_STORE_KEY_MAX || value.n > ET_STORE_VALUE_MAX)
        return ET_EINVAL;
    k = et_test_store_get_kept_(s, key, ET_TEST_VALUE_);
    k->value = et_s(NULL);
    if (m->fail_store)
        return m->fail_store;
    k->value = et_test_dup_(&m->journal, value.p ? value : et_s(""));
    k->ends_ms = et_test_store_end_(ttl_ms);
    return 0;
}

static inline et_str
et_test_store_get_(et_store *pub, et_str key)
{
    struct et_test_store_ *s = et_test_store_of_(pub);
    const struct et_test_kept_ *k = et_test_store_find_(s, key, ET_TEST_VALUE_);
    et_test_drop_(&s->given);
    return k ? et_test_dup_(&s->given, k->value) : et_s(NULL);
}

static inline int32_t
et_test_store_cell_(et_store *pub, et_str key, int64_t *value)
{
    const struct et_test_kept_ *k =
        et_test_store_find_(et_test_store_of_(pub), key, ET_TEST_CELL_);
    if (key.n > ET_STORE_KEY_MAX)
        return ET_EINVAL;
    *value = k ? k->count : 0;
    return 0;
}

static inline int32_t
et_test_store_swap_(et_store *pub, et_str key, int64_t *was, int64_t to,
                    uint64_t ttl_ms)
{
    struct et_test_store_ *s = et_test_store_of_(pub);
    struct et_test_kept_ *k;
    if (key.n > ET_STORE_KEY_MAX)
        return ET_EINVAL;
    k = et_test_store_get_kept_(s, key, ET_TEST_CELL_);
    if (k->count != *was) {
        *was = k->count;
        return 0;
    }
    if (!k->count && to && et_test_m_.fail_store)
        return et_test_m_.fail_store;
    if (!k->count && ttl_ms == ET_STORE_SAME_END)
        k->ends_ms = 0;
    else if (ttl_ms != ET_STORE_SAME_END)
        k->ends_ms = et_test_store_end_(ttl_ms);
    k->count = to;
    return 1;
}

/* A step has returned: what get gave it is gone. */
static inline void
et_test_take_back_(void)
{
    struct et_test_store_ *s;
    for (s = et_test_m_.stores; s; s = s->next)
        et_test_drop_(&s->given);
}

/* ---- et.async/1 ----------------------------------------------------------*/

static inline uint64_t
et_test_due_(uint64_t ms)
{
    const uint64_t now_ms = et_test_m_.now_ms;
    return ms < UINT64_MAX - now_ms ? now_ms + ms : UINT64_MAX;
}

static inline int
et_test_is_end_(int32_t rc)
{
    return rc == ET_ECANCEL || rc == ET_ETIME;
}

/* The same of a task. */
static inline int
et_test_is_task_end_(int32_t rc)
{
    return et_test_is_end_(rc) || rc == ET_ERETIRE;
}

/* A call that waits begins: 0, or what the test wants to come of it. */
static inline int32_t
et_test_begin_wait_(void)
{
    struct et_test_ *m = &et_test_m_;
    return m->fail_wait && --m->fail_wait == 0 ? m->wait_rc : 0;
}

static inline int
et_test_may_suspend_(void)
{
    const struct et_test_ *m = &et_test_m_;
    return m->q.is_in_step && m->q.where != ET_TEST_LOG_ && !m->running &&
           !m->q.is_gone && !m->q.wait.job;
}

/* The step is about to wait: 0, or why it does not. */
static inline int32_t
et_test_suspend_(et_resume_fn resume, et_cancel_fn cancel)
{
    struct et_test_ *m = &et_test_m_;
    const int32_t rc = et_test_begin_wait_();
    memset(&m->q.wait, 0, sizeof m->q.wait);
    if (rc < 0 && !et_test_is_end_(rc))
        return rc;
    m->q.wait.token = ++m->tokens;
    m->q.wait.resume = resume;
    m->q.wait.cancel = cancel;
    m->q.wait.why = rc;
    return 0;
}

static inline et_token
et_test_async_suspend_(et_req *r, et_resume_fn resume, et_cancel_fn cancel,
                       uint32_t timeout_ms)
{
    struct et_test_ *m = &et_test_m_;
    (void)r;
    if (!resume || !et_test_may_suspend_() ||
        et_test_suspend_(resume, cancel) < 0)
        return 0;
    if (timeout_ms != UINT32_MAX)
        m->q.wait.due_ms = et_test_due_(timeout_ms ? timeout_ms : 60000);
    return m->q.wait.token;
}

static inline int32_t
et_test_async_offload_(et_req *r, int32_t (*job)(void *arg), void *arg,
                       uint32_t priority, et_resume_fn resume,
                       et_cancel_fn cancel)
{
    struct et_test_ *m = &et_test_m_;
    int32_t rc;
    (void)r;
    (void)priority;
    if (!job || !resume)
        return ET_EINVAL;
    if (!et_test_may_suspend_())
        return ET_EPHASE;
    if (et_test_fails_(sizeof m->q.wait))
        return ET_ENOMEM;
    rc = et_test_suspend_(resume, cancel);
    if (rc < 0)
        return rc;
    m->q.wait.job = job;
    m->q.wait.job_arg = arg;
    m->q.wait.turn = ++m->turns;
    if (m->q.wait.why == ET_ETIME) /* a job has no time */
        m->q.wait.why = 0;
    return 0;
}

/* Who waits with that token, or NULL. */
static inline struct et_test_wait_ *
et_test_wait_of_(et_token t)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_aside_ *a = m->aside;
    if (m->q.wait.token == t)
        return &m->q.wait;
    while (a && a->q.wait.token != t)
        a = a->next;
    return a ? &a->q.wait : NULL;
}

static inline int32_t
et_test_async_resume_(et_token t, int32_t rc)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_wait_ *w = t ? et_test_wait_of_(t) : NULL;
    struct et_test_task_ *task = m->running;
    while (task && task->token != t)
        task = task->outer;
    if (t && task && !task->is_woken) {
        task->is_woken = 1;
        task->rc = rc;
        return 0;
    }
    if (!w || w->turn)
        return ET_ESTALE;
    w->rc = rc;
    w->turn = ++m->turns;
    return 0;
}

/* ---- et.task/1 -----------------------------------------------------------*/

/* Why the calling task may not wait; 0: it may. */
static inline int32_t
et_test_task_refuses_(void)
{
    const struct et_test_ *m = &et_test_m_;
    const struct et_test_task_ *t = m->running;
    if (!t || t->is_ending)
        return ET_EPHASE;
    if (!m->q.why && t->due_ms && t->due_ms <= m->now_ms)
        return ET_ETIME;
    return m->q.why;
}

/* It waits now: 0, or what the test has planned instead. */
static inline int32_t
et_test_task_waits_(void)
{
    struct et_test_ *m = &et_test_m_;
    const int32_t rc = et_test_begin_wait_();
    m->running->token = 0;
    m->q.is_retiring |= rc == ET_ERETIRE;
    if (et_test_is_task_end_(rc))
        m->q.why = rc;
    return rc;
}

static inline int32_t
et_test_task_begin_(void)
{
    const int32_t rc = et_test_task_refuses_();
    return rc < 0 ? rc : et_test_task_waits_();
}

static inline void
et_test_others_(void)
{
    if (et_test_m_.meanwhile)
        et_test_m_.meanwhile();
}

/* It waits until then, or its time is over, or it is given up. */
static inline int32_t
et_test_task_pass_(uint64_t due_ms)
{
    struct et_test_ *m = &et_test_m_;
    const uint64_t own_ms = m->running->due_ms;
    const int is_own = own_ms && own_ms < due_ms;
    if (is_own)
        due_ms = own_ms;
    if (!m->q.why && due_ms == UINT64_MAX)
        m->q.why = ET_ECANCEL;
    if (m->q.why)
        return m->q.why;
    if (m->now_ms < due_ms)
        m->now_ms = due_ms;
    return is_own ? ET_ETIME : 0;
}

static inline int32_t
et_test_task_sleep_(et_req *r, uint64_t ms)
{
    const int32_t rc = et_test_task_begin_();
    const uint64_t due_ms = et_test_due_(ms);
    (void)r;
    if (rc < 0)
        return rc;
    et_test_others_();
    return et_test_task_pass_(due_ms);
}

/* Whether these may be waited for; which of them are there. */
static inline int
et_test_knows_(uint32_t events)
{
    return events && !(events & ~(ET_FD_IN | ET_FD_OUT));
}

static inline uint32_t
et_test_ready_of_(uint32_t events)
{
    return et_test_m_.ready & (events | ~(ET_FD_IN | ET_FD_OUT));
}

static inline int32_t
et_test_task_wait_fd_(et_req *r, int32_t fd, uint32_t events,
                      uint64_t timeout_ms)
{
    struct et_test_ *m = &et_test_m_;
    const uint64_t due_ms = et_test_due_(timeout_ms);
    int32_t rc = et_test_task_begin_();
    (void)r;
    if (rc < 0)
        return rc;
    if (fd < 0 || !et_test_knows_(events))
        return ET_EINVAL;
    et_test_others_();
    events = et_test_ready_of_(events);
    if (m->q.why || events)
        return m->q.why ? m->q.why : (int32_t)events;
    rc = et_test_task_pass_(due_ms);
    return rc < 0 ? rc : ET_ETIME;
}

static inline int32_t
et_test_task_offload_(et_req *r, int32_t (*job)(void *arg), void *arg,
                      uint32_t priority)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_task_ *task = m->running;
    int32_t rc = job ? et_test_task_begin_() : ET_EINVAL;
    (void)r;
    (void)priority;
    if (rc < 0)
        return rc;
    et_test_others_();
    m->running = NULL; /* it is on another thread: nothing of r's is for it */
    m->q.is_in_step = 0;
    rc = job(arg);
    m->q.is_in_step = 1;
    m->running = task;
    return m->q.why ? m->q.why : rc;
}

static inline et_token
et_test_task_arm_(et_req *r)
{
    struct et_test_ *m = &et_test_m_;
    (void)r;
    if (et_test_task_begin_() < 0)
        return 0;
    m->running->is_woken = 0;
    return m->running->token = ++m->tokens;
}

static inline int32_t
et_test_task_await_(et_req *r, uint64_t timeout_ms)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_task_ *task = m->running;
    const et_token token = task ? task->token : 0;
    const uint64_t due_ms = et_test_due_(timeout_ms);
    int32_t rc = et_test_task_begin_();
    (void)r;
    if (rc < 0)
        return rc;
    if (!token)
        return ET_EINVAL;
    task->token = token;
    et_test_others_();
    rc = task->rc;
    if (!task->is_woken || m->q.why) {
        rc = et_test_task_pass_(due_ms);
        rc = rc < 0 ? rc : ET_ETIME;
    }
    task->token = 0;
    return rc;
}

static inline void et_test_channel_end_(const struct et_test_task_ *task);

static inline void
et_test_task_part_(et_req *r, et_part *part)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_task_ task;
    jmp_buf outer;
    memset(&task, 0, sizeof task);
    task.outer = m->running;
    task.due_ms = m->running->due_ms;
    memcpy(&outer, &m->step, sizeof outer);
    part->rc = ET_ECRASH;
    m->running = &task;
    if (setjmp(m->step) == 0) {
        const int32_t rc = part->fn(r, part->arg);
        et_test_run_defers_(&task);
        part->rc = rc;
    }
    et_test_channel_end_(&task);
    m->running = task.outer;
    memcpy(&m->step, &outer, sizeof outer);
}

static inline int32_t
et_test_task_join_(et_req *r, et_part *parts, uint32_t n)
{
    const int32_t rc = et_test_task_begin_();
    uint32_t i;
    if (rc == ET_EPHASE || et_test_is_task_end_(rc))
        return rc;
    et_test_others_();
    for (i = 0; i < n; i++)
        if (rc < 0)
            parts[i].rc = rc;
        else
            et_test_task_part_(r, &parts[i]);
    return et_test_m_.q.why;
}

static inline int32_t
et_test_task_timeout_(et_req *r, uint64_t ms)
{
    struct et_test_task_ *task = et_test_m_.running;
    (void)r;
    if (!task)
        return ET_EPHASE;
    task->due_ms = ms ? et_test_due_(ms) : 0;
    return 0;
}

static inline int32_t
et_test_task_defer_(et_req *r, void (*fn)(void *arg), void *arg)
{
    struct et_test_task_ *task = et_test_m_.running;
    struct et_test_defer_ *d;
    if (!task || task->is_ending || !fn)
        return ET_EPHASE;
    d = (struct et_test_defer_ *)et_test_h_alloc_(r, sizeof *d);
    if (!d)
        return ET_ENOMEM;
    d->next = task->defers;
    d->fn = fn;
    d->arg = arg;
    task->defers = d;
    return 0;
}

/* Each counts as a call that waits, so that et_test_fail_wait has it fail. */
static inline int64_t
et_test_task_read_body_(et_req *r, void *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    int32_t rc = n > 0 ? et_test_task_begin_() : ET_EINVAL;
    size_t left;
    (void)r;
    if (rc < 0)
        return rc;
    et_test_others_();
    if (m->q.why)
        return m->q.why;
    left = m->q.body.n - m->q.body_at;
    if (m->piece > 0 && n > m->piece)
        n = m->piece;
    if (n > left)
        n = left;
    if (n > 0)
        memcpy(p, m->q.body.p + m->q.body_at, n);
    m->q.body_at += n;
    m->q.was_read = 1;
    m->q.has_ended = n == 0;
    return (int64_t)n;
}

/* ---- et.channel/1 --------------------------------------------------------*/

static inline int
et_test_channel_is_name_(et_str name)
{
    return name.p && name.n && name.n <= ET_CH_NAME_MAX;
}

/* The oldest message of s, which waits no more. */
static inline et_str
et_test_channel_pop_(struct et_test_sub_ *s)
{
    const et_str message = s->first->value;
    s->first = s->first->next;
    s->n--;
    return message;
}

static inline void
et_test_channel_tell_(struct et_test_sub_ *s, et_str message)
{
    if (s->n == s->max && s->policy == ET_CH_DROP_SELF) {
        s->dropped += s->n + 1;
        s->n = 0;
        s->first = NULL;
        s->is_dropped = 1;
        return;
    }
    if (s->n == s->max) {
        (void)et_test_channel_pop_(s);
        s->dropped++;
    }
    et_test_append_(&et_test_m_.journal, &s->first, et_s(NULL), message);
    s->n++;
}

static inline int32_t
et_test_channel_publish_(const et_host *h, et_str channel, const void *p,
                         size_t n)
{
    struct et_test_ *m = &et_test_m_;
    const et_str message = et_sn(p ? p : "", n);
    struct et_test_sub_ *s;
    (void)h;
    if (!et_test_channel_is_name_(channel) || (!p && n))
        return ET_EINVAL;
    if (m->fail_channel)
        return m->fail_channel;
    et_test_append_(&m->journal, &m->published, channel, message);
    for (s = m->subs; s; s = s->next)
        if (s->owner && !s->is_dropped && et_eq(s->channel, channel))
            et_test_channel_tell_(s, message);
    if (m->ears)
        et_test_append_(&m->journal, &m->untold, channel, message);
    return 0;
}

static inline et_sub *
et_test_channel_subscribe_(et_req *r, et_str channel, uint32_t max_queue,
                           uint32_t policy)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_sub_ *s;
    (void)r;
    if (!m->running || m->running->is_ending || m->fail_channel ||
        !et_test_channel_is_name_(channel) || policy > ET_CH_DROP_SELF)
        return NULL;
    s = (struct et_test_sub_ *)et_test_get_(&m->journal, sizeof *s);
    s->pub.ctx.size = (uint32_t)sizeof s->pub;
    s->pub.ctx.kind = ET_K_SUB;
    s->pub.ctx.host = &m->host;
    s->pub.api = &m->channel;
    s->owner = m->running;
    s->channel = et_test_dup_(&m->journal, channel);
    s->max = max_queue ? max_queue : ET_CH_QUEUE;
    s->policy = policy;
    s->next = m->subs;
    m->subs = s;
    return &s->pub;
}

/* Every call begins here. */
static inline struct et_test_sub_ *
et_test_channel_of_(const et_sub *pub)
{
    struct et_test_sub_ *s = (struct et_test_sub_ *)(uintptr_t)pub;
    if (!s->owner)
        et_test_misuse_("a subscription after its end");
    return s;
}

/* Each counts as a call that waits, so that et_test_fail_wait has it fail. */
static inline int32_t
et_test_channel_next_(et_sub *pub, uint64_t timeout_ms, et_str *message)
{
    struct et_test_sub_ *s = et_test_channel_of_(pub);
    const uint64_t due_ms = et_test_due_(timeout_ms);
    int32_t rc = et_test_task_begin_();
    if (rc < 0)
        return rc;
    et_test_drop_(&s->given);
    if (!s->n && !s->is_dropped)
        et_test_others_();
    if (et_test_m_.q.why)
        return et_test_m_.q.why;
    if (s->is_dropped)
        return ET_ELIMIT;
    if (!s->n) {
        rc = et_test_task_pass_(due_ms);
        return rc < 0 ? rc : ET_ETIME;
    }
    *message = et_sn(et_test_z_(&s->given, s->first->value), s->first->value.n);
    (void)et_test_channel_pop_(s);
    return 0;
}

static inline void
et_test_channel_unsubscribe_(et_sub *pub)
{
    struct et_test_sub_ *s = et_test_channel_of_(pub);
    et_test_drop_(&s->given);
    s->owner = NULL;
}

static inline uint64_t
et_test_channel_dropped_(const et_sub *pub)
{
    return et_test_channel_of_(pub)->dropped;
}

/* A step or a part is over, and with it what it is subscribed to. */
static inline void
et_test_channel_end_(const struct et_test_task_ *task)
{
    struct et_test_sub_ *s;
    for (s = et_test_m_.subs; s; s = s->next)
        if (s->owner == task)
            et_test_channel_unsubscribe_(&s->pub);
}

/* ---- answers that a task writes ------------------------------------------*/

/* Run the response step while a task waits for it; 1 if it leaves the answer as
 * it is. */
static inline int et_test_open_answer_(void);
static inline void et_test_commit_(void);
static inline const void *et_test_item_(uint32_t kind, size_t nth);

/* Does an answer with that status go without a body? */
static inline int
et_test_is_bare_(uint32_t status)
{
    return et_test_m_.q.req.method == ET_M_HEAD || status < 200 ||
           status == 204 || status == 205 || status == 304;
}

static inline int32_t
et_test_task_begin_answer_(et_req *r, uint32_t status, et_str type,
                           uint64_t length)
{
    struct et_test_ *m = &et_test_m_;
    int32_t rc = et_test_task_refuses_();
    if (rc < 0)
        return rc;
    if (m->q.is_committed || m->q.is_refused)
        return ET_EPHASE;
    if (!et_test_is_answer_(status, type))
        return m->q.is_poisoned ? ET_ENOMEM : ET_EINVAL;
    if (et_test_fails_(type.n))
        return ET_ENOMEM;
    rc = et_test_task_waits_();
    if (rc < 0)
        return rc;
    et_test_clear_();
    m->q.is_decided = m->q.is_written = 1;
    r->status = status;
    m->q.type = et_test_dup_(&m->q.request, type);
    m->q.left = length;
    if (!et_test_open_answer_()) {
        m->q.is_refused = 1;
        m->q.why = ET_ECANCEL;
        return ET_ECANCEL;
    }
    m->q.is_bare = et_test_is_bare_(r->status);
    et_test_commit_();
    return 0;
}

/* Why the caller may not write; 0: it may.  One that is retired may. */
static inline int32_t
et_test_task_writes_(void)
{
    const struct et_test_ *m = &et_test_m_;
    const int32_t rc = et_test_task_refuses_();
    if (rc < 0 && rc != ET_ERETIRE)
        return rc;
    return m->q.is_committed && m->q.is_written && !m->q.ws ? 0 : ET_EPHASE;
}

static inline void
et_test_keep_piece_(const void *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    size_t cap = m->q.sent_cap ? m->q.sent_cap : 256;
    char *grown;
    while (cap < m->q.sent.n + n)
        cap *= 2;
    if (cap > m->q.sent_cap) {
        grown = (char *)et_test_get_(&m->q.result, cap);
        memcpy(grown, m->q.sent.p, m->q.sent.n);
        m->q.sent.p = grown;
        m->q.sent_cap = cap;
    }
    memcpy((char *)(uintptr_t)m->q.sent.p + m->q.sent.n, p, n);
    m->q.sent.n += n;
}

/* n bytes go to the client, and are waited for if flags say so. */
static inline int32_t
et_test_put_out_(const void *p, size_t n, uint32_t flags)
{
    struct et_test_ *m = &et_test_m_;
    int32_t rc = et_test_task_writes_();
    if (rc == 0 && (n > 0 || flags & ET_BODY_FLUSH))
        rc = et_test_task_waits_();
    if (rc < 0 || n == 0)
        return rc;
    if (m->q.left != ET_ANY_LENGTH) {
        if (n > m->q.left)
            return ET_EINVAL;
        m->q.left -= n;
    }
    et_test_keep_piece_(p, n);
    return 0;
}

/* n bytes go through the body step. */
static inline int32_t
et_test_pass_(const void *p, size_t n, uint32_t flags)
{
    struct et_test_ *m = &et_test_m_;
    const et_bodydef *def = (const et_bodydef *)et_test_item_(ET_I_BODY, 0);
    et_str piece;
    int32_t rc;
    if (m->q.is_passing)
        return ET_EINVAL;
    m->q.is_passing = 1;
    piece = et_test_dup_(&m->q.shown, et_sn(n ? (const char *)p : "", n));
    rc = def->fn(&m->q.req, et_test_self(), piece.p, piece.n, flags);
    if (rc >= 0 && m->q.only_looks)
        rc = et_test_put_out_(p, n, flags);
    m->q.is_passing = 0;
    et_test_drop_(&m->q.shown);
    return rc < 0 ? rc : 0;
}

/* In a response step that runs, of a plugin with a body step. */
static inline int32_t
et_test_filter_ask_(int only_looks)
{
    struct et_test_ *m = &et_test_m_;
    if (!et_test_item_(ET_I_BODY, 0) || !m->q.is_in_step || m->q.is_committed ||
        (m->q.where != ET_TEST_RESPONSE_ && !m->q.is_in_response))
        return ET_EPHASE;
    if (m->q.is_written && !only_looks)
        m->q.left = ET_ANY_LENGTH;
    if (m->q.is_filtered) {
        m->q.only_looks &= only_looks;
        return 0;
    }
    if (et_test_fails_(sizeof(et_bodydef)))
        return ET_ENOMEM;
    m->q.is_filtered = 1;
    m->q.only_looks = only_looks;
    return 0;
}

static inline int32_t
et_test_h_filter_(et_req *r)
{
    (void)r;
    return et_test_filter_ask_(0);
}

static inline int32_t
et_test_h_watch_(et_req *r)
{
    (void)r;
    return et_test_filter_ask_(1);
}

static inline int32_t
et_test_h_emit_(et_req *r, const void *p, size_t n, uint32_t flags)
{
    struct et_test_ *m = &et_test_m_;
    (void)r;
    if (!m->q.is_passing || m->q.only_looks)
        return ET_EPHASE;
    if (m->q.has_passed_end)
        return ET_EINVAL;
    m->q.has_passed_end = (flags & ET_BODY_LAST) != 0;
    return et_test_put_out_(p, n, flags);
}

/* The task that has written the answer returns result: what it is to return,
 * once the body step has seen the end. */
static inline uint32_t
et_test_pass_last_(uint32_t result)
{
    const struct et_test_ *m = &et_test_m_;
    if (!m->q.is_filtered || !m->q.is_committed || !m->q.is_written ||
        m->q.is_bare || result != ET_DONE)
        return result;
    return et_test_pass_("", 0, ET_BODY_LAST) < 0 ? ET_FAIL : result;
}

static inline int32_t
et_test_task_write_(et_req *r, const void *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    int32_t rc = et_test_task_writes_();
    (void)r;
    if (rc < 0 || n == 0)
        return rc;
    if (m->q.is_filtered && !m->q.is_bare)
        return et_test_pass_(p, n, 0);
    rc = et_test_task_waits_();
    if (rc < 0)
        return rc;
    if (m->q.is_bare)
        return ET_ECANCEL;
    if (m->q.left != ET_ANY_LENGTH) {
        if (n > m->q.left)
            return ET_EINVAL;
        m->q.left -= n;
    }
    et_test_keep_piece_(p, n);
    return 0;
}

static inline int32_t
et_test_task_flush_(et_req *r)
{
    int32_t rc = et_test_task_writes_();
    (void)r;
    if (rc == 0 && et_test_m_.q.is_filtered && !et_test_m_.q.is_bare)
        return et_test_pass_("", 0, ET_BODY_FLUSH);
    if (rc == 0)
        rc = et_test_task_waits_();
    return rc == 0 && et_test_m_.q.is_bare ? ET_ECANCEL : rc;
}

static inline int32_t
et_test_task_trailer_(et_req *r, et_str name, et_str value)
{
    /* What is needed before the body (RFC 9110, 6.5.1). */
    static const char *const early[] = {"Content-Type",  "Content-Encoding",
                                        "Content-Range", "Cache-Control",
                                        "Expires",       "Vary",
                                        "Set-Cookie",    "Location",
                                        "Retry-After",   "WWW-Authenticate",
                                        "Host",          "Authorization"};
    struct et_test_ *m = &et_test_m_;
    int32_t rc = et_test_task_writes_();
    size_t i;
    (void)r;
    if (rc == 0)
        rc = et_test_judge_field_(name, value);
    for (i = 0; rc == 0 && i < sizeof early / sizeof early[0]; i++)
        if (et_eq_nocase(name, et_s(early[i])))
            rc = ET_EINVAL;
    if (rc < 0)
        return rc;
    if (et_test_fails_(value.n))
        return ET_ENOMEM;
    et_test_append_(&m->q.result, &m->q.trailers, name,
                    value.p ? value : et_s(""));
    return 0;
}

/* ---- et.fetch/1 ----------------------------------------------------------*/

/* What is said of the request, as far as a test can get it wrong: 0 or
 * ET_E*. */
static inline int32_t
et_test_fetch_check_(const et_fetch_ask *ask)
{
    size_t i;
    if (!ask || !ET_HAS(ask, et_fetch_ask, max_body) ||
        !et_is_token(ask->method) || et_eq(ask->method, et_s("CONNECT")))
        return ET_EINVAL;
    if (ask->url.n > 8 && memcmp(ask->url.p, "https://", 8) == 0)
        return ET_ENOTSUP;
    if (ask->url.n < 8 || memcmp(ask->url.p, "http://", 7) != 0)
        return ET_EINVAL;
    for (i = 7; i < ask->url.n; i++)
        if (ask->url.p[i] <= ' ' || ask->url.p[i] == 0x7f ||
            strchr("\"#<>", ask->url.p[i]))
            return ET_EINVAL;
    for (i = 0; i < ask->n_fields; i++) {
        const et_field *f = &ask->fields[i];
        if (!et_is_token(f->name) || !et_test_is_value_(f->value) ||
            et_eq_nocase(f->name, et_s("Expect")) ||
            (et_is_hosts(f->name) && !et_eq_nocase(f->name, et_s("Date"))))
            return ET_EINVAL;
    }
    return 0;
}

/* Write n more bytes down behind what was asked so far. */
static inline void
et_test_fetch_note_(const char *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    const size_t so_far = m->asked ? strlen(m->asked) : 0;
    char *text = (char *)et_test_get_(&m->journal, so_far + n + 1);
    if (so_far)
        memcpy(text, m->asked, so_far);
    if (n)
        memcpy(text + so_far, p, n);
    m->asked = text;
}

static inline void
et_test_fetch_note_all_(const et_fetch_ask *ask)
{
    size_t i;
    et_test_m_.asked = NULL;
    et_test_fetch_note_(ask->method.p, ask->method.n);
    et_test_fetch_note_(" ", 1);
    et_test_fetch_note_(ask->url.p, ask->url.n);
    et_test_fetch_note_("\n", 1);
    for (i = 0; i < ask->n_fields; i++) {
        et_test_fetch_note_(ask->fields[i].name.p, ask->fields[i].name.n);
        et_test_fetch_note_(": ", 2);
        et_test_fetch_note_(ask->fields[i].value.p, ask->fields[i].value.n);
        et_test_fetch_note_("\n", 1);
    }
    et_test_fetch_note_("\n", 1);
    if (!(ask->flags & ET_FETCH_STREAM))
        et_test_fetch_note_(ask->body.p, ask->body.n);
}

static inline const struct et_test_upstream_ *
et_test_fetch_whom_(et_str url)
{
    static const struct et_test_upstream_ nobody = {NULL, {NULL, 0}, {NULL, 0},
                                                    0,    ET_ECONN,  NULL};
    const struct et_test_upstream_ *u = et_test_m_.upstreams;
    while (u && !et_eq(u->url, url))
        u = u->next;
    return u ? u : &nobody;
}

/* Ask: a reply without its head, or NULL: there is no memory. */
static inline struct et_test_reply_ *
et_test_fetch_ask_(et_req *r, const et_fetch_ask *ask)
{
    struct et_test_reply_ *y =
        (struct et_test_reply_ *)et_test_h_alloc_(r, sizeof *y);
    if (!y)
        return NULL;
    memset(y, 0, sizeof *y);
    et_test_fetch_note_all_(ask);
    y->pub.size = (uint32_t)sizeof y->pub;
    y->pub.length = -1;
    y->from = et_test_fetch_whom_(ask->url);
    y->flags = ask->flags;
    y->left = ask->flags & ET_FETCH_LENGTH ? ask->body.n : UINT64_MAX;
    y->max_body = ask->max_body ? ask->max_body : UINT64_MAX;
    return y;
}

/* Its head comes: 0, or why not. */
static inline int32_t
et_test_fetch_take_head_(et_req *r, struct et_test_reply_ *y)
{
    const struct et_test_pair_ *p;
    et_field *fields;
    size_t n = 0;
    y->rc = y->from->rc;
    if (y->rc == 0 && y->from->body.n > y->max_body)
        y->rc = ET_ELIMIT;
    if (y->rc < 0)
        return y->rc;
    for (p = y->from->fields; p; p = p->next)
        n++;
    fields = (et_field *)et_test_h_alloc_(r, n * sizeof *fields);
    if (!fields)
        return y->rc = ET_ENOMEM;
    y->pub.fields = fields;
    for (p = y->from->fields; p; p = p->next, fields++) {
        fields->name = et_test_dup_(&et_test_m_.q.request, p->name);
        fields->value = et_test_dup_(&et_test_m_.q.request, p->value);
    }
    y->pub.n_fields = n;
    y->pub.status = y->from->status;
    y->pub.length = (int64_t)y->from->body.n;
    y->has_head = 1;
    return 0;
}

/* All of its body comes, too. */
static inline int32_t
et_test_fetch_take_(et_req *r, struct et_test_reply_ *y)
{
    char *body;
    if (y->max_body == UINT64_MAX)
        y->max_body = 1 << 20;
    if (et_test_fetch_take_head_(r, y) < 0)
        return y->rc;
    body = (char *)et_test_h_alloc_(r, y->from->body.n);
    if (!body)
        return y->rc = ET_ENOMEM;
    if (y->from->body.n)
        memcpy(body, y->from->body.p, y->from->body.n);
    y->pub.body = et_sn(body, y->from->body.n);
    return 0;
}

/* A call of a task on a reply that is open begins: 0, or why not. */
static inline int32_t
et_test_fetch_begin_(et_reply *reply)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_reply_ *y = (struct et_test_reply_ *)(void *)reply;
    int32_t rc = et_test_task_begin_();
    if (rc < 0)
        return rc;
    if (!y)
        return ET_EINVAL;
    et_test_others_();
    if (m->q.why)
        y->rc = m->q.why;
    return y->from ? y->rc : ET_EPHASE;
}

static inline int32_t
et_test_fetch_open_(et_req *r, const et_fetch_ask *ask, et_reply **reply)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_reply_ *y;
    int32_t rc = et_test_task_begin_();
    *reply = NULL;
    if (rc == 0)
        rc = et_test_fetch_check_(ask);
    if (rc < 0)
        return rc;
    et_test_others_();
    if (m->q.why)
        return m->q.why;
    y = et_test_fetch_ask_(r, ask);
    if (!y)
        return ET_ENOMEM;
    rc = ask->flags & ET_FETCH_STREAM ? 0 : et_test_fetch_take_head_(r, y);
    if (rc == 0)
        *reply = &y->pub;
    return rc;
}

static inline int64_t
et_test_fetch_read_(et_req *r, et_reply *reply, void *p, size_t n)
{
    struct et_test_reply_ *y = (struct et_test_reply_ *)(void *)reply;
    const int32_t rc = n > 0 ? et_test_fetch_begin_(reply) : ET_EINVAL;
    (void)r;
    if (rc < 0 || !y->has_head)
        return rc < 0 ? rc : ET_EPHASE;
    if (et_test_m_.piece > 0 && n > et_test_m_.piece)
        n = et_test_m_.piece;
    if (n > y->from->body.n - y->at)
        n = y->from->body.n - y->at;
    if (n > 0)
        memcpy(p, y->from->body.p + y->at, n);
    y->at += n;
    return (int64_t)n;
}

static inline int32_t
et_test_fetch_send_(et_req *r, et_reply *reply, const void *p, size_t n)
{
    struct et_test_reply_ *y = (struct et_test_reply_ *)(void *)reply;
    const int32_t rc = n > 0 ? et_test_fetch_begin_(reply) : ET_EINVAL;
    (void)r;
    if (rc < 0)
        return rc;
    if (!(y->flags & ET_FETCH_STREAM) || y->has_head)
        return ET_EPHASE;
    if (n > y->left)
        return ET_EINVAL;
    y->left -= y->flags & ET_FETCH_LENGTH ? n : 0;
    et_test_fetch_note_((const char *)p, n);
    return 0;
}

static inline int32_t
et_test_fetch_head_(et_req *r, et_reply *reply)
{
    struct et_test_reply_ *y = (struct et_test_reply_ *)(void *)reply;
    const int32_t rc = et_test_fetch_begin_(reply);
    if (rc < 0 || y->has_head)
        return rc;
    if (y->flags & ET_FETCH_LENGTH && y->left > 0)
        return ET_EINVAL;
    return et_test_fetch_take_head_(r, y);
}

static inline void
et_test_fetch_close_(et_req *r, et_reply *reply)
{
    (void)r;
    if (reply)
        ((struct et_test_reply_ *)(void *)reply)->from = NULL;
}

static inline int32_t
et_test_fetch_fetch_(et_req *r, const et_fetch_ask *ask, et_reply **reply)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_reply_ *y;
    int32_t rc = et_test_task_begin_();
    *reply = NULL;
    if (rc == 0)
        rc = et_test_fetch_check_(ask);
    if (rc == 0 && ask->flags & ET_FETCH_STREAM)
        rc = ET_EINVAL;
    if (rc < 0)
        return rc;
    et_test_others_();
    if (m->q.why)
        return m->q.why;
    y = et_test_fetch_ask_(r, ask);
    rc = y ? et_test_fetch_take_(r, y) : ET_ENOMEM;
    if (rc < 0)
        return rc;
    y->from = NULL;
    *reply = &y->pub;
    return 0;
}

static inline int32_t
et_test_fetch_start_(et_req *r, const et_fetch_ask *ask, et_token token,
                     et_reply **reply)
{
    const struct et_test_task_ *task = et_test_m_.running;
    struct et_test_reply_ *y;
    int32_t rc = et_test_begin_wait_();
    *reply = NULL;
    while (task && task->token != token)
        task = task->outer;
    if (rc == 0)
        rc = et_test_fetch_check_(ask);
    if (rc == 0 && (ask->flags & ET_FETCH_STREAM || !token ||
                    (!task && !et_test_wait_of_(token))))
        rc = ET_EINVAL;
    if (rc < 0)
        return rc;
    y = et_test_fetch_ask_(r, ask);
    if (!y)
        return ET_ENOMEM;
    y->pub.rc = et_test_fetch_take_(r, y);
    if (y->pub.rc < 0)
        y->pub.status = 0;
    y->from = NULL;
    *reply = &y->pub;
    return et_test_async_resume_(token, y->pub.rc) < 0 ? ET_EINVAL : 0;
}

/* ---- et.ws/1 -------------------------------------------------------------*/

static inline struct et_test_ws_ *
et_test_ws_of_(et_ws *pub)
{
    struct et_test_ws_ *s = (struct et_test_ws_ *)pub;
    if (!s->is_open)
        et_test_misuse_("a WebSocket that is over");
    return s;
}

static inline struct et_test_ws_ *
et_test_ws_mine_(void)
{
    struct et_test_ *m = &et_test_m_;
    if (!m->stream || !m->stream->is_open)
        et_test_misuse_("no WebSocket is open");
    return m->stream;
}

/* The first protocol of the client's that is one of ask's. */
static inline et_str
et_test_ws_protocol_(const et_ws_ask *ask)
{
    et_str list = et_test_h_header_(NULL, et_s("Sec-WebSocket-Protocol"), 0);
    size_t i;
    while (list.p && ask && ET_HAS(ask, et_ws_ask, n_protocols)) {
        et_str rest;
        const et_str one = et_trim(et_test_cut_(list, ',', &rest));
        for (i = 0; i < ask->n_protocols; i++)
            if (et_eq(ask->protocols[i], one))
                return ask->protocols[i];
        list = rest;
    }
    return et_s(NULL);
}

static inline struct et_test_ws_ *
et_test_ws_new_(const et_ws_calls *calls, const et_ws_ask *ask, void *data)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ *s =
        (struct et_test_ws_ *)et_test_get_(&m->streams, sizeof *s);
    s->pub.ctx.size = (uint32_t)sizeof s->pub;
    s->pub.ctx.kind = ET_K_WS;
    s->pub.ctx.host = &m->host;
    s->pub.worker = &m->worker;
    s->pub.ws = &m->ws;
    s->pub.data = data;
    s->pub.protocol = et_test_ws_protocol_(ask);
    s->calls = calls;
    s->self = et_test_self();
    s->reason = "";
    return s;
}

static inline uint32_t
et_test_ws_refuse_(et_req *r)
{
    const uint32_t status = r->method == ET_M_HEAD ? 426 : 405;
    return r->http->reply(r, status, et_s("text/plain; charset=utf-8"),
                          "a WebSocket begins with GET", 27, ET_R_DRESS);
}

static inline uint32_t
et_test_ws_accept_(et_req *r, const et_ws_calls *calls, const et_ws_ask *ask,
                   void *data)
{
    struct et_test_ *m = &et_test_m_;
    if (!m->q.is_in_step || m->q.where == ET_TEST_RESPONSE_ ||
        m->q.where == ET_TEST_LOG_ || !calls)
        return ET_FAIL;
    if (r->method != ET_M_GET)
        return et_test_ws_refuse_(r);
    m->accepted = et_test_ws_new_(calls, ask, data);
    return ET_TAKE;
}

/* The callback of that name of s, or NULL. */
#define ET_TEST_WS_CALL_(s, name)                                              \
    (ET_HAS((s)->calls, et_ws_calls, name) ? (s)->calls->name : NULL)

/* It is one more, and the test's. */
static inline void
et_test_ws_add_(struct et_test_ws_ *s)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ **at = &m->all;
    while (*at)
        at = &(*at)->next;
    m->stream = *at = s;
    s->is_open = 1;
}

/* What came before it was open comes now. */
static inline void
et_test_ws_catch_up_(void)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_pair_ *p = m->early;
    const uint32_t end = m->early_end;
    m->early = NULL;
    m->early_end = 0;
    for (; p && m->stream->is_open; p = p->next)
        et_test_ws_message(p->level, p->value.p, p->value.n);
    if (end && m->stream->is_open)
        et_test_ws_close(end, m->early_why);
}

static inline void
et_test_ws_open_(void)
{
    struct et_test_ *m = &et_test_m_;
    et_test_ws_add_(m->accepted);
    if (ET_TEST_WS_CALL_(m->stream, open))
        m->stream->calls->open(&m->stream->pub, m->stream->self);
    et_test_ws_catch_up_();
}

/* The end: close is called. */
static inline void
et_test_ws_finish_(struct et_test_ws_ *s, uint32_t code, const char *reason)
{
    et_str copy = et_test_dup_(&et_test_m_.streams, et_s(reason));
    s->is_closing = 1;
    if (ET_TEST_WS_CALL_(s, close))
        s->calls->close(&s->pub, s->self, code, copy);
    s->is_open = 0;
}

static inline void
et_test_ws_shut_(void)
{
    struct et_test_ws_ *s;
    for (s = et_test_m_.all; s; s = s->next)
        if (s->is_open)
            et_test_ws_finish_(s, 1012, "");
}

static inline int
et_test_ws_is_text_(const char *p, size_t n)
{
    while (n > 0) {
        const size_t k = et_utf8_(p, n);
        if (!k)
            return 0;
        p += k;
        n -= k;
    }
    return 1;
}

static inline int32_t
et_test_ws_send_(et_ws *pub, uint32_t type, const void *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ *s = et_test_ws_of_(pub);
    if (s->is_closing)
        return ET_ECANCEL;
    if ((type != ET_WS_TEXT && type != ET_WS_BINARY) ||
        (type == ET_WS_TEXT && !et_test_ws_is_text_((const char *)p, n)))
        return ET_EINVAL;
    if (s->is_full) {
        s->was_refused = 1;
        return ET_ELIMIT;
    }
    et_test_append_(&m->streams, &s->sent, et_s(""),
                    et_sn(n ? (const char *)p : "", n))
        ->level = type;
    return 0;
}

static inline int32_t
et_test_ws_close_(et_ws *pub, uint32_t code, et_str reason)
{
    struct et_test_ws_ *s = et_test_ws_of_(pub);
    if (s->is_closing)
        return ET_ECANCEL;
    if (!((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
          (code >= 3000 && code <= 4999)) ||
        !et_test_ws_is_text_(reason.p, reason.n))
        return ET_EINVAL;
    s->is_closing = 1;
    s->inbox = NULL;
    s->code = code;
    s->reason = et_test_z_(&et_test_m_.streams, reason);
    return 0;
}

static inline et_token
et_test_ws_token_(et_ws *pub)
{
    struct et_test_ws_ *s = et_test_ws_of_(pub);
    if (!s->token)
        s->token = ++et_test_m_.tokens;
    return s->token;
}

static inline int32_t
et_test_ws_post_(et_token t, void (*fn)(et_ws *s, void *arg), void *arg)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ *s = m->all;
    struct et_test_posted_ **at;
    while (s && (!s->is_open || !t || s->token != t))
        s = s->next;
    if (!s)
        return ET_ESTALE;
    if (!fn)
        return ET_EINVAL;
    for (at = &s->posted; *at; at = &(*at)->next)
        continue;
    *at = (struct et_test_posted_ *)et_test_get_(&m->streams, sizeof **at);
    (*at)->fn = fn;
    (*at)->arg = arg;
    return 0;
}

/* ---- channels, of streams and of a state ----------------------------------*/

static inline et_loop *
et_test_async_open_(et_worker *w)
{
    struct et_test_ *m = &et_test_m_;
    if (!m->is_in_init || m->loop.worker)
        return NULL;
    m->loop.ctx.size = (uint32_t)sizeof m->loop;
    m->loop.ctx.kind = ET_K_LOOP;
    m->loop.ctx.host = &m->host;
    m->loop.async = &m->async;
    m->loop.worker = w;
    m->loop.token = ++m->tokens;
    return &m->loop;
}

/* Behind all others. */
static inline struct et_test_due_ *
et_test_due_new_(void *arg)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_due_ **at = &m->dues;
    while (*at)
        at = &(*at)->next;
    *at = (struct et_test_due_ *)et_test_get_(&m->journal, sizeof **at);
    (*at)->arg = arg;
    return *at;
}

static inline et_token
et_test_async_timer_(et_loop *l, uint64_t ms, void (*fn)(et_loop *l, void *arg),
                     void *arg)
{
    struct et_test_due_ *d;
    if (!l || !fn)
        return 0;
    d = et_test_due_new_(arg);
    d->fn = fn;
    d->due_ms = et_test_due_(ms);
    d->token = ++et_test_m_.tokens;
    return d->token;
}

static inline et_token
et_test_async_watch_(et_loop *l, int32_t fd, uint32_t events,
                     void (*fn)(et_loop *l, int32_t fd, uint32_t events,
                                void *arg),
                     void *arg)
{
    struct et_test_due_ *d;
    if (!l || !fn || fd < 0 || !et_test_knows_(events))
        return 0;
    d = et_test_due_new_(arg);
    d->on_ready = fn;
    d->fd = fd;
    d->events = events;
    d->token = ++et_test_m_.tokens;
    return d->token;
}

static inline int32_t
et_test_async_post_(et_token loop, void (*fn)(et_loop *l, void *arg), void *arg)
{
    const et_loop *l = &et_test_m_.loop;
    if (!fn)
        return ET_EINVAL;
    if (!l->worker || l->token != loop)
        return ET_ESTALE;
    et_test_due_new_(arg)->fn = fn;
    return 0;
}

/* The events that d is to be called with, or 1 of what has none; 0: it is not
 * due. */
static inline uint32_t
et_test_due_events_(const struct et_test_due_ *d)
{
    if (d->is_over)
        return 0;
    return d->on_ready ? et_test_ready_of_(d->events)
                       : d->due_ms <= et_test_m_.now_ms;
}

/* What is called next; NULL: nothing is due, up to last. */
static inline struct et_test_due_ *
et_test_due_next_(const struct et_test_due_ *last)
{
    struct et_test_due_ *d, *next = NULL;
    for (d = et_test_m_.dues; d; d = d == last ? NULL : d->next)
        if (et_test_due_events_(d) && (!next || d->due_ms < next->due_ms))
            next = d;
    return next;
}

static inline void
et_test_due_call_(struct et_test_due_ *d)
{
    const uint32_t events = et_test_due_events_(d);
    d->is_over = 1;
    if (d->on_ready)
        d->on_ready(&et_test_m_.loop, d->fd, events, d->arg);
    else
        d->fn(&et_test_m_.loop, d->arg);
}

static inline int32_t
et_test_async_cancel_(et_loop *l, et_token t)
{
    struct et_test_ear_ *e;
    struct et_test_due_ *d;
    (void)l;
    for (e = et_test_m_.ears; e; e = e->next)
        if (t && e->token == t && !e->is_over) {
            e->is_over = 1;
            return 0;
        }
    for (d = et_test_m_.dues; d; d = d->next)
        if (t && d->token == t && !d->is_over) {
            d->is_over = 1;
            return 0;
        }
    return ET_ESTALE;
}

/* Behind all others; NULL: no such name, or trouble. */
static inline struct et_test_ear_ *
et_test_ear_new_(et_str channel)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ear_ **at = &m->ears;
    if (!et_test_channel_is_name_(channel) || m->fail_channel)
        return NULL;
    while (*at)
        at = &(*at)->next;
    *at = (struct et_test_ear_ *)et_test_get_(&m->journal, sizeof **at);
    (*at)->channel = et_test_dup_(&m->journal, channel);
    return *at;
}

static inline et_token
et_test_channel_listen_(et_loop *l, et_str channel,
                        void (*fn)(et_loop *l, void *arg, et_str channel,
                                   et_str message),
                        void *arg)
{
    struct et_test_ear_ *e = fn && l ? et_test_ear_new_(channel) : NULL;
    if (!e)
        return 0;
    e->fn = fn;
    e->arg = arg;
    e->token = ++et_test_m_.tokens;
    return e->token;
}

static inline struct et_test_ear_ *
et_test_ear_of_(const struct et_test_ws_ *s, et_str channel)
{
    struct et_test_ear_ *e = et_test_m_.ears;
    while (e && (e->stream != s || e->is_over || !et_eq(e->channel, channel)))
        e = e->next;
    return e;
}

static inline int32_t
et_test_channel_subscribe_ws_(et_ws *pub, et_str channel, uint32_t type,
                              uint32_t max_queue, uint32_t policy)
{
    struct et_test_ws_ *s = et_test_ws_of_(pub);
    struct et_test_ear_ *e;
    if ((type != ET_WS_TEXT && type != ET_WS_BINARY) ||
        policy > ET_CH_DROP_SELF || !et_test_channel_is_name_(channel))
        return ET_EINVAL;
    if (s->is_closing)
        return ET_ECANCEL;
    e = et_test_ear_of_(s, channel);
    if (!e)
        e = et_test_ear_new_(channel);
    if (!e)
        return et_test_m_.fail_channel;
    e->stream = s;
    e->type = type;
    e->max = max_queue ? max_queue : ET_CH_QUEUE;
    e->policy = policy;
    return 0;
}

static inline void
et_test_channel_unsubscribe_ws_(et_ws *pub, et_str channel)
{
    struct et_test_ear_ *e = et_test_ear_of_(et_test_ws_of_(pub), channel);
    if (e)
        e->is_over = 1;
}

static inline void
et_test_ear_send_(const struct et_test_ear_ *e, et_str message)
{
    et_test_append_(&et_test_m_.streams, &e->stream->sent, et_s(""), message)
        ->level = e->type;
}

/* The client is slow. */
static inline void
et_test_ear_keep_(struct et_test_ear_ *e, et_str message)
{
    if (e->n == e->max && e->policy == ET_CH_DROP_SELF) {
        e->is_over = 1;
        e->stream->is_closing = 1;
        e->stream->code = 1008;
        return;
    }
    et_test_append_(&et_test_m_.journal, &e->waiting, et_s(""), message);
    if (e->n == e->max)
        e->waiting = e->waiting->next;
    else
        e->n++;
}

static inline void
et_test_ear_tell_(struct et_test_ear_ *e, et_str channel, et_str message)
{
    const struct et_test_ws_ *s = e->stream;
    if (!s)
        e->fn(&et_test_m_.loop, e->arg, channel, message);
    else if (!s->is_open || s->is_closing)
        e->is_over = 1;
    else if (e->type == ET_WS_TEXT &&
             !et_test_ws_is_text_(message.p, message.n))
        return;
    else if (s->is_full)
        et_test_ear_keep_(e, message);
    else
        et_test_ear_send_(e, message);
}

/* All that was published is told; who listens may publish. */
static inline void
et_test_ears_turn_(void)
{
    struct et_test_ *m = &et_test_m_;
    while (m->untold) {
        const struct et_test_pair_ *p = m->untold;
        struct et_test_ear_ *e;
        m->untold = p->next;
        for (e = m->ears; e; e = e->next)
            if (!e->is_over && et_eq(e->channel, p->name))
                et_test_ear_tell_(e, p->name, p->value);
    }
}

/* s is not full any more. */
static inline void
et_test_ears_room_(const struct et_test_ws_ *s)
{
    struct et_test_ear_ *e;
    for (e = et_test_m_.ears; e; e = e->next) {
        if (e->stream != s || e->is_over || s->is_closing)
            continue;
        for (; e->waiting; e->waiting = e->waiting->next)
            et_test_ear_send_(e, e->waiting->value);
        e->n = 0;
    }
}

/* The state has ended, and so have all streams. */
static inline void
et_test_ears_end_(void)
{
    et_test_m_.ears = NULL;
    et_test_m_.untold = NULL;
    et_test_m_.loop.worker = NULL;
    et_test_m_.dues = NULL;
}

/* ---- of a task -----------------------------------------------------------*/

static inline uint32_t
et_test_ws_task_(et_req *r, const et_ws_ask *ask, et_ws **out)
{
    static const et_ws_calls none = {
        sizeof(et_ws_calls), 0, NULL, NULL, NULL, NULL, NULL};
    struct et_test_ *m = &et_test_m_;
    const int32_t rc = et_test_task_refuses_();
    struct et_test_ws_ *s;
    *out = NULL;
    if (rc == ET_EPHASE)
        return et_fail(r, "et_ws_open waits: it is for tasks");
    if (rc < 0)
        return et_error(r, rc == ET_ETIME ? 504 : 503, "too late");
    if (m->q.is_committed || m->q.is_refused || et_test_fails_(1))
        return ET_FAIL;
    if (r->method != ET_M_GET)
        return et_test_ws_refuse_(r);
    if (et_test_task_waits_() < 0)
        return ET_FAIL;
    s = et_test_ws_new_(&none, ask, NULL);
    et_test_clear_();
    m->q.is_decided = m->q.is_written = 1;
    m->q.left = ET_ANY_LENGTH;
    r->status = 101;
    if (!et_test_open_answer_()) {
        m->q.is_refused = 1;
        m->q.why = ET_ECANCEL;
        return ET_FAIL;
    }
    et_test_commit_();
    s->is_task = 1;
    et_test_ws_add_(s);
    m->q.ws = s;
    et_test_ws_catch_up_();
    *out = &s->pub;
    return 0;
}

/* Its step has returned that. */
static inline void
et_test_ws_over_(uint32_t result)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ *s = m->q.ws;
    m->q.ws = NULL;
    if (!s)
        return;
    if (!s->is_closing && m->q.why != ET_ECANCEL)
        s->code = result != ET_DONE || m->q.is_poisoned ? 1011
                  : m->q.is_retiring                    ? 1012
                                                        : 1000;
    et_test_drop_(&s->given);
    s->is_open = 0;
}

/* The end of it, if there is one: 1, below 0, or 0. */
static inline int32_t
et_test_ws_end_(struct et_test_ws_ *s, et_ws_message *message)
{
    const uint32_t code = s->end ? s->end : s->code;
    if (!code)
        return 0;
    if (code == 1006)
        return et_test_m_.q.why = ET_ECANCEL;
    s->is_closing = 1;
    message->type = 0;
    message->code = code;
    message->text = s->why.p ? s->why : et_s("");
    return 1;
}

static inline int32_t
et_test_ws_recv_(et_req *r, et_ws *pub, uint64_t timeout_ms,
                 et_ws_message *message)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ *s = et_test_ws_of_(pub);
    const uint64_t due_ms = et_test_due_(timeout_ms);
    int32_t rc = et_test_task_begin_();
    if (s != m->q.ws || r != &m->q.req || !ET_HAS(message, et_ws_message, code))
        return ET_EINVAL;
    if (rc == ET_EPHASE)
        return rc;
    et_test_drop_(&s->given);
    if (rc < 0)
        return s->end && s->is_closing ? et_test_ws_end_(s, message) : rc;
    if (!s->inbox && !s->end)
        et_test_others_();
    if (m->q.why)
        return m->q.why;
    if (s->inbox) {
        message->type = s->inbox->level;
        message->code = 0;
        message->text = et_test_dup_(&s->given, s->inbox->value);
        s->inbox = s->inbox->next;
        return 0;
    }
    rc = et_test_ws_end_(s, message);
    if (rc != 0)
        return rc;
    rc = et_test_task_pass_(due_ms);
    return rc < 0 ? rc : ET_ETIME;
}

static inline int32_t
et_test_ws_put_(et_req *r, et_ws *pub, uint32_t type, const void *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ *s = et_test_ws_of_(pub);
    int32_t rc = et_test_task_refuses_();
    if (s != m->q.ws || r != &m->q.req)
        return ET_EINVAL;
    if (rc == 0 || (rc == ET_ERETIRE && m->running && !m->running->is_ending))
        rc = et_test_task_waits_();
    if (rc == 0)
        rc = et_test_ws_send_(pub, type, p, n);
    if (rc != ET_ELIMIT || !s->is_full)
        return rc;
    et_test_others_();
    s->was_refused = 0;
    if (s->is_full && !m->q.why)
        m->q.why = ET_ECANCEL; /* for ever */
    return m->q.why ? m->q.why : et_test_ws_send_(pub, type, p, n);
}

/* ---- interfaces ----------------------------------------------------------*/

static inline const void *
et_test_iface_(const et_host *h, const char *id, uint32_t min_size)
{
    struct et_test_ *m = &et_test_m_;
    (void)h;
    if (m->hidden && strcmp(id, m->hidden) == 0)
        return NULL;
    if (strcmp(id, ET_IF_HTTP) == 0 && min_size <= sizeof m->http)
        return &m->http;
    if (strcmp(id, ET_IF_LOG) == 0 && min_size <= sizeof m->log)
        return &m->log;
    if (strcmp(id, ET_IF_METRICS) == 0 && min_size <= sizeof m->metrics)
        return &m->metrics;
    if (strcmp(id, ET_IF_STORE) == 0 && min_size <= sizeof m->store)
        return &m->store;
    if (strcmp(id, ET_IF_ASYNC) == 0 && min_size <= sizeof m->async)
        return &m->async;
    if (strcmp(id, ET_IF_TASK) == 0 && min_size <= sizeof m->task)
        return &m->task;
    if (strcmp(id, ET_IF_CHANNEL) == 0 && min_size <= sizeof m->channel)
        return &m->channel;
    if (strcmp(id, ET_IF_FETCH) == 0 && min_size <= sizeof m->fetch)
        return &m->fetch;
    if (strcmp(id, ET_IF_WS) == 0 && min_size <= sizeof m->ws)
        return &m->ws;
    return NULL;
}

/* The tables, on first use. */
static inline struct et_test_ *
et_test_mock_(void)
{
    struct et_test_ *m = &et_test_m_;
    et_http *h = &m->http;
    if (m->is_ready)
        return m;
    m->is_ready = 1;
    h->size = (uint32_t)sizeof *h;
    h->header = et_test_h_header_;
    h->header_at = et_test_h_header_at_;
    h->param = et_test_h_param_;
    h->query = et_test_h_query_;
    h->form = et_test_h_form_;
    h->cookie = et_test_h_cookie_;
    h->body = et_test_h_body_;
    h->text = et_test_h_text_;
    h->number = et_test_h_number_;
    h->alloc = et_test_h_alloc_;
    h->reserve = et_test_h_reserve_;
    h->commit = et_test_h_commit_;
    h->set = et_test_h_set_;
    h->get = et_test_h_get_;
    h->reply = et_test_h_reply_;
    h->reply_ref = et_test_h_reply_ref_;
    h->reply_file = et_test_h_reply_file_;
    h->fail = et_test_h_fail_;
    h->panic = et_test_h_panic_;
    h->trailer = et_test_h_trailer_;
    h->filter = et_test_h_filter_;
    h->watch = et_test_h_watch_;
    h->answer_field = et_test_h_answer_field_;
    h->emit = et_test_h_emit_;
    h->reply_pieces = et_test_h_reply_pieces_;
    h->add = et_test_h_add_;
    h->answer_body = et_test_h_answer_body_;
    h->repeat = et_test_h_repeat_;
    m->log.size = (uint32_t)sizeof m->log;
    m->log.open = et_test_log_open_;
    m->log.write = et_test_log_write_;
    m->metrics.size = (uint32_t)sizeof m->metrics;
    m->metrics.add = et_test_metrics_add_;
    m->metrics.set = et_test_metrics_set_;
    m->metrics.observe = et_test_metrics_observe_;
    m->store.size = (uint32_t)sizeof m->store;
    m->store.open = et_test_store_open_;
    m->store.add = et_test_store_add_;
    m->store.total = et_test_store_total_;
    m->store.put = et_test_store_put_;
    m->store.get = et_test_store_get_;
    m->store.del = et_test_store_del_;
    m->store.cell = et_test_store_cell_;
    m->store.swap = et_test_store_swap_;
    m->async.size = (uint32_t)sizeof m->async;
    m->async.suspend = et_test_async_suspend_;
    m->async.resume = et_test_async_resume_;
    m->async.offload = et_test_async_offload_;
    m->async.open = et_test_async_open_;
    m->async.timer = et_test_async_timer_;
    m->async.watch = et_test_async_watch_;
    m->async.cancel = et_test_async_cancel_;
    m->async.post = et_test_async_post_;
    m->task.size = (uint32_t)sizeof m->task;
    m->task.sleep = et_test_task_sleep_;
    m->task.wait_fd = et_test_task_wait_fd_;
    m->task.offload = et_test_task_offload_;
    m->task.arm = et_test_task_arm_;
    m->task.await = et_test_task_await_;
    m->task.join = et_test_task_join_;
    m->task.timeout = et_test_task_timeout_;
    m->task.defer = et_test_task_defer_;
    m->task.read_body = et_test_task_read_body_;
    m->channel.size = (uint32_t)sizeof m->channel;
    m->channel.publish = et_test_channel_publish_;
    m->channel.subscribe = et_test_channel_subscribe_;
    m->channel.next = et_test_channel_next_;
    m->channel.unsubscribe = et_test_channel_unsubscribe_;
    m->channel.dropped = et_test_channel_dropped_;
    m->channel.listen = et_test_channel_listen_;
    m->channel.subscribe_ws = et_test_channel_subscribe_ws_;
    m->channel.unsubscribe_ws = et_test_channel_unsubscribe_ws_;
    m->task.begin = et_test_task_begin_answer_;
    m->task.write = et_test_task_write_;
    m->task.flush = et_test_task_flush_;
    m->task.trailer = et_test_task_trailer_;
    m->fetch.size = (uint32_t)sizeof m->fetch;
    m->fetch.open = et_test_fetch_open_;
    m->fetch.read = et_test_fetch_read_;
    m->fetch.send = et_test_fetch_send_;
    m->fetch.head = et_test_fetch_head_;
    m->fetch.close = et_test_fetch_close_;
    m->fetch.fetch = et_test_fetch_fetch_;
    m->fetch.start = et_test_fetch_start_;
    m->ws.size = (uint32_t)sizeof m->ws;
    m->ws.accept = et_test_ws_accept_;
    m->ws.send = et_test_ws_send_;
    m->ws.close = et_test_ws_close_;
    m->ws.token = et_test_ws_token_;
    m->ws.post = et_test_ws_post_;
    m->ws.open = et_test_ws_task_;
    m->ws.recv = et_test_ws_recv_;
    m->ws.put = et_test_ws_put_;
    m->now_ms = 1;
    m->ready = ET_FD_IN | ET_FD_OUT;
    m->host.size = (uint32_t)sizeof m->host;
    m->host.major = ET_ABI_MAJOR;
    m->host.minor = ET_ABI_MINOR;
    m->host.log_level = ET_L_DEBUG;
    m->host.product = "etude_test.h";
    m->host.iface = et_test_iface_;
    m->host.log = et_test_record_;
    m->worker.ctx.size = (uint32_t)sizeof m->worker;
    m->worker.ctx.kind = ET_K_WORKER;
    m->worker.ctx.host = &m->host;
    m->worker.n_workers = 1;
    m->worker.metrics = &m->metrics;
    m->worker.async = &m->async;
    m->worker.task = &m->task;
    m->worker.fetch = &m->fetch;
    m->worker.ws = &m->ws;
    m->conf.ctx.size = (uint32_t)sizeof m->conf;
    m->conf.ctx.kind = ET_K_CONF;
    m->conf.ctx.host = &m->host;
    m->conf.instance = et_s("test");
    m->conf.n_workers = 1;
    return m;
}

/* ---- items ---------------------------------------------------------------*/

/* The nth item of that kind, or NULL. */
static inline const void *
et_test_item_(uint32_t kind, size_t nth)
{
    const et_plugin *plugin = et_plugins_v1[0];
    const void *const *at;
    for (at = plugin->items; at < plugin->items_end; at++)
        if (((const et_item *)*at)->kind == kind && nth-- == 0)
            return *at;
    return NULL;
}

static inline int32_t
et_test_refuse_(const char *what, const char *more)
{
    struct et_test_ *m = et_test_mock_();
    snprintf(m->why, sizeof m->why, "%s%s", what, more);
    return ET_EINVAL;
}

static inline int32_t
et_test_check_metric_(const et_metricdef *def)
{
    static const char *const taken[] = {"_total", "_count", "_sum", "_bucket"};
    const size_t n = strlen(def->name);
    uint32_t k;
    for (k = 0; k < 4; k++)
        if (n >= strlen(taken[k]) &&
            strcmp(def->name + n - strlen(taken[k]), taken[k]) == 0)
            return et_test_refuse_("an ending the server adds: ", def->name);
    if (def->kind == ET_METRIC_HISTOGRAM &&
        (def->n_bounds < 1 || def->n_bounds > 64))
        return et_test_refuse_("not 1 to 64 bounds: ", def->name);
    for (k = 1; k < def->n_bounds; k++)
        if (def->bounds[k] <= def->bounds[k - 1])
            return et_test_refuse_("bounds do not ascend: ", def->name);
    return 0;
}

/* A figure for each metric, once: they outlive a reload. */
static inline void
et_test_make_figures_(void)
{
    struct et_test_ *m = et_test_mock_();
    const et_metricdef *def;
    uint32_t n = 0;
    if (m->figures)
        return;
    while (et_test_item_(ET_I_METRIC, n))
        n++;
    m->figures = (struct et_test_figure_ *)et_test_get_(&m->journal,
                                                        n * sizeof *m->figures);
    for (m->n_figures = 0; m->n_figures < n; m->n_figures++) {
        def = (const et_metricdef *)et_test_item_(ET_I_METRIC, m->n_figures);
        m->figures[m->n_figures].def = def;
        *def->handle = m->n_figures + 1;
    }
}

/* A stream that no task reads. */
static inline int
et_test_is_odd_(uint32_t flags)
{
    return flags & ET_B_STREAM && !(flags & ET_F_TASK);
}

static inline int32_t
et_test_check_items_(void)
{
    static const char *const once[] = {NULL,      NULL,   "REQUEST", "RESPONSE",
                                       "HANDLER", "LOG",  "OPTIONS", "INSTANCE",
                                       "STATE",   "IMAGE"};
    static const char odd_flags[] = "flags that are refused: ";
    const uint32_t may = ET_B_BUFFER | ET_B_STREAM | ET_F_TASK;
    const et_metricdef *metric;
    const et_bodydef *body;
    const et_stepdef *step;
    const et_needdef *need;
    const et_route *route;
    uint32_t kind;
    size_t i;
    for (kind = ET_I_REQUEST; kind <= ET_I_IMAGE; kind++)
        if (et_test_item_(kind, 1))
            return et_test_refuse_("declared twice: ET_", once[kind]);
    if (et_test_item_(ET_I_BODY, 1))
        return et_test_refuse_("declared twice: ET_", "BODY");
    body = (const et_bodydef *)et_test_item_(ET_I_BODY, 0);
    if (body && body->flags)
        return et_test_refuse_(odd_flags, body->name);
    if (body && !et_test_item_(ET_I_RESPONSE, 0))
        return et_test_refuse_("no response step can ask for it: ", body->name);
    for (kind = ET_I_REQUEST; kind <= ET_I_LOG; kind++) {
        const int may_wait = kind != ET_I_RESPONSE && kind != ET_I_LOG;
        step = (const et_stepdef *)et_test_item_(kind, 0);
        if (step && (step->flags & ~(may_wait ? may : ET_B_BUFFER) ||
                     et_test_is_odd_(step->flags)))
            return et_test_refuse_(odd_flags, step->name);
    }
    for (i = 0; (route = (const et_route *)et_test_item_(ET_I_ROUTE, i)); i++)
        if (route->flags & ~may || et_test_is_odd_(route->flags))
            return et_test_refuse_(odd_flags, route->name);
    for (i = 0; (need = (const et_needdef *)et_test_item_(ET_I_NEED, i)); i++)
        if (!et_test_iface_(NULL, need->id, need->min_size))
            return et_test_refuse_("needs interface ", need->id);
    for (i = 0; (metric = (const et_metricdef *)et_test_item_(ET_I_METRIC, i));
         i++)
        if (et_test_check_metric_(metric) < 0)
            return ET_EINVAL;
    return 0;
}

/* ---- options -------------------------------------------------------------*/

struct et_test_unit_ {
    const char *name;
    int64_t factor;
};

/* "64k" by the units, which end in {NULL, 0}; "" is a unit too. */
static inline int
et_test_scaled_(et_str s, const struct et_test_unit_ *u, int64_t *out)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    if (et_to_int(et_sn(s.p, digits), 0, INT64_MAX, out) < 0)
        return 0;
    for (; u->name; u++)
        if (et_eq(et_sn(s.p + digits, s.n - digits), et_s(u->name)) &&
            *out <= INT64_MAX / u->factor) {
            *out *= u->factor;
            return 1;
        }
    return 0;
}

static inline int
et_test_bool_(et_str s, int64_t *out)
{
    static const char *const words[] = {"no",    "yes",  "off", "on",
                                        "false", "true", "0",   "1"};
    int i;
    for (i = 0; i < 8; i++)
        if (et_eq(s, et_s(words[i]))) {
            *out = i & 1;
            return 1;
        }
    return 0;
}

static inline int
et_test_choice_(et_str s, const char *choices, int64_t *out)
{
    et_str rest = et_s(choices);
    int64_t i = 0;
    for (; rest.p; i++)
        if (et_eq(et_test_cut_(rest, '|', &rest), s)) {
            *out = i;
            return 1;
        }
    return 0;
}

static inline int
et_test_rate_(et_str s, et_rate *out)
{
    static const struct et_test_unit_ per[] = {
        {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
    et_str unit;
    const et_str count = et_test_cut_(s, '/', &unit);
    const struct et_test_unit_ *u = per;
    if (!unit.p || et_to_int(count, 0, INT64_MAX, &out->count) < 0)
        return 0;
    while (u->name && !et_eq(unit, et_s(u->name)))
        u++;
    out->per_ms = u->factor;
    return u->name != NULL;
}

static inline int
et_test_is_field_(et_str s)
{
    const et_field f = et_to_field(s);
    return f.name.p == s.p && et_is_token(f.name) && s.p[f.name.n] == ':' &&
           et_is_value(f.value);
}

static inline void
et_test_list_add_(et_list *list, et_str s)
{
    et_str *v =
        (et_str *)et_test_get_(&et_test_m_.open, (list->n + 1) * sizeof *v);
    if (list->n)
        memcpy(v, list->v, list->n * sizeof *v);
    v[list->n] = s;
    list->v = v;
    list->n++;
}

/* A relative path starts in /test, as if the ini stood there; an empty one
 * stays empty. */
static inline et_str
et_test_path_(et_str s)
{
    const char *dir = !s.n || s.p[0] == '/' ? "" : "/test/";
    const size_t n = strlen(dir) + s.n;
    char *p = (char *)et_test_get_(&et_test_m_.open, n + 1);
    snprintf(p, n + 1, "%s%.*s", dir, ET_STR(s));
    return et_sn(p, n);
}

/* Value s of option o into its field; 1, or 0 if it is none. */
static inline int
et_test_parse_(const et_opt *o, et_str s, void *field)
{
    static const struct et_test_unit_ sizes[] = {
        {"", 1},        {"k", 1 << 10},   {"K", 1 << 10},   {"KiB", 1 << 10},
        {"m", 1 << 20}, {"M", 1 << 20},   {"MiB", 1 << 20}, {"g", 1 << 30},
        {"G", 1 << 30}, {"GiB", 1 << 30}, {NULL, 0}};
    static const struct et_test_unit_ times[] = {
        {"ms", 1},      {"s", 1000},     {"m", 60000},
        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    int64_t *x = (int64_t *)field;
    s = et_test_dup_(&et_test_m_.open, s);
    switch (o->type) {
    case ET_O_STR: *(et_str *)field = s; return 1;
    case ET_O_INT: return et_to_int(s, INT64_MIN, INT64_MAX, x) == 0;
    case ET_O_BOOL: return et_test_bool_(s, x);
    case ET_O_SIZE: return et_test_scaled_(s, sizes, x);
    case ET_O_TIME: return et_test_scaled_(s, times, x) || et_eq(s, et_s("0"));
    case ET_O_PATH: *(et_str *)field = et_test_path_(s); return 1;
    case ET_O_RATE: return et_test_rate_(s, (et_rate *)field);
    case ET_O_CHOICE: return et_test_choice_(s, o->choices, x);
    case ET_O_HEADER:
        *(et_field *)field = et_to_field(s);
        return et_test_is_field_(s);
    case ET_O_LIST: et_test_list_add_((et_list *)field, s); return 1;
    case ET_O_HEADERS:
        et_test_list_add_((et_list *)field, s);
        return et_test_is_field_(s);
    default: return 0;
    }
}

static inline int
et_test_in_range_(const et_opt *o, const void *field)
{
    int64_t x;
    if (!o->min && !o->max)
        return 1;
    if (o->type == ET_O_RATE)
        x = ((const et_rate *)field)->count;
    else if (o->type >= ET_O_INT && o->type <= ET_O_TIME)
        x = *(const int64_t *)field;
    else
        return 1;
    return x >= o->min && x <= o->max;
}

static inline int32_t
et_test_fill_one_(const et_opt *o, char *object)
{
    struct et_test_ *m = et_test_mock_();
    const struct et_test_pair_ *p = m->options;
    const int repeats = o->type == ET_O_LIST || o->type == ET_O_HEADERS;
    const uint32_t may =
        ET_O_REQUIRED | ET_O_SECRET | ET_O_TREE | ET_O_WRITE;
    int is_given = 0;
    if (o->flags & ~may)
        return et_test_refuse_("flags that are refused: ", o->key);
    for (; p; p = p->next) {
        if (!et_eq(p->name, et_s(o->key)))
            continue;
        if (is_given && !repeats)
            return et_test_refuse_("given twice: option ", o->key);
        is_given = 1;
        if (repeats && !p->value.n)
            continue;
        if (!et_test_parse_(o, p->value, object + o->off) ||
            !et_test_in_range_(o, object + o->off))
            return et_test_refuse_("bad value of option ", o->key);
    }
    if (is_given)
        return 0;
    if (o->flags & ET_O_REQUIRED)
        return et_test_refuse_("required option is missing: ", o->key);
    if (o->dflt && (!et_test_parse_(o, et_s(o->dflt), object + o->off) ||
                    !et_test_in_range_(o, object + o->off)))
        return et_test_refuse_("bad default of option ", o->key);
    return 0;
}

static inline const et_opt *
et_test_row_(const et_optdef *def, uint32_t i)
{
    return (const et_opt *)((const char *)def->v + (size_t)i * def->v->size);
}

static inline int32_t
et_test_known_options_(const et_optdef *def)
{
    const struct et_test_pair_ *p = et_test_mock_()->options;
    for (; p; p = p->next) {
        uint32_t i = 0, n = def ? def->n : 0;
        while (i < n && !et_eq(p->name, et_s(et_test_row_(def, i)->key)))
            i++;
        if (i == n)
            return et_test_refuse_("unknown option ",
                                   et_test_z_(&et_test_m_.open, p->name));
    }
    return 0;
}

static inline int32_t
et_test_fill_(const et_optdef *def)
{
    struct et_test_ *m = et_test_mock_();
    et_err e = {m->why, sizeof m->why - 1, 0};
    int32_t rc = et_test_known_options_(def);
    uint32_t i;
    if (rc < 0 || !def)
        return rc;
    m->conf_object = et_test_get_(&m->open, def->conf_size);
    for (i = 0; i < def->n && rc == 0; i++)
        rc = et_test_fill_one_(et_test_row_(def, i), (char *)m->conf_object);
    if (rc == 0 && def->check && (rc = def->check(m->conf_object, &e)) < 0)
        m->why[e.n] = 0;
    return rc;
}

/* ---- life ----------------------------------------------------------------*/

/* A request that waits ends here, and so do those aside. */
static inline void et_test_give_up_(void);

static inline void
et_test_option(const char *key, const char *value)
{
    struct et_test_ *m = et_test_mock_();
    et_test_append_(&m->kept, &m->options, et_s(key), et_s(value));
}

static inline const char *
et_test_why(void)
{
    return et_test_m_.why;
}

static inline void *
et_test_self(void)
{
    const struct et_test_ *m = &et_test_m_;
    return m->state ? m->state : m->inst ? m->inst : m->conf_object;
}

static inline int32_t
et_test_open_inst_(void)
{
    struct et_test_ *m = et_test_mock_();
    const et_instancedef *def =
        (const et_instancedef *)et_test_item_(ET_I_INSTANCE, 0);
    et_err e = {m->why, sizeof m->why - 1, 0};
    void *inst;
    int32_t rc = 0;
    if (!def)
        return 0;
    inst = et_test_get_(&m->open, def->inst_size);
    if (def->open && (rc = def->open(&m->conf, m->conf_object, inst, &e)) < 0)
        m->why[e.n] = 0;
    else
        m->inst = inst;
    return rc;
}

static inline int32_t
et_test_init_state_(void)
{
    struct et_test_ *m = et_test_mock_();
    const et_statedef *def = (const et_statedef *)et_test_item_(ET_I_STATE, 0);
    const void *from = m->inst ? m->inst : m->conf_object;
    et_err e = {m->why, sizeof m->why - 1, 0};
    void *state;
    int32_t rc = 0;
    if (!def)
        return 0;
    state = et_test_get_(&m->open, def->state_size);
    m->is_in_init = 1;
    if (def->init && (rc = def->init(&m->worker, from, state, &e)) < 0)
        m->why[e.n] = 0;
    else
        m->state = state;
    m->is_in_init = 0;
    return rc;
}

static inline int32_t
et_test_load_(void)
{
    struct et_test_ *m = et_test_mock_();
    const et_imagedef *def = (const et_imagedef *)et_test_item_(ET_I_IMAGE, 0);
    et_err e = {m->why, sizeof m->why - 1, 0};
    int32_t rc = 0;
    if (m->is_loaded)
        return 0;
    et_test_make_figures_();
    if (def && def->load && (rc = def->load(&m->host, &e)) < 0)
        m->why[e.n] = 0;
    m->is_loaded = rc == 0;
    return rc;
}

/* Undo what et_test_open did, except load. */
static inline void
et_test_shut_(void)
{
    struct et_test_ *m = et_test_mock_();
    const et_instancedef *inst =
        (const et_instancedef *)et_test_item_(ET_I_INSTANCE, 0);
    const et_statedef *state =
        (const et_statedef *)et_test_item_(ET_I_STATE, 0);
    struct et_test_store_ *s;
    et_test_ws_shut_();
    et_test_ears_end_();
    if (m->state && state->exit)
        state->exit(&m->worker, m->state);
    et_test_take_back_();
    for (s = m->stores; s; s = s->next)
        s->is_open = 0;
    if (m->inst && inst->close)
        inst->close(m->inst);
    m->state = m->inst = m->conf_object = NULL;
    m->is_open = 0;
    et_test_drop_(&m->open);
}

static inline void
et_test_unload_(void)
{
    const et_imagedef *def = (const et_imagedef *)et_test_item_(ET_I_IMAGE, 0);
    if (et_test_m_.is_loaded && def && def->unload)
        def->unload();
    et_test_m_.is_loaded = 0;
}

static inline int32_t
et_test_open(void)
{
    struct et_test_ *m = et_test_mock_();
    int32_t rc;
    m->why[0] = 0;
    rc = et_test_check_items_();
    if (rc == 0)
        rc = et_test_load_();
    if (rc == 0)
        rc = et_test_fill_((const et_optdef *)et_test_item_(ET_I_OPTIONS, 0));
    if (rc == 0)
        rc = et_test_open_inst_();
    if (rc == 0)
        rc = et_test_init_state_();
    if (rc < 0) {
        et_test_shut_();
        et_test_unload_();
    }
    m->is_open = rc == 0;
    return rc;
}

static inline void
et_test_forget_options_(void)
{
    et_test_m_.options = NULL;
    et_test_drop_(&et_test_m_.kept);
}

struct et_test_bytes_ {
    char *p;
    size_t n;
};

static inline int32_t
et_test_put_(void *out, const void *p, size_t n)
{
    struct et_test_bytes_ *b = (struct et_test_bytes_ *)out;
    char *grown = (char *)realloc(b->p, b->n + n + 1);
    if (!grown)
        return ET_ENOMEM;
    if (n)
        memcpy(grown + b->n, p, n);
    b->p = grown;
    b->n += n;
    grown[b->n] = 0;
    return 0;
}

static inline int32_t
et_test_reload(const char *options)
{
    struct et_test_ *m = et_test_mock_();
    const et_statedef *def = (const et_statedef *)et_test_item_(ET_I_STATE, 0);
    struct et_test_bytes_ saved = {NULL, 0};
    et_err e = {m->why, sizeof m->why - 1, 0};
    et_str rest = et_s(*options ? options : NULL);
    const int is_handed_over = m->state && def->save && def->load;
    int32_t rc = 0;
    int i;
    et_test_give_up_();
    if (is_handed_over)
        rc = def->save(&m->worker, m->state, &saved, et_test_put_);
    et_test_shut_();
    et_test_forget_options_();
    while (rest.p) {
        et_str value;
        const et_str line = et_test_cut_(rest, '\n', &rest);
        const et_str key = et_test_cut_(line, '=', &value);
        et_test_append_(&m->kept, &m->options, key, value);
    }
    if (rc == 0)
        rc = et_test_open();
    for (i = 0; i < 2 && rc == 0 && is_handed_over; i++) {
        e.n = 0;
        rc = def->load(&m->worker, m->state, def->version,
                       saved.p ? saved.p : "", saved.n, &e);
        if (rc < 0)
            m->why[e.n] = 0;
    }
    free(saved.p);
    return rc;
}

/* ---- requests ------------------------------------------------------------*/

static inline void
et_test_free_request_(void)
{
    struct et_test_ *m = &et_test_m_;
    if (m->q.release)
        m->q.release(m->q.release_arg);
    m->q.release = NULL;
    free(m->q.reserved);
    m->q.reserved = NULL;
    m->q.fields = m->q.params = m->q.behind = NULL;
    et_test_drop_(&m->q.shown);
    et_test_drop_(&m->q.request);
}

static inline void
et_test_drop_request_(void)
{
    struct et_test_ *m = &et_test_m_;
    if (m->q.is_in_step)
        et_test_misuse_("another request within a step");
    et_test_free_request_();
    et_test_drop_(&m->q.result);
    memset(&m->q, 0, sizeof m->q);
}

/* The test's request is one of those aside, and none of the test's. */
static inline void
et_test_put_aside_(void)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_aside_ *a =
        (struct et_test_aside_ *)et_test_get_(&m->journal, sizeof *a);
    a->q = m->q;
    a->next = m->aside;
    m->aside = a;
    memset(&m->q, 0, sizeof m->q);
}

/* The request of that wait is the test's. */
static inline void
et_test_bring_(const struct et_test_wait_ *w)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_aside_ **at = &m->aside, *a;
    if (w == &m->q.wait)
        return;
    if (m->q.wait.token)
        et_test_put_aside_();
    et_test_drop_request_();
    while (&(*at)->q.wait != w)
        at = &(*at)->next;
    a = *at;
    *at = a->next;
    m->q = a->q;
}

static inline void
et_test_end(void)
{
    struct et_test_ *m = et_test_mock_();
    et_test_give_up_();
    et_test_free_request_();
    et_test_drop_(&m->q.result);
    et_test_shut_();
    et_test_unload_();
    et_test_forget_options_();
    et_test_drop_(&m->journal);
    et_test_drop_(&m->streams);
    memset(m, 0, sizeof *m);
}

static inline uint32_t
et_test_method_(const char *method)
{
    static const char *const names[] = {"",      "GET",    "HEAD",  "POST",
                                        "PUT",   "DELETE", "PATCH", "OPTIONS",
                                        "TRACE", "CONNECT"};
    uint32_t i;
    for (i = ET_M_GET; i <= ET_M_CONNECT; i++)
        if (strcmp(method, names[i]) == 0)
            return i;
    return ET_M_OTHER;
}

static inline void
et_test_request(const char *method, const char *target)
{
    struct et_test_ *m = et_test_mock_();
    static uint64_t serial;
    et_req *r = &m->q.req;
    et_str path;
    if (m->q.wait.token)
        et_test_put_aside_();
    et_test_drop_request_();
    r->ctx.size = (uint32_t)sizeof *r;
    r->ctx.kind = ET_K_REQ;
    r->ctx.host = &m->host;
    r->http = &m->http;
    r->worker = &m->worker;
    r->mine = &m->q.mine;
    r->method = et_test_method_(method);
    r->proto = 11;
    r->method_s = et_test_dup_(&m->q.request, et_s(method));
    r->target = et_test_dup_(&m->q.request, et_s(target));
    path = et_test_cut_(r->target, '?', &r->query);
    r->path = et_test_decode_(&m->q.request, path, 0);
    r->scheme = et_s("http");
    r->host = et_s("localhost");
    r->id = ++serial;
    r->start_ns = (m->now_ms + 1) * 1000000;
    m->q.body = m->q.type = m->q.sent = et_s("");
    m->q.body_at = 0;
    m->q.peer = et_s("203.0.113.7");
    m->q.tail = et_s(NULL);
    m->q.client[0] = m->q.client[1] = m->q.client[2] = et_s(NULL);
    m->allocations = 0;
}

/* A host as et_req has it: without port and final dot, in lower case. */
static inline et_str
et_test_host_(et_str s)
{
    size_t n = s.n, i;
    char *p;
    while (n && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
        n--;
    n = n && s.p[n - 1] == ':' ? n - 1 : s.n;
    n -= n && s.p[n - 1] == '.';
    p = (char *)et_test_get_(&et_test_m_.q.request, n);
    for (i = 0; i < n; i++)
        p[i] = et_lower(s.p[i]);
    return et_sn(p, n);
}

static inline void
et_test_header(const char *name, const char *value)
{
    struct et_test_ *m = &et_test_m_;
    et_test_append_(&m->q.request, &m->q.fields, et_s(name), et_s(value));
    if (et_eq_nocase(et_s(name), et_s("Host")))
        m->q.req.host = et_test_host_(et_s(value));
}

static inline void
et_test_body(const void *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    m->q.body = et_test_dup_(&m->q.request, et_sn(n ? p : "", n));
    m->q.has_body = 1;
}

static inline void
et_test_request_trailer(const char *name, const char *value)
{
    struct et_test_ *m = &et_test_m_;
    et_test_append_(&m->q.request, &m->q.behind, et_s(name), et_s(value));
    m->q.has_body = 1;
}

static inline void
et_test_param(const char *name, const char *value)
{
    struct et_test_ *m = &et_test_m_;
    et_test_append_(&m->q.request, &m->q.params, et_s(name), et_s(value));
}

static inline void
et_test_tail(const char *tail)
{
    struct et_test_ *m = &et_test_m_;
    m->q.tail = et_test_dup_(&m->q.request, et_s(tail));
}

static inline void
et_test_peer(const char *address)
{
    et_test_m_.q.peer = et_test_dup_(&et_test_m_.q.request, et_s(address));
}

static inline void
et_test_client(const char *subject, const char *sha256, const char *names)
{
    struct et_test_ *m = &et_test_m_;
    m->q.client[0] = et_test_dup_(&m->q.request, et_s(subject));
    m->q.client[1] = et_test_dup_(&m->q.request, et_s(sha256));
    m->q.client[2] = et_test_dup_(&m->q.request, et_s(names));
}

static inline void
et_test_scheme(const char *scheme)
{
    et_test_m_.q.req.scheme = et_test_dup_(&et_test_m_.q.request, et_s(scheme));
}

static inline void
et_test_inner(et_step fn)
{
    et_test_mock_()->inner = fn;
}

/* Fields that follow from the rest. */
static inline void
et_test_seal_(void)
{
    struct et_test_ *m = &et_test_m_;
    char length[24];
    if (m->q.is_sealed || !m->q.has_body)
        return;
    m->q.is_sealed = 1;
    if (et_test_find_(m->q.fields, et_s("Content-Length"), 0) ||
        et_test_find_(m->q.fields, et_s("Transfer-Encoding"), 0))
        return;
    snprintf(length, sizeof length, "%zu", m->q.body.n);
    if (m->q.behind)
        et_test_header("Transfer-Encoding", "chunked");
    else
        et_test_header("Content-Length", length);
}

/* ---- routes --------------------------------------------------------------*/

/* Match path against pattern; the number of parameters (a *rest counts 1000),
 * or -1.  keep: also add them to the request. */
static inline int
et_test_match_(const char *pattern, et_str path, int keep)
{
    struct et_test_ *m = &et_test_m_;
    et_str want = et_s(pattern + 1), have = et_sn(path.p + 1, path.n - 1);
    int n = 0;
    while (want.p || have.p) {
        et_str want_rest, have_rest, w, h;
        if (!want.p || !have.p)
            return -1;
        if (want.n && want.p[0] == '*') {
            if (keep) {
                et_test_append_(&m->q.request, &m->q.params,
                                et_sn(want.p + 1, want.n - 1), have);
                m->q.tail = have;
            }
            return n + 1000;
        }
        w = et_test_cut_(want, '/', &want_rest);
        h = et_test_cut_(have, '/', &have_rest);
        if (w.n && w.p[0] == ':' && h.n) {
            n++;
            if (keep)
                et_test_append_(&m->q.request, &m->q.params,
                                et_sn(w.p + 1, w.n - 1), h);
        } else if (!et_eq(w, h)) {
            return -1;
        }
        want = want_rest;
        have = have_rest;
    }
    return n;
}

static inline int
et_test_takes_(const et_route *route, const et_req *r)
{
    et_str rest = et_s(route->method);
    while (rest.p) {
        const et_str one = et_trim(et_test_cut_(rest, ',', &rest));
        if (et_eq(one, et_s("*")) || et_eq(one, r->method_s) ||
            (r->method == ET_M_HEAD && et_eq(one, et_s("GET"))))
            return 1;
    }
    return 0;
}

/* The best route for the request, or NULL; *has_path: one for another
 * method. */
static inline const et_route *
et_test_find_route_(const et_req *r, int *has_path)
{
    const et_route *route, *best = NULL;
    int best_cost = 0, cost;
    size_t i;
    *has_path = 0;
    for (i = 0; (route = (const et_route *)et_test_item_(ET_I_ROUTE, i)); i++) {
        cost = et_test_match_(route->path, r->path, 0);
        if (cost < 0)
            continue;
        *has_path = 1;
        if (et_test_takes_(route, r) && (!best || cost < best_cost)) {
            best = route;
            best_cost = cost;
        }
    }
    return best;
}

/* ---- running -------------------------------------------------------------*/

/* The step has not waited, in the end.  A job of its own runs all the same. */
static inline void
et_test_settle_(void)
{
    const struct et_test_wait_ w = et_test_m_.q.wait;
    memset(&et_test_m_.q.wait, 0, sizeof w);
    if (w.job)
        w.job(w.job_arg);
}

/* Run a step, or what it goes on with: the one of the two that is not NULL. */
static inline uint32_t
et_test_enter_(et_step fn, uint32_t flags, et_resume_fn resume, int32_t rc)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_task_ task;
    volatile uint32_t result = ET_FAIL;
    memset(&task, 0, sizeof task);
    m->running = flags & ET_F_TASK ? &task : NULL;
    m->q.is_in_step = 1;
    if (setjmp(m->step) == 0) {
        result = fn ? fn(&m->q.req, et_test_self())
                    : resume(&m->q.req, et_test_self(), rc);
        if (m->running)
            result = et_test_pass_last_(result);
        et_test_run_defers_(&task);
    } else {
        m->q.is_panicked = 1;
    }
    et_test_channel_end_(&task);
    m->running = NULL;
    m->q.is_in_step = 0;
    et_test_take_back_();
    if (result != ET_WAIT)
        et_test_settle_();
    return result;
}

static inline uint32_t
et_test_step_(et_step fn, uint32_t flags)
{
    struct et_test_ *m = &et_test_m_;
    if (m->q.is_panicked)
        return ET_NEXT;
    et_test_seal_();
    if (flags & ET_B_BUFFER)
        m->q.sees_body = m->q.was_read = 1;
    return et_test_enter_(fn, flags, NULL, 0);
}

/* An answer of the server's own, whatever the plugin did. */
static inline void
et_test_decide_(uint32_t status, const char *text)
{
    struct et_test_ *m = &et_test_m_;
    et_test_clear_();
    m->q.is_decided = 1;
    m->q.req.status = status;
    m->q.type = et_s("text/plain; charset=utf-8");
    m->q.sent = et_s(text);
}

/* Judge what a step returned; 1 if the chain goes on. */
static inline int
et_test_judge_(uint32_t result)
{
    struct et_test_ *m = &et_test_m_;
    static const char odd[] = "a step returned no valid result";
    if (result == ET_NEXT)
        return 1;
    if (result == ET_DROP)
        m->q.is_dropped = 1;
    else if (result == ET_DONE && m->q.is_decided && !m->q.is_poisoned)
        return 0;
    else if (result == ET_TAKE && m->accepted && !m->q.is_poisoned) {
        et_test_decide_(101, "");
        return 0;
    } else if (result != ET_FAIL && !m->q.is_poisoned)
        et_test_record_(&m->q.req.ctx, ET_L_ERROR, odd, sizeof odd - 1);
    et_test_decide_(500, "Internal Server Error\n");
    if (m->q.is_dropped)
        m->q.req.status = 0;
    return 0;
}

static inline uint32_t
et_test_answer_(void)
{
    struct et_test_ *m = &et_test_m_;
    const et_stepdef *handler =
        (const et_stepdef *)et_test_item_(ET_I_HANDLER, 0);
    int has_path;
    m->q.where = ET_TEST_ANSWER_;
    m->q.route = et_test_find_route_(&m->q.req, &has_path);
    if (m->q.route) {
        et_test_match_(m->q.route->path, m->q.req.path, 1);
        return et_test_step_(m->q.route->fn, m->q.route->flags);
    }
    if (handler)
        return et_test_step_(handler->fn, handler->flags);
    if (m->inner)
        return m->inner(&m->q.req, NULL);
    if (has_path)
        et_test_decide_(405, "Method Not Allowed\n");
    else if (et_test_item_(ET_I_ROUTE, 0))
        et_test_decide_(404, "Not Found\n");
    else
        et_test_decide_(200, "inner\n");
    return ET_DONE;
}

static inline uint32_t
et_test_respond_(void)
{
    struct et_test_ *m = &et_test_m_;
    const et_stepdef *s = (const et_stepdef *)et_test_item_(ET_I_RESPONSE, 0);
    m->q.where = ET_TEST_RESPONSE_;
    return s && !m->q.is_dropped ? et_test_step_(s->fn, ET_B_NONE) : ET_NEXT;
}

/* From here on nothing can change. */
static inline void
et_test_commit_(void)
{
    struct et_test_ *m = &et_test_m_;
    m->q.is_committed = 1;
    m->q.type = et_test_dup_(&m->q.result, m->q.type);
    m->q.sent = et_test_dup_(&m->q.result, m->q.sent);
}

/* An answer that was decided goes through the body step, by pieces: what a task
 * of the host's does. */
static inline uint32_t
et_test_copy_(et_req *r, void *self)
{
    struct et_test_ *m = &et_test_m_;
    et_str left = m->q.whole;
    (void)r;
    (void)self;
    while (left.n > 0) {
        size_t n = m->piece > 0 && m->piece < 16384 ? m->piece : 16384;
        n = n < left.n ? n : left.n;
        if (et_test_pass_(left.p, n, 0) < 0)
            return ET_FAIL;
        left = et_sn(left.p + n, left.n - n);
    }
    return ET_DONE;
}

static inline void et_test_end_answer_(uint32_t result);

static inline void
et_test_filter_whole_(void)
{
    struct et_test_ *m = &et_test_m_;
    m->q.whole = m->q.sent;
    m->q.sent = et_s("");
    m->q.is_written = 1;
    m->q.left = m->q.only_looks ? m->q.whole.n : ET_ANY_LENGTH;
    m->q.where = ET_TEST_ANSWER_;
    m->q.why = 0;
    et_test_end_answer_(et_test_enter_(et_test_copy_, ET_F_TASK, NULL, 0));
}

/* The answer leaves, unless it has before. */
static inline void
et_test_send_(void)
{
    struct et_test_ *m = &et_test_m_;
    if (m->q.is_committed)
        return;
    if (m->q.is_poisoned)
        et_test_decide_(500, "Internal Server Error\n");
    if (m->q.is_dropped)
        et_test_decide_(0, "");
    et_test_commit_();
    m->q.is_bare = et_test_is_bare_(m->q.req.status);
    if (m->q.is_filtered && !m->q.is_bare && !m->q.is_poisoned &&
        !m->q.is_panicked)
        et_test_filter_whole_();
}

static inline uint32_t
et_test_finish_(void)
{
    struct et_test_ *m = &et_test_m_;
    const et_stepdef *log = (const et_stepdef *)et_test_item_(ET_I_LOG, 0);
    et_test_send_();
    m->q.where = ET_TEST_LOG_;
    if (log)
        et_test_step_(log->fn, ET_B_NONE);
    m->q.where = ET_TEST_OVER_;
    if (m->q.is_gone)
        m->q.req.status = 0;
    et_test_free_request_();
    if (m->q.req.status == 101 && m->accepted)
        et_test_ws_open_();
    m->accepted = NULL;
    et_test_ears_turn_();
    return m->q.req.status;
}

/* The response step, whatever it waits for: what it returned in the end, or
 * ET_DROP if it was given up. */
static inline uint32_t
et_test_respond_at_once_(void)
{
    struct et_test_ *m = &et_test_m_;
    uint32_t result = et_test_respond_();
    while (result == ET_WAIT && m->q.wait.token) {
        const struct et_test_wait_ w = m->q.wait;
        int32_t rc = w.turn && !w.job ? w.rc : 0;
        memset(&m->q.wait, 0, sizeof w);
        if (w.why) {
            if (w.cancel)
                w.cancel(&m->q.req, et_test_self(), w.why);
            et_test_decide_(504, "Gateway Timeout\n");
            return w.why == ET_ETIME ? ET_DONE : ET_DROP;
        }
        if (w.job)
            rc = w.job(w.job_arg);
        result = et_test_enter_(NULL, 0, w.resume, rc);
    }
    return result;
}

static inline int
et_test_open_answer_(void)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_task_ *running = m->running;
    const int where = m->q.where;
    jmp_buf step;
    if (where == ET_TEST_ALONE_)
        return 1;
    memcpy(&step, &m->step, sizeof step);
    et_test_judge_(et_test_respond_at_once_());
    memcpy(&m->step, &step, sizeof step);
    m->q.where = where;
    m->running = running;
    m->q.is_in_step = 1;
    return m->q.is_written && !m->q.is_dropped && !m->q.is_poisoned;
}

/* The step that has written the answer has returned that. */
static inline void
et_test_end_answer_(uint32_t result)
{
    struct et_test_ *m = &et_test_m_;
    static const char cut[] = "an answer was begun, and is cut off";
    const int is_short = m->q.left != ET_ANY_LENGTH && m->q.left > 0;
    et_test_ws_over_(result);
    if (m->q.why != ET_ECANCEL && m->q.is_bare &&
        (result == ET_DONE || result == ET_FAIL))
        return;
    m->q.is_cut = result != ET_DONE || is_short || m->q.is_poisoned ||
                  m->q.why == ET_ECANCEL;
    if (m->q.is_cut && m->q.why != ET_ECANCEL && result != ET_DROP)
        et_test_record_(&m->q.req.ctx, ET_L_ERROR, cut, sizeof cut - 1);
}

/* The step that the request is at has returned that: on with the rest. */
static inline uint32_t
et_test_walk_(uint32_t result)
{
    struct et_test_ *m = &et_test_m_;
    int goes_on;
    for (;;) {
        if (result == ET_WAIT && m->q.wait.token)
            return m->q.wait.why ? et_test_cancel(m->q.wait.why) : ET_WAIT;
        if (m->q.is_written && m->q.is_committed &&
            m->q.where != ET_TEST_RESPONSE_)
            et_test_end_answer_(result);
        if (m->q.where == ET_TEST_ALONE_)
            return result;
        if (m->q.is_refused || (m->q.is_written && m->q.is_committed))
            return et_test_finish_();
        if (m->q.why == ET_ECANCEL) {
            m->q.is_dropped = 1;
            return et_test_finish_();
        }
        goes_on = et_test_judge_(result);
        if (m->q.where == ET_TEST_RESPONSE_)
            return et_test_finish_();
        if (goes_on && m->q.where == ET_TEST_REQUEST_) {
            result = et_test_answer_();
            continue;
        }
        if (goes_on && !m->q.is_decided)
            et_test_decide_(404, "Not Found\n"); /* the handler declined */
        result = et_test_respond_();
    }
}

static inline uint32_t
et_test_run(void)
{
    struct et_test_ *m = &et_test_m_;
    const et_stepdef *request =
        (const et_stepdef *)et_test_item_(ET_I_REQUEST, 0);
    if (!m->is_open)
        et_test_misuse_("et_test_run without et_test_open");
    m->q.where = ET_TEST_REQUEST_;
    return et_test_walk_(request ? et_test_step_(request->fn, request->flags)
                                 : ET_NEXT);
}

static inline size_t
et_test_repeats(void)
{
    const struct et_test_repeat_ *t = et_test_m_.repeats;
    size_t n = 0;
    for (; t; t = t->next)
        n++;
    return n;
}

static inline uint32_t
et_test_repeat(void)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_repeat_ *t = m->repeats;
    const struct et_test_pair_ *f;
    if (!t)
        et_test_misuse_("et_test_repeat: none was asked for");
    m->repeats = t->next;
    et_test_request("GET", t->target);
    for (f = t->fields; f; f = f->next)
        et_test_header(et_test_z_(&m->q.request, f->name),
                       et_test_z_(&m->q.request, f->value));
    m->q.peer = t->peer;
    m->q.req.scheme = t->scheme;
    m->q.is_repeat = 1;
    return et_test_run();
}

static inline uint32_t
et_test_call(const char *name)
{
    const et_stepdef *step;
    const et_route *route;
    uint32_t kind;
    size_t i;
    et_test_m_.q.where = ET_TEST_ALONE_;
    for (kind = ET_I_REQUEST; kind <= ET_I_LOG; kind++) {
        step = (const et_stepdef *)et_test_item_(kind, 0);
        et_test_m_.q.is_in_response = kind == ET_I_RESPONSE;
        if (step && strcmp(step->name, name) == 0)
            return et_test_walk_(et_test_step_(step->fn, step->flags));
    }
    et_test_m_.q.is_in_response = 0;
    for (i = 0; (route = (const et_route *)et_test_item_(ET_I_ROUTE, i)); i++)
        if (strcmp(route->name, name) == 0)
            return et_test_walk_(et_test_step_(route->fn, route->flags));
    fprintf(stderr, "etude_test.h: the plugin has no function %s\n", name);
    abort();
}

static inline const char *
et_test_command(const char *name, const char *args)
{
    struct et_test_ *m = et_test_mock_();
    struct et_test_bytes_ out = {NULL, 0};
    const et_commanddef *c;
    const char *text;
    int32_t rc = ET_EINVAL;
    size_t i;
    for (i = 0; (c = (const et_commanddef *)et_test_item_(ET_I_COMMAND, i));
         i++)
        if (strcmp(c->name, name) == 0)
            rc = c->fn(&m->worker, et_test_self(), et_s(args), &out,
                       et_test_put_);
    text = et_test_z_(&m->q.result, et_sn(out.p, out.n));
    free(out.p);
    return rc < 0 ? NULL : text;
}

/* ---- waiting -------------------------------------------------------------*/

/* What the test's request waits for has come. */
static inline uint32_t
et_test_go_on_(void)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_wait_ w = m->q.wait;
    int32_t rc = w.rc;
    memset(&m->q.wait, 0, sizeof w);
    if (w.job)
        rc = w.job(w.job_arg);
    return et_test_walk_(et_test_enter_(NULL, 0, w.resume, rc));
}

static inline uint32_t
et_test_resume(int32_t rc)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_task_ *task = m->running;
    struct et_test_wait_ *w = &m->q.wait;
    if (task && et_test_async_resume_(task->token, rc) < 0)
        et_test_misuse_("et_test_resume: the task waits for no token");
    if (task)
        return ET_WAIT;
    if (!w->token)
        et_test_misuse_("et_test_resume: nothing waits");
    if (w->turn && !w->job)
        et_test_misuse_("et_test_resume: it was woken, et_test_turn is next");
    w->job = NULL;
    w->rc = rc;
    return et_test_go_on_();
}

static inline uint32_t
et_test_cancel(int32_t why)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_wait_ w = m->q.wait;
    if (m->running && et_test_is_task_end_(why)) {
        m->q.is_retiring |= why == ET_ERETIRE;
        m->q.why = why;
        return ET_WAIT;
    }
    if (!et_test_is_end_(why))
        et_test_misuse_("et_test_cancel: neither ET_ECANCEL nor ET_ETIME");
    if (!w.token)
        et_test_misuse_("et_test_cancel: nothing waits");
    if (w.job && why == ET_ETIME)
        et_test_misuse_("et_test_cancel: a job has as much time as it takes");
    m->q.is_gone |= why == ET_ECANCEL;
    if (w.turn && !w.job)
        return et_test_go_on_(); /* whoever woke it was told so */
    memset(&m->q.wait, 0, sizeof w);
    if (w.cancel)
        w.cancel(&m->q.req, et_test_self(), why);
    et_test_take_back_();
    if (w.job && w.has_begun)
        w.job(w.job_arg);
    if (m->q.where == ET_TEST_ALONE_)
        return ET_FAIL;
    m->q.is_dropped = m->q.is_gone;
    if (!m->q.is_gone)
        et_test_decide_(504, "Gateway Timeout\n");
    if (m->q.is_gone || m->q.where == ET_TEST_RESPONSE_)
        return et_test_finish_();
    return et_test_walk_(et_test_respond_());
}

/* Where it stands in the queue of what is due: woken before late. */
static inline uint64_t
et_test_place_(const struct et_test_wait_ *w)
{
    if (w->token && w->turn)
        return w->turn;
    return w->token && w->due_ms && w->due_ms <= et_test_m_.now_ms
               ? UINT64_MAX / 2 + w->due_ms
               : UINT64_MAX;
}

static inline uint32_t
et_test_turn(void)
{
    struct et_test_ *m = et_test_mock_();
    const struct et_test_wait_ *next = &m->q.wait;
    const struct et_test_aside_ *a = m->aside;
    if (m->q.is_in_step)
        et_test_misuse_("et_test_turn within a step");
    for (; a; a = a->next)
        if (et_test_place_(&a->q.wait) < et_test_place_(next))
            next = &a->q.wait;
    if (et_test_place_(next) == UINT64_MAX)
        return m->q.wait.token ? ET_WAIT : m->q.req.status;
    et_test_bring_(next);
    return m->q.wait.turn ? et_test_go_on_() : et_test_cancel(ET_ETIME);
}

static inline size_t
et_test_loop(void)
{
    struct et_test_ *m = et_test_mock_();
    const struct et_test_due_ *last = m->dues;
    struct et_test_due_ *d;
    size_t n = 0;
    if (m->q.is_in_step)
        et_test_misuse_("et_test_loop within a step");
    while (last && last->next)
        last = last->next;
    for (; last && (d = et_test_due_next_(last)); n++) {
        et_test_due_call_(d);
        et_test_ears_turn_();
    }
    return n;
}

static inline void
et_test_give_up_(void)
{
    struct et_test_ *m = &et_test_m_;
    m->repeats = NULL;
    if (m->q.wait.token)
        et_test_cancel(ET_ECANCEL);
    while (m->aside) {
        et_test_bring_(&m->aside->q.wait);
        et_test_cancel(ET_ECANCEL);
    }
}

static inline void
et_test_begin_job(void)
{
    if (!et_test_m_.q.wait.job)
        et_test_misuse_("et_test_begin_job: no job is waited for");
    et_test_m_.q.wait.has_begun = 1;
}

static inline const et_async *
et_test_async(void)
{
    return &et_test_mock_()->async;
}

static inline void
et_test_meanwhile(void (*fn)(void))
{
    et_test_mock_()->meanwhile = fn;
}

static inline void
et_test_pieces(size_t n)
{
    et_test_m_.piece = n;
}

static inline void
et_test_ready(uint32_t events)
{
    et_test_mock_()->ready = events;
}

static inline void
et_test_wait(uint64_t ms)
{
    et_test_mock_()->now_ms += ms;
}

static inline void
et_test_retire(void)
{
    struct et_test_aside_ *a = et_test_m_.aside;
    et_test_m_.q.is_retiring = 1;
    for (; a; a = a->next)
        a->q.is_retiring = 1;
}

/* ---- results -------------------------------------------------------------*/

static inline uint32_t
et_test_status(void)
{
    return et_test_m_.q.req.status;
}

static inline const char *
et_test_type(void)
{
    return et_test_z_(&et_test_m_.q.result, et_test_m_.q.type);
}

static inline const char *
et_test_text(void)
{
    return et_test_z_(&et_test_m_.q.result, et_test_m_.q.sent);
}

static inline size_t
et_test_length(void)
{
    return et_test_m_.q.sent.n;
}

static inline const char *
et_test_field(const char *name, size_t nth)
{
    const et_str value = et_test_h_get_(NULL, et_s(name), (uint32_t)nth);
    return value.p ? et_test_z_(&et_test_m_.q.result, value) : NULL;
}

static inline int
et_test_is_cut(void)
{
    return et_test_m_.q.is_cut;
}

static inline const char *
et_test_trailer(const char *name)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_pair_ *p = et_test_find_(m->q.trailers, et_s(name), 0);
    const int is_chunked = !m->q.is_bare && m->q.left == ET_ANY_LENGTH;
    return p && is_chunked && !m->q.is_cut ? et_test_z_(&m->q.result, p->value)
                                           : NULL;
}

static inline int
et_test_body_was_read(void)
{
    return et_test_m_.q.was_read;
}

static inline int
et_test_is_dressed(void)
{
    return et_test_m_.q.is_dressed;
}

static inline int
et_test_logged(uint32_t level, const char *part)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_pair_ *p = m->records;
    for (; p; p = p->next)
        if (p->level == level &&
            strstr(et_test_z_(&m->journal, p->value), part))
            return 1;
    return 0;
}

static inline const char *
et_test_line(size_t i)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_pair_ *p = m->lines;
    while (p && i-- > 0)
        p = p->next;
    return p ? et_test_z_(&m->journal, p->value) : NULL;
}

static inline const struct et_test_figure_ *
et_test_find_figure_(const char *name)
{
    struct et_test_ *m = &et_test_m_;
    uint32_t i;
    for (i = 0; i < m->n_figures; i++)
        if (strcmp(m->figures[i].def->name, name) == 0)
            return &m->figures[i];
    return NULL;
}

static inline int64_t
et_test_metric(const char *name)
{
    const struct et_test_figure_ *f = et_test_find_figure_(name);
    int64_t n = 0;
    uint32_t i;
    if (!f)
        return -1;
    if (f->def->kind != ET_METRIC_HISTOGRAM)
        return f->value;
    for (i = 0; i <= f->def->n_bounds; i++)
        n += f->buckets[i];
    return n;
}

static inline int64_t
et_test_metric_sum(const char *name)
{
    const struct et_test_figure_ *f = et_test_find_figure_(name);
    return f ? f->value : -1;
}

static inline int64_t
et_test_metric_bucket(const char *name, size_t i)
{
    const struct et_test_figure_ *f = et_test_find_figure_(name);
    return f && i <= f->def->n_bounds ? f->buckets[i] : -1;
}

/* ---- stores --------------------------------------------------------------*/

static inline void
et_test_store_others(const char *store, const char *key, int64_t n)
{
    et_test_mock_();
    et_test_store_get_kept_(et_test_store_named_(et_s(store)), et_s(key),
                            ET_TEST_COUNTER_)
        ->others = n;
}

static inline void
et_test_store_cell(const char *store, const char *key, int64_t n)
{
    struct et_test_kept_ *k;
    et_test_mock_();
    k = et_test_store_get_kept_(et_test_store_named_(et_s(store)), et_s(key),
                                ET_TEST_CELL_);
    k->count = n;
    k->ends_ms = 0;
}

static inline void
et_test_store_wait(uint64_t ms)
{
    et_test_wait(ms);
}

/* ---- the test's side of et.ws/1 -------------------------------------------*/

static inline void
et_test_ws_pick(size_t n)
{
    struct et_test_ *m = &et_test_m_;
    m->stream = m->all;
    while (m->stream && n-- > 0)
        m->stream = m->stream->next;
    if (!m->stream)
        et_test_misuse_("there is no such WebSocket");
}

static inline void
et_test_ws_message(uint32_t type, const void *p, size_t n)
{
    struct et_test_ *m = &et_test_m_;
    const et_str bytes = et_sn(n ? (const char *)p : "", n);
    struct et_test_ws_ *s = m->stream;
    et_test_memory_ here = NULL;
    et_str copy;
    if (!s || !s->is_open) {
        et_test_append_(&m->streams, &m->early, et_s(""), bytes)->level = type;
        return;
    }
    if (s->is_task && !s->end && !s->is_closing)
        et_test_append_(&m->streams, &s->inbox, et_s(""), bytes)->level = type;
    if (s->is_task || s->was_refused || s->is_closing)
        return;
    copy = et_test_dup_(&here, bytes);
    if (ET_TEST_WS_CALL_(s, message))
        s->calls->message(&s->pub, s->self, type, copy.p, copy.n);
    et_test_drop_(&here);
    et_test_ears_turn_();
}

static inline void
et_test_ws_text(const char *text)
{
    et_test_ws_message(ET_WS_TEXT, text, strlen(text));
}

static inline void
et_test_ws_close(uint32_t code, const char *reason)
{
    struct et_test_ *m = &et_test_m_;
    struct et_test_ws_ *s = m->stream;
    if (!s || !s->is_open) {
        m->early_end = code;
        m->early_why = et_test_z_(&m->streams, et_s(reason));
    } else if (s->is_task) {
        s->end = code;
        s->why = et_test_dup_(&m->streams, et_s(reason));
    } else {
        et_test_ws_finish_(s, code, reason);
    }
    et_test_ears_turn_();
}

static inline void
et_test_ws_retire(void)
{
    struct et_test_ws_ *s = et_test_ws_mine_();
    if (s->is_task)
        et_test_m_.q.is_retiring = 1;
    if (!s->is_retired && !s->is_closing && ET_TEST_WS_CALL_(s, retiring)) {
        s->is_retired = 1;
        s->calls->retiring(&s->pub, s->self);
    }
    et_test_ears_turn_();
}

static inline void
et_test_ws_full(int is_full)
{
    struct et_test_ws_ *s = et_test_ws_mine_();
    const int is_due = s->was_refused && !is_full;
    s->is_full = is_full;
    if (!is_full)
        et_test_ears_room_(s);
    if (!is_due)
        return;
    s->was_refused = 0;
    if (!s->is_closing && ET_TEST_WS_CALL_(s, writable))
        s->calls->writable(&s->pub, s->self);
}

static inline void
et_test_ws_turn(void)
{
    struct et_test_ws_ *s = et_test_ws_mine_();
    while (s->posted && s->is_open) {
        struct et_test_posted_ *p = s->posted;
        s->posted = p->next;
        p->fn(&s->pub, p->arg);
    }
    et_test_ears_turn_();
}

static inline const struct et_test_pair_ *
et_test_ws_nth_(size_t i)
{
    const struct et_test_pair_ *p =
        et_test_m_.stream ? et_test_m_.stream->sent : NULL;
    while (p && i-- > 0)
        p = p->next;
    return p;
}

static inline const char *
et_test_ws_sent(size_t i)
{
    const struct et_test_pair_ *p = et_test_ws_nth_(i);
    return p ? et_test_z_(&et_test_m_.streams, p->value) : NULL;
}

static inline size_t
et_test_ws_sent_length(size_t i)
{
    const struct et_test_pair_ *p = et_test_ws_nth_(i);
    return p ? p->value.n : 0;
}

static inline uint32_t
et_test_ws_sent_type(size_t i)
{
    const struct et_test_pair_ *p = et_test_ws_nth_(i);
    return p ? p->level : 0;
}

static inline uint32_t
et_test_ws_closed(void)
{
    return et_test_m_.stream ? et_test_m_.stream->code : 0;
}

static inline const char *
et_test_ws_reason(void)
{
    return et_test_m_.stream ? et_test_m_.stream->reason : "";
}

static inline et_ws *
et_test_ws(void)
{
    struct et_test_ *m = &et_test_m_;
    return m->stream && m->stream->is_open ? &m->stream->pub : NULL;
}

/* ---- trouble -------------------------------------------------------------*/

static inline void
et_test_fail_at(size_t n)
{
    et_test_m_.fail_at = n;
}

static inline size_t
et_test_allocations(void)
{
    return et_test_m_.allocations;
}

/* Run it to its end, whatever it waits for. */
static inline uint32_t
et_test_run_out_(void)
{
    uint32_t status = et_test_run();
    while (status == ET_WAIT)
        status = et_test_m_.q.wait.turn ? et_test_go_on_() : et_test_resume(0);
    return status;
}

static inline int
et_test_out_of_memory(void (*build)(void))
{
    size_t n = 1;
    for (;; n++) {
        uint32_t status;
        build();
        et_test_fail_at(n);
        status = et_test_run_out_();
        et_test_fail_at(0);
        if (!et_test_m_.q.is_poisoned)
            return (int)(n - 1); /* it needs fewer than n */
        if (status != 500 && !et_test_m_.q.is_cut)
            return -1;
    }
}

static inline void
et_test_fail_wait(size_t n, int32_t rc)
{
    et_test_m_.fail_wait = n;
    et_test_m_.wait_rc = rc;
}

static inline int
et_test_each_wait(void (*build)(void), int32_t rc)
{
    size_t n = 1, left;
    for (;; n++) {
        build();
        et_test_fail_wait(n, rc);
        et_test_run_out_();
        left = et_test_m_.fail_wait;
        et_test_fail_wait(0, 0);
        if (left)
            return (int)(n - 1);
    }
}

static inline struct et_test_upstream_ *
et_test_name_upstream_(const char *url)
{
    struct et_test_ *m = et_test_mock_();
    struct et_test_upstream_ *u =
        (struct et_test_upstream_ *)et_test_get_(&m->journal, sizeof *u);
    u->url = et_test_dup_(&m->journal, et_s(url));
    u->next = m->upstreams;
    return m->upstreams = u;
}

static inline void
et_test_upstream(const char *url, uint32_t status, const char *body)
{
    struct et_test_upstream_ *u = et_test_name_upstream_(url);
    u->status = status;
    u->body = et_test_dup_(&et_test_m_.journal, et_s(body));
}

static inline void
et_test_upstream_field(const char *name, const char *value)
{
    struct et_test_ *m = &et_test_m_;
    if (!m->upstreams)
        et_test_misuse_("et_test_upstream_field: of whom?");
    et_test_append_(&m->journal, &m->upstreams->fields, et_s(name),
                    et_s(value));
}

static inline void
et_test_upstream_fails(const char *url, int32_t rc)
{
    et_test_name_upstream_(url)->rc = rc;
}

static inline const char *
et_test_asked(void)
{
    return et_test_m_.asked ? et_test_m_.asked : "";
}

static inline void
et_test_fail_set(int32_t rc)
{
    et_test_mock_()->fail_set = rc;
}

static inline void
et_test_fail_log(int32_t open_rc, int32_t write_rc)
{
    et_test_mock_()->fail_open = open_rc;
    et_test_mock_()->fail_write = write_rc;
}

static inline void
et_test_fail_store(int32_t rc)
{
    et_test_mock_()->fail_store = rc;
}

static inline void
et_test_fail_channel(int32_t rc)
{
    et_test_mock_()->fail_channel = rc;
}

static inline void
et_test_fail_repeat(int32_t rc)
{
    et_test_mock_()->fail_repeat = rc;
}

static inline void
et_test_publish(const char *channel, const char *message)
{
    struct et_test_ *m = et_test_mock_();
    const int32_t rc = m->fail_channel;
    m->fail_channel = 0;
    if (et_test_channel_publish_(&m->host, et_s(channel), message,
                                 strlen(message)) < 0)
        et_test_misuse_("et_test_publish: no such name");
    m->fail_channel = rc;
    et_test_ears_turn_();
}

static inline const char *
et_test_published(const char *channel, size_t i)
{
    struct et_test_ *m = &et_test_m_;
    const struct et_test_pair_ *p = m->published;
    while (p && (!et_eq(p->name, et_s(channel)) || i-- > 0))
        p = p->next;
    return p ? et_test_z_(&m->journal, p->value) : NULL;
}

static inline void
et_test_hide_iface(const char *id)
{
    et_test_mock_()->hidden = id;
}

static inline void
et_test_log_level(uint32_t level)
{
    et_test_mock_()->host.log_level = level;
}

#endif
