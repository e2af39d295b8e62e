/* SPDX-License-Identifier: BSD-2-Clause */
/* golden.c - a plugin for all future servers: compiled with the headers that
 * lie beside it, as released with contract 1.0, and never edited.  It uses every
 * interface of that contract; t/e2e/golden.c asks for all of it.
 *
 * its life
 *     GET    /g/options       each option, as it was filled in
 *     GET    /g/state         what the state has counted, its loop has done and
 *                             was handed over
 *     command tell            the same of each worker, in front of its argument
 * the request
 *     GET    /g/hello/:name   "<word> <name> <value>", value of the query
 *     GET    /g/facts/...     what is known of the request, in JSON
 *     GET    /g/client        its version of TLS, who its certificate names
 *     POST   /g/form          the sum of the form fields a and b
 *     PUT    /g/body          the body, and X-Sum of its trailers
 *     PATCH  /g/body          bytes of the body
 *     DELETE /g/body          204
 *     any    /g/any           method and version
 * the answer
 *     GET    /g/fields /g/html /g/error /g/json /g/static /g/ref /g/file
 *            /g/pieces /g/redirect /g/fail /g/panic /g/drop /g/limits
 * waiting
 *     GET    /g/store/:key  /g/suspend  /g/cancelled  /g/job
 * tasks
 *     GET    /g/task  /g/join  /g/fd  /g/write  /g/events
 *     POST   /g/read          the body comes back as it is read, then X-Sum
 * others
 *     GET    /g/fetch?url=    asks for that in each way
 *     GET    /g/fetch-then?url=
 *     POST   /g/fetch-send?url=  the body goes there as it is read
 *     GET    /g/subscribe     publishes, and hears of it
 *     POST   /g/publish       the body, for whoever listens
 * WebSockets
 *     GET    /g/ws            callbacks, which do what a text says
 *     GET    /g/ws-task       the same without, in a task
 *
 * As a handler it answers with what it was asked; its request step refuses
 * (401) X-Refuse, its response step adds X-Golden, and asks for the body step
 * (which makes capitals) where there is X-Upper; its log step writes a line. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <etude.h>

#include <fcntl.h>
#include <unistd.h>

#define STATE_VERSION 1

/* ---- options -------------------------------------------------------------*/

struct options {
    et_str word, secret, path;
    int64_t number, is_on, bytes, ms, choice;
    et_rate rate;
    et_list list, headers;
    et_field header;
};

static int32_t
check(void *conf, et_err *e)
{
    const struct options *o = (const struct options *)conf;

    if (et_eq(o->word, o->secret))
        return et_seterr(e, "secret: must not be the word");
    for (size_t i = 0; i < o->headers.n; i++)
        if (et_check_field(e, "headers", i, et_to_field(o->headers.v[i])) < 0)
            return ET_EINVAL;
    return 0;
}

ET_OPTIONS(struct options, check,
           ET_OPT_STR(word, NULL, ET_O_REQUIRED, "a word"),
           ET_OPT_STR(secret, "hidden", ET_O_SECRET, "never printed"),
           ET_OPT_INT(number, "100", 1, 1000, "largest a and b"),
           ET_OPT("is-on", is_on, int64_t, ET_O_BOOL, "no", 0, 0, NULL,
                  "a key that is no C name"),
           ET_OPT_SIZE(bytes, "64k", 0, 0, "a size"),
           ET_OPT_TIME(ms, "250ms", 0, 0, "a time"),
           ET_OPT_PATH(path, NULL, ET_O_WRITE, "a path"),
           ET_OPT_RATE(rate, "100/s", "a rate"),
           ET_OPT_CHOICE(choice, "two", "one|two|three", "one of three"),
           ET_OPT_LIST(list, 0, "words"),
           ET_OPT_HEADER(header, "X-One: 1", 0, "a field of /g/fields"),
           ET_OPT_HEADERS(headers, 0, "fields of every answer"));

/* ---- the image and the instance ------------------------------------------*/

static const et_host *the_host;

static int32_t
load(const et_host *h, et_err *e)
{
    if (h->major != ET_ABI_MAJOR)
        return et_seterr(e, "a host of %u", (unsigned)h->major);
    the_host = h;
    return 0;
}

static void
unload(void)
{
    the_host = NULL;
}

ET_IMAGE(load, unload);

struct shared {
    const struct options *options;
    const et_log *log;
    int32_t channel;
    uint32_t n_workers;
};

static int32_t
open_shared(et_conf *c, const void *options, void *inst, et_err *e)
{
    struct shared *s = (struct shared *)inst;

    s->options = (const struct options *)options;
    s->n_workers = c->n_workers;
    s->log = et_iface(c, ET_IF_LOG, et_log, write);
    if (!s->log || !the_host)
        return et_seterr(e, "no et.log/1");
    if (et_iface(c, "et.nothing/1", et_log, write))
        return et_seterr(e, "what is nothing is there");
    s->channel = s->log->open(c, et_s(""), e);
    et_info(c, "%.*s is open", ET_STR(c->instance));
    return s->channel < 0 ? s->channel : 0;
}

static void
close_shared(void *inst)
{
    ((struct shared *)inst)->log = NULL;
}

ET_INSTANCE(struct shared, open_shared, close_shared);

ET_NEED_IFACE(ET_IF_HTTP, et_http, add);
ET_NEED_IFACE(ET_IF_LOG, et_log, write);
ET_NEED_IFACE(ET_IF_STORE, et_store_api, swap);
ET_NEED_IFACE(ET_IF_ASYNC, et_async, post);
ET_NEED_IFACE(ET_IF_TASK, et_task, trailer);
ET_NEED_IFACE(ET_IF_CHANNEL, et_channel_api, unsubscribe_ws);
ET_NEED_IFACE(ET_IF_FETCH, et_fetch_api, start);
ET_NEED_IFACE(ET_IF_WS, et_ws_api, put);
ET_NEED_IFACE(ET_IF_METRICS, et_metrics, observe);
ET_AFTER("org.example.before-all");
ET_BEFORE("org.example.behind-all");

/* ---- the state and its loop ----------------------------------------------*/

/* A token to be used by the loop. */
struct wake {
    const et_async *async;
    et_token token;
};
#define N_WAKES 32u

/* What is counted, of this worker; what is handed over comes first. */
struct state {
    uint64_t n_requests, n_loaded;
    struct wake wakes[N_WAKES];
    unsigned n_wakes;
    const struct shared *shared;
    et_store *store;
    et_loop *loop;
    et_token never;
    int fds[2];
    unsigned n_ticks, n_posted, n_watched, n_heard, n_cancelled, n_released,
        n_deferred, n_opened, n_closed, n_jobs;
};

static void
on_tick(et_loop *l, void *arg)
{
    struct state *s = (struct state *)arg;

    s->n_ticks++;
    (void)et_loop_cancel(l, s->never);
    if (write(s->fds[1], "x", 1) != 1)
        et_warn(l, "a pipe is full");
}

static void
on_never(et_loop *l, void *arg)
{
    (void)arg;
    et_log_error(l, "was cancelled, and is called");
}

static void
on_posted(et_loop *l, void *arg)
{
    (void)l;
    ((struct state *)arg)->n_posted++;
}

static void
on_ready(et_loop *l, int32_t fd, uint32_t events, void *arg)
{
    char byte;

    et_debug(l, "ready for %u", (unsigned)events);
    if (read(fd, &byte, 1) == 1)
        ((struct state *)arg)->n_watched++;
}

static void
on_heard(et_loop *l, void *arg, et_str channel, et_str message)
{
    (void)l;
    if (et_eq(channel, et_s("golden")) && message.n > 0)
        ((struct state *)arg)->n_heard++;
}

static int32_t
begin_loop(et_worker *w, struct state *s)
{
    s->loop = et_loop_open(w);
    if (!s->loop)
        return ET_ENOMEM;
    s->never = et_loop_timer(s->loop, 60000, on_never, s);
    if (!s->never || !et_loop_timer(s->loop, 1, on_tick, s) ||
        !et_loop_watch(s->loop, s->fds[0], ET_FD_IN, on_ready, s) ||
        !et_listen(s->loop, et_s("golden"), on_heard, s))
        return ET_ELIMIT;
    return et_loop_post(s->loop->async, s->loop->token, on_posted, s);
}

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct state *s = (struct state *)state;

    s->shared = (const struct shared *)from;
    s->store = et_store_open(w, "golden");
    if (!s->store)
        return et_seterr(e, "no store");
    if (w->index >= w->n_workers || w->n_workers != s->shared->n_workers)
        return et_seterr(e, "worker %u of %u", (unsigned)w->index,
                         (unsigned)w->n_workers);
    if (pipe2(s->fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return et_seterr(e, "no pipe");
    if (begin_loop(w, s) < 0) {
        (void)close(s->fds[0]);
        (void)close(s->fds[1]);
        return et_seterr(e, "no loop");
    }
    return 0;
}

static void
leave(et_worker *w, void *state)
{
    struct state *s = (struct state *)state;

    (void)w;
    (void)close(s->fds[0]);
    (void)close(s->fds[1]);
}

static int32_t
save(et_worker *w, const void *state, void *out,
     int32_t (*put)(void *out, const void *p, size_t n))
{
    (void)w;
    return put(out, state, sizeof(uint64_t));
}

static int32_t
take_over(et_worker *w, void *state, uint32_t version, const void *p, size_t n,
          et_err *e)
{
    struct state *s = (struct state *)state;

    (void)w;
    if (version != STATE_VERSION || n != sizeof(uint64_t))
        return et_seterr(e, "version %u", (unsigned)version);
    memcpy(&s->n_requests, p, n);
    s->n_loaded++;
    return 0;
}

ET_STATE_SAVED(struct state, STATE_VERSION, init, leave, save, take_over);

static int
tell_state(char *out, size_t cap, const struct state *s)
{
    return snprintf(
        out, cap,
        "ticks=%u posted=%u watched=%u heard=%u cancelled=%u released=%u "
        "deferred=%u opened=%u closed=%u jobs=%u loaded=%d",
        s->n_ticks, s->n_posted, s->n_watched, s->n_heard, s->n_cancelled,
        s->n_released, s->n_deferred, s->n_opened, s->n_closed, s->n_jobs,
        s->n_loaded > 0);
}

ET_GET("/g/state", show_state)
{
    const struct state *s = (const struct state *)self;
    char text[300];

    (void)tell_state(text, sizeof text, s);
    return et_text(r, 200, "requests=%u %s\n", (unsigned)s->n_requests, text);
}

ET_COMMAND(tell, "what the state has counted")
{
    char text[300];
    const int n = tell_state(text, sizeof text, (const struct state *)self);

    if (!args.n)
        return ET_EINVAL;
    if (put(out, args.p, args.n) < 0 || put(out, " ", 1) < 0)
        return ET_ELIMIT;
    return put(out, text, (size_t)n);
}

ET_GET("/g/options", show_options)
{
    const struct options *o = ((struct state *)self)->shared->options;
    et_str list = et_s("");

    for (size_t i = 0; i < o->list.n; i++)
        list = et_printf(r, "%.*s,%.*s", ET_STR(list), ET_STR(o->list.v[i]));
    return et_text(r, 200,
                   "%.*s %d %d %d %d %d %s %d/%d %d %.*s %.*s=%.*s %d\n",
                   ET_STR(o->word), et_same_secret(et_s("quiet"), o->secret),
                   (int)o->number, (int)o->is_on, (int)o->bytes, (int)o->ms,
                   o->path.p ? o->path.p : "-", (int)o->rate.count,
                   (int)o->rate.per_ms, (int)o->choice, ET_STR(list),
                   ET_STR(o->header.name), ET_STR(o->header.value),
                   (int)o->headers.n);
}

/* ---- metrics -------------------------------------------------------------*/

ET_COUNTER(seen, NULL, "requests");
ET_GAUGE(inside, NULL, "requests that are being answered");
ET_GAUGE(last, "bytes", "length of the last body");
ET_HISTOGRAM(body, "bytes", "lengths of bodies", 10, 100);

/* ---- the chain -----------------------------------------------------------*/

ET_REQUEST(guard)
{
    et_str *kept = (et_str *)et_alloc(r, sizeof *kept);

    ((struct state *)self)->n_requests++;
    if (!kept)
        return ET_FAIL;
    *kept = et_header(r, "x-keep");
    *r->mine = kept;
    et_count(r, seen, 1);
    et_gauge_add(r, inside, 1);
    if (et_header(r, "X-Refuse").p)
        return et_error(r, 401, "X-Refuse\n");
    return ET_NEXT;
}

ET_RESPONSE(stamp)
{
    const struct options *o = ((struct state *)self)->shared->options;
    const et_str *kept = (const et_str *)*r->mine;

    if (et_set(r, "X-Golden", o->word) < 0)
        return ET_FAIL;
    if (kept && kept->n && et_add(r, "X-Golden", *kept) < 0)
        return ET_FAIL;
    for (size_t i = 0; i < o->headers.n; i++) {
        const et_field f = et_to_field(o->headers.v[i]);
        if (r->http->set(r, f.name, f.value, ET_ADD) < 0)
            return ET_FAIL;
    }
    if (et_header(r, "X-Upper").p && et_filter(r) < 0)
        return ET_FAIL;
    return ET_NEXT;
}

ET_BODY(upper)
{
    char piece[256];
    size_t at = 0, k;
    int32_t rc;

    do {
        const size_t left = n - at;
        const size_t part = left < sizeof piece ? left : sizeof piece;
        for (k = 0; k < part; k++)
            piece[k] = p[at + k] >= 'a' && p[at + k] <= 'z'
                           ? (char)(p[at + k] - 'a' + 'A')
                           : p[at + k];
        at += part;
        rc = et_emit(r, piece, part, at == n ? flags : 0);
    } while (rc == 0 && at < n);
    return rc;
}

ET_LOG(note)
{
    const struct shared *s = ((struct state *)self)->shared;
    const int64_t n = r->http->number(r, ET_N_SENT_BYTES);
    const et_str line =
        et_printf(r, "golden %u %.*s", (unsigned)r->status, ET_STR(r->path));

    et_gauge_add(r, inside, -1);
    if (n >= 0) {
        et_gauge_set(r, last, n);
        et_observe(r, body, n);
    }
    if (line.p)
        (void)s->log->write(r, s->channel, line.p, line.n);
    return ET_NEXT;
}

ET_HANDLER_BODY(show)
{
    return et_json(r, 200,
                   "{\"method\":%s,\"path\":%s,\"query\":%s,\"body\":%d}\n",
                   et_quote(r, r->method_s), et_quote(r, r->path),
                   et_quote(r, r->query), (int)et_body(r).n);
}

/* ---- reading the request -------------------------------------------------*/

ET_GET("/g/hello/:name", hello)
{
    const et_str word = ((struct state *)self)->shared->options->word;
    const et_str name = et_param(r, "name");

    return et_text(r, 200, "%.*s %.*s %s %.*s\n", ET_STR(word), ET_STR(name),
                   et_url_escape(r, et_query(r, "value")),
                   ET_STR(et_cookie(r, "c")));
}

/* The names of all fields. */
static et_str
names(et_req *r)
{
    const uint32_t n = (uint32_t)r->http->number(r, ET_N_HEADERS);
    et_str all = et_s(""), name, value;

    for (uint32_t i = 0; i < n; i++)
        if (r->http->header_at(r, i, &name, &value) == 0)
            all = et_printf(r, "%.*s%.*s ", ET_STR(all), ET_STR(name));
    return all;
}

ET_GET("/g/facts/*rest", facts)
{
    const et_str peer = et_peer(r);
    const et_str socket_peer = r->http->text(r, ET_T_SOCKET_PEER);
    const et_str route = r->http->text(r, ET_T_ROUTE);
    const et_str instance = r->http->text(r, ET_T_INSTANCE);
    const et_str tail = r->http->text(r, ET_T_TAIL);

    (void)self;
    if (!et_eq(tail, et_param(r, "rest")))
        return et_fail(r, "another tail");
    if (r->http->text(r, ET_T_CLF_TIME).n != 26 ||
        r->http->text(r, ET_T_ISO_TIME).n != 24 || r->id == 0 ||
        r->start_ns == 0 || r->http->number(r, ET_N_ELAPSED_US) < 0 ||
        r->http->number(r, 0) != -1 || r->http->text(r, 0).p)
        return et_fail(r, "facts are missing");
    return et_json(
        r, 200,
        "{\"proto\":%u,\"method\":%u,\"scheme\":%s,\"host\":%s,\"target\":%s,"
        "\"rest\":%s,\"peer\":%s,\"socket\":%s,\"port\":%d,\"route\":%s,"
        "\"instance\":%s,\"fields\":%s,\"body\":%d,\"retiring\":%d}\n",
        (unsigned)r->proto, (unsigned)r->method, et_quote(r, r->scheme),
        et_quote(r, r->host), et_quote(r, r->target),
        et_quote(r, tail), et_quote(r, peer),
        et_quote(r, socket_peer), r->http->number(r, ET_N_PEER_PORT) > 0,
        et_quote(r, route), et_quote(r, instance), et_quote(r, names(r)),
        (int)r->http->number(r, ET_N_BODY_BYTES), et_retiring(r));
}

ET_GET("/g/client", client)
{
    const et_str version = r->http->text(r, ET_T_TLS_VERSION);
    const et_str subject = et_client_subject(r);
    const et_str sha256 = et_client_sha256(r);
    const et_str names_of = et_client_names(r);

    (void)self;
    if ((version.p != NULL) != (r->http->text(r, ET_T_TLS_CIPHER).p != NULL))
        return et_fail(r, "half a TLS");
    return et_text(r, 200, "%.*s|%.*s|%.*s|%.*s\n", ET_STR(version),
                   ET_STR(subject), ET_STR(sha256), ET_STR(names_of));
}

ET_POST("/g/form", add)
{
    const struct options *o = ((struct state *)self)->shared->options;
    int64_t a, b;

    if (et_to_int(et_form(r, "a"), 0, o->number, &a) < 0 ||
        et_to_int(et_form(r, "b"), 0, o->number, &b) < 0)
        return et_error(r, 400, "a and b are up to %d\n", (int)o->number);
    return et_text(r, 200, "%d\n", (int)(a + b));
}

ET_PUT("/g/body", put_body)
{
    (void)self;
    if (et_set(r, "X-Sum", et_trailer(r, "x-sum")) < 0)
        return ET_FAIL;
    return et_bytes_static(r, 200, et_header(r, "content-type"), et_body(r));
}

ET_PATCH("/g/body", patch_body)
{
    (void)self;
    return et_text(r, 200, "%d\n", (int)et_body(r).n);
}

ET_DELETE("/g/body", delete_body)
{
    (void)self;
    return et_status(r, 204);
}

ET_ANY("/g/any", any)
{
    (void)self;
    return et_text(r, 200, "%.*s %u\n", ET_STR(r->method_s),
                   (unsigned)r->proto);
}

ET_ALSO("GET,POST", "/g/also", any, ET_B_NONE, "the same by another name");

/* ---- answers -------------------------------------------------------------*/

ET_GET("/g/fields", fields)
{
    const struct options *o = ((struct state *)self)->shared->options;
    static const char *const hosts[] = {
        "Connection", "Content-Length", "Date",    "Keep-Alive",
        "TE",         "Trailer",        "Upgrade", "Transfer-Encoding",
        "Proxy-Connection"};
    static const et_field kept[] = {{{"X-Kept", 6}, {"one", 3}},
                                    {{"X-Kept", 6}, {"two", 3}}};

    if (et_set(r, "X-Two", et_s("1")) < 0 || et_add(r, "X-Two", et_s("2")) < 0 ||
        et_set(r, "X-Gone", et_s("1")) < 0 || et_del(r, "X-Gone") < 0 ||
        et_set_cookie(r, "c", et_s("v"), NULL) < 0 ||
        et_add_static(r, kept, 2) < 0 ||
        r->http->set(r, o->header.name, o->header.value, ET_SET) < 0)
        return ET_FAIL;
    if (et_set(r, "X-Bad", et_s("a\r\nb")) != ET_EINVAL ||
        et_set(r, "X Bad", et_s("a")) != ET_EINVAL ||
        r->http->set(r, et_s("X-Bad"), et_s("a"), 9) != ET_EINVAL)
        return et_fail(r, "what is no field was taken");
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (et_set(r, hosts[i], et_s("1")) != ET_EINVAL)
            return et_fail(r, "%s was taken", hosts[i]);
    return et_text(r, 200, "%.*s %.*s %d\n",
                   ET_STR(r->http->get(r, et_s("x-two"), 0)),
                   ET_STR(r->http->get(r, et_s("X-Two"), 1)),
                   r->http->get(r, et_s("X-Gone"), 0).p != NULL);
}

ET_GET("/g/html", html)
{
    (void)self;
    return et_html(r, 200, "<p>%s</p>\n", et_html_escape(r, et_query(r, "q")));
}

ET_GET("/g/json", json)
{
    const et_str q = et_query(r, "q");
    char small[16];
    const size_t n = et_quote_to(small, sizeof small, q);

    (void)self;
    return et_json(r, 200, "[%s,%.*s]\n", et_quote(r, q), (int)n, small);
}

ET_GET("/g/error", error)
{
    (void)self;
    return et_error(r, 418, "I am a teapot\n");
}

ET_GET("/g/static", literal)
{
    (void)self;
    return et_bytes_static(r, 203, et_s("text/plain"), et_s("static\n"));
}

ET_GET("/g/copied", copied)
{
    char here[] = "copied\n";

    (void)self;
    return et_bytes(r, 200, et_s(""), et_s(here));
}

static void
on_release(void *arg)
{
    ((struct state *)arg)->n_released++;
}

ET_GET("/g/ref", ref)
{
    (void)self;
    return r->http->reply_ref(r, 200, et_s("text/plain"), "by reference\n", 13,
                              on_release, self);
}

/* A file that holds "0123456789", and no name. */
static int
digits(et_req *r)
{
    char path[] = "/tmp/golden-XXXXXX";
    const int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0)
        return -1;
    (void)unlink(path);
    if (write(fd, "0123456789", 10) != 10)
        et_warn(r, "a disk is full");
    return fd;
}

ET_GET("/g/file", file)
{
    const int fd = digits(r);

    (void)self;
    return fd < 0 ? et_fail(r, "no file")
                  : et_file(r, 200, et_s("text/plain"), fd, 2, 5);
}

/* What is read of a file by two pieces is closed with the second. */
struct shared_file {
    struct state *state;
    int fd;
};

static void
on_close_file(void *arg)
{
    const struct shared_file *f = (const struct shared_file *)arg;

    (void)close(f->fd);
    f->state->n_released++;
}

ET_GET("/g/pieces", pieces)
{
    struct shared_file *f = (struct shared_file *)et_alloc(r, sizeof *f);
    et_piece all[4];

    if (!f)
        return ET_FAIL;
    f->state = (struct state *)self;
    f->fd = digits(r);
    if (f->fd < 0)
        return et_fail(r, "no file");
    all[0] = et_piece_mem(et_s("three digits: "));
    all[1] = et_piece_file(f->fd, 7, 3);
    all[2] = et_piece_mem(et_s(", one: "));
    all[3] = et_piece_file(f->fd, 0, 1);
    all[3].release = on_close_file;
    all[3].arg = f;
    return et_pieces(r, 200, et_s("text/plain"), all, 4);
}

ET_GET("/g/redirect", redirect)
{
    (void)self;
    return et_redirect(r, 303, et_s("/g/state"));
}

ET_GET("/g/fail", fail_it)
{
    (void)self;
    return et_fail(r, "as it was asked to");
}

static void
deep(et_req *r)
{
    et_panic(r, "at %d", 3);
}

ET_GET("/g/panic", panic)
{
    (void)self;
    deep(r);
    return ET_NEXT;
}

ET_GET("/g/drop", drop)
{
    (void)r;
    (void)self;
    return ET_DROP;
}

/* What is too much is refused, and spoils the answer. */
ET_GET("/g/limits", limits)
{
    (void)self;
    if (et_alloc(r, SIZE_MAX / 2))
        return et_fail(r, "all memory there is");
    return et_text(r, 200, "never seen\n");
}

/* ---- stores --------------------------------------------------------------*/

ET_GET("/g/store/:key", store)
{
    et_store *s = ((struct state *)self)->store;
    const et_str key = et_param(r, "key");
    const et_str before = et_store_get(s, key);
    const int64_t n = et_store_count(s, key, 1, 0);
    int64_t cell = 0;
    int was_there = before.p != NULL;

    if (n < 1 || et_store_add(s, key, 2, 60000) < 2 ||
        et_store_put(s, key, et_s("value"), 60000) < 0 ||
        !et_eq(et_store_get(s, key), et_s("value")) ||
        et_store_cell(s, key, &cell) < 0 || cell < n)
        return et_fail(r, "the store is full");
    if (et_eq(key, et_s("once"))) {
        if (et_store_swap(s, key, &cell, 0, ET_STORE_SAME_END) < 0 ||
            et_store_del(s, key) < 0 || et_store_get(s, key).p)
            return et_fail(r, "it is not gone");
    }
    return et_text(r, 200, "%d %d %d\n", (int)n,
                   (int)et_store_total(s, key), was_there);
}

/* ---- steps that are suspended --------------------------------------------*/

static void
on_wake(et_loop *l, void *arg)
{
    const struct wake *w = (const struct wake *)arg;

    (void)l;
    (void)et_resume(w->async, w->token, 7);
}

/* The request that waits with token goes on 5 ms from now, with 7. */
static int32_t
wake_later(struct state *s, const et_req *r, et_token token)
{
    struct wake *w = &s->wakes[s->n_wakes++ % N_WAKES];

    w->async = r->worker->async;
    w->token = token;
    return token && et_loop_timer(s->loop, 5, on_wake, w) ? 0 : ET_ELIMIT;
}

static uint32_t
on_resume(et_req *r, void *self, int32_t rc)
{
    (void)self;
    return et_text(r, 200, "resumed with %d\n", (int)rc);
}

static void
on_cancel(et_req *r, void *self, int32_t why)
{
    (void)r;
    if (why == ET_ETIME || why == ET_ECANCEL)
        ((struct state *)self)->n_cancelled++;
}

ET_GET("/g/suspend", suspend)
{
    const et_token token = et_suspend(r, on_resume, on_cancel, 5000);

    if (!token || wake_later((struct state *)self, r, token) < 0)
        return et_fail(r, "cannot wait");
    return ET_WAIT;
}

ET_GET("/g/cancelled", cancelled)
{
    (void)self;
    return et_suspend(r, on_resume, on_cancel, 5) ? ET_WAIT
                                                  : et_fail(r, "cannot wait");
}

static int32_t
count_job(void *arg)
{
    *(int *)arg += 41;
    return *(int *)arg;
}

static uint32_t
on_job(et_req *r, void *self, int32_t rc)
{
    ((struct state *)self)->n_jobs++;
    return et_text(r, 200, "a job has returned %d\n", (int)rc);
}

ET_GET("/g/job", job)
{
    int *n = (int *)et_alloc(r, sizeof *n);

    (void)self;
    if (!n)
        return ET_FAIL;
    *n = 1;
    return et_offload_then(r, count_job, n, on_job, on_cancel) == 0
               ? ET_WAIT
               : et_fail(r, "no pool");
}

/* ---- tasks ---------------------------------------------------------------*/

static void
on_defer(void *arg)
{
    ((struct state *)arg)->n_deferred++;
}

ET_GET_TASK("/g/task", task)
{
    et_token token;
    int32_t rc;
    int n = 1;

    if (et_defer(r, on_defer, self) < 0 || et_timeout(r, 20000) < 0 ||
        et_sleep(r, 1) < 0)
        return ET_FAIL;
    token = et_arm(r);
    if (wake_later((struct state *)self, r, token) < 0)
        return et_fail(r, "no timer");
    rc = et_await(r, 10000);
    if (et_resume(r->worker->async, token, 0) != ET_ESTALE)
        return et_fail(r, "a token is good twice");
    return et_text(r, 200, "%d %d\n", (int)rc,
                   (int)et_offload(r, count_job, &n));
}

static int32_t
nap(et_req *r, void *arg)
{
    int *n = (int *)arg;

    if (et_sleep(r, (uint64_t)*n) < 0)
        return ET_ECANCEL;
    *n *= 2;
    return *n;
}

ET_GET_TASK("/g/join", join)
{
    int ms[] = {1, 2};
    et_part parts[] = {{nap, &ms[0], 0, 0}, {nap, &ms[1], 0, 0}};

    (void)self;
    if (et_join(r, parts, 2) < 0)
        return ET_FAIL;
    return et_text(r, 200, "%d %d\n", (int)parts[0].rc, (int)parts[1].rc);
}

static void
close_pipe(void *arg)
{
    (void)close(((int *)arg)[0]);
    (void)close(((int *)arg)[1]);
}

ET_GET_TASK("/g/fd", fd)
{
    int fds[2];
    int32_t out, in;

    (void)self;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return et_fail(r, "no pipe");
    if (et_defer(r, close_pipe, fds) < 0) {
        close_pipe(fds);
        return ET_FAIL;
    }
    out = et_wait_fd(r, fds[1], ET_FD_OUT, 5000);
    if (write(fds[1], "x", 1) != 1)
        return et_fail(r, "not ready");
    in = et_wait_fd(r, fds[0], ET_FD_IN, UINT64_MAX);
    return et_text(r, 200, "%d %d\n", (int)out, (int)in);
}

ET_GET_TASK("/g/write", write_it)
{
    (void)self;
    if (et_begin(r, 200, "text/plain", ET_ANY_LENGTH) < 0 ||
        et_puts(r, "one ") < 0 || et_flush(r) < 0 || et_sleep(r, 1) < 0 ||
        et_writef(r, "%s %d ", "two", 3) < 0 || et_write(r, "four\n", 5) < 0)
        return ET_FAIL;
    if (et_set(r, "X-Late", et_s("1")) != ET_EPHASE ||
        et_set_trailer(r, "Content-Type", et_s("1")) != ET_EINVAL)
        return ET_FAIL;
    return et_set_trailer(r, "X-Sum", et_s("10")) == 0 ? ET_DONE : ET_FAIL;
}

ET_GET_TASK("/g/exact", exact)
{
    (void)self;
    if (et_begin(r, 200, "", 4) < 0 || et_puts(r, "four") < 0)
        return ET_FAIL;
    return et_puts(r, "more") == ET_EINVAL ? ET_DONE : ET_FAIL;
}

ET_GET_TASK("/g/events", events)
{
    et_event e = {et_s("tick"), et_s("1"), et_s("a\nb"), 500};

    (void)self;
    if (et_sse_last_id(r).n)
        e.id = et_sse_last_id(r);
    if (et_sse_begin(r) < 0 || et_sse_send(r, &e) < 0 || et_sse_ping(r) < 0 ||
        et_sse_sleep(r, 1) < 0)
        return ET_FAIL;
    return ET_DONE;
}

ET_POST_TASK("/g/read", read_it)
{
    char piece[1000];
    int64_t n;

    (void)self;
    if (et_begin(r, 200, "", ET_ANY_LENGTH) < 0)
        return ET_FAIL;
    while ((n = et_read_body(r, piece, sizeof piece)) > 0)
        if (et_write(r, piece, (size_t)n) < 0)
            return ET_FAIL;
    if (n < 0)
        return ET_FAIL;
    if (et_trailer(r, "X-Sum").p)
        (void)et_set_trailer(r, "X-Sum", et_trailer(r, "X-Sum"));
    return ET_DONE;
}

/* ---- other servers -------------------------------------------------------*/

/* Bytes of a reply's body, read piece by piece. */
static int64_t
read_all(et_req *r, et_reply *reply)
{
    char piece[64];
    int64_t n, all = 0;

    while ((n = et_fetch_read(r, reply, piece, sizeof piece)) > 0)
        all += n;
    return n < 0 ? n : all;
}

ET_GET_TASK("/g/fetch", fetch)
{
    static const et_field fields[] = {{{"X-From", 6}, {"golden", 6}}};
    et_fetch_ask ask = et_ask("GET", et_query(r, "url"));
    et_reply *whole, *reply;
    int64_t n;

    (void)self;
    ask.fields = fields;
    ask.n_fields = 1;
    ask.connect_ms = 5000;
    ask.timeout_ms = 5000;
    if (et_fetch(r, &ask, &whole) < 0 || et_fetch_open(r, &ask, &reply) < 0)
        return et_error(r, 502, "nobody there\n");
    n = read_all(r, reply);
    et_fetch_close(r, reply);
    return et_text(r, 200, "%u %.*s %d %.*s", (unsigned)whole->status,
                   ET_STR(et_reply_field(whole, "content-type")), (int)n,
                   ET_STR(whole->body));
}

/* What waits for a reply, in *r->mine's place: the request step's own is a
 * field's value, so this is kept by the request. */
static uint32_t
on_fetched(et_req *r, void *self, int32_t rc)
{
    et_reply *reply = *(et_reply **)*r->mine;

    (void)self;
    *r->mine = NULL;
    if (rc < 0 || reply->rc < 0)
        return et_error(r, 502, "%d\n", (int)rc);
    return et_text(r, 200, "%u %.*s", (unsigned)reply->status,
                   ET_STR(reply->body));
}

ET_GET("/g/fetch-then", fetch_then)
{
    const et_fetch_ask ask = et_ask("GET", et_query(r, "url"));
    et_reply **reply = (et_reply **)et_alloc(r, sizeof(et_reply *));
    const et_token token = et_suspend(r, on_fetched, on_cancel, 0);

    (void)self;
    if (!reply || !token || et_fetch_start(r, &ask, token, reply) < 0)
        return et_error(r, 502, "cannot ask\n");
    *r->mine = reply;
    return ET_WAIT;
}

ET_POST_TASK("/g/fetch-send", fetch_send)
{
    et_fetch_ask ask = et_ask("POST", et_query(r, "url"));
    et_reply *reply;
    char piece[64];
    int64_t n;

    (void)self;
    ask.flags = ET_FETCH_STREAM;
    if (et_fetch_open(r, &ask, &reply) < 0)
        return et_error(r, 502, "nobody there\n");
    while ((n = et_read_body(r, piece, sizeof piece)) > 0)
        if (et_fetch_send(r, reply, piece, (size_t)n) < 0)
            break;
    if (n < 0 || et_fetch_head(r, reply) < 0)
        return et_error(r, 502, "broken off\n");
    return et_text(r, 200, "%u %d\n", (unsigned)reply->status,
                   (int)read_all(r, reply));
}

/* ---- channels ------------------------------------------------------------*/

ET_GET_TASK("/g/subscribe", subscribe)
{
    et_sub *s = et_subscribe(r, et_s("own"), 1, ET_CH_DROP_OLDEST);
    et_str message = et_s("");
    int32_t first, second;

    (void)self;
    if (!s || et_publish(r, et_s("own"), et_s("lost")) < 0 ||
        et_publish_from(the_host, et_s("own"), et_s("kept")) < 0 ||
        et_sleep(r, 5) < 0)
        return et_fail(r, "no channel");
    first = et_next(s, 5000, &message);
    message = et_printf(r, "%.*s", ET_STR(message));
    second = et_next(s, 1, &message) == ET_ETIME;
    first += (int32_t)et_dropped(s) * 10;
    et_unsubscribe(s);
    return et_text(r, 200, "%d %d\n", (int)first, (int)second);
}

ET_POST("/g/publish", publish)
{
    (void)self;
    return et_text(r, 202, "%d\n",
                   (int)et_publish(r, et_s("golden"), et_body(r)));
}

/* ---- WebSockets ----------------------------------------------------------*/

static void
on_open(et_ws *s, void *self)
{
    ((struct state *)self)->n_opened++;
    (void)et_ws_text(s, "%s of %.*s", (const char *)s->data,
                     ET_STR(s->protocol));
}

static void
on_ws_posted(et_ws *s, void *arg)
{
    (void)et_ws_text(s, "%s", (const char *)arg);
}

static void
on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
{
    static char posted[] = "posted";
    const et_str said = et_sn(p, n);

    (void)self;
    if (et_eq(said, et_s("close")))
        (void)et_ws_close(s, 1000, "as you like");
    else if (et_eq(said, et_s("listen")))
        (void)et_ws_text(
            s, "%d", (int)et_ws_subscribe(s, et_s("golden"), ET_WS_TEXT));
    else if (et_eq(said, et_s("leave")))
        et_ws_unsubscribe(s, et_s("golden"));
    else if (et_eq(said, et_s("post")))
        (void)et_ws_post(s->ws, et_ws_token(s), on_ws_posted, posted);
    else
        (void)et_ws_send(s, type, p, n);
}

static void
on_writable(et_ws *s, void *self)
{
    (void)self;
    (void)et_ws_text(s, "there is room");
}

static void
on_retiring(et_ws *s, void *self)
{
    (void)self;
    (void)et_ws_close(s, 1001, "moving on");
}

static void
on_close(et_ws *s, void *self, uint32_t code, et_str reason)
{
    (void)s;
    (void)code;
    (void)reason;
    ((struct state *)self)->n_closed++;
}

static const et_ws_calls calls = {ET_WS_CALLS, on_open,     on_message,
                                  on_writable, on_retiring, on_close};
static const et_str protocols[] = {{"golden", 6}};
static const et_str origins[] = {{"*", 1}};
static const et_ws_ask ws_ask = {
    (uint32_t)sizeof(et_ws_ask),
    ET_WS_PLAIN,
    protocols,
    1,
    origins,
    1,
    100000,
    200000,
    20000,
    0,
};

ET_GET("/g/ws", ws)
{
    static char welcome[] = "welcome";

    (void)self;
    return et_ws_accept(r, &calls, &ws_ask, welcome);
}

ET_GET_TASK("/g/ws-task", ws_task)
{
    et_ws_message m;
    et_ws *s;
    const uint32_t rc = et_ws_open(r, &ws_ask, &s);

    (void)self;
    if (!s)
        return rc;
    while (et_ws_recv(r, s, UINT64_MAX, &m) == 0)
        if (et_ws_put(r, s, m.type, m.text.p, m.text.n) < 0)
            break;
    return m.type == 0 && m.code == 1000 ? ET_DONE : ET_FAIL;
}

ET_PLUGIN_AS("org.etude.golden", "1.0.0", ET_P_UNMAP_OK | ET_P_ALWAYS_NEW,
             "compiled with the headers of 1.0");
