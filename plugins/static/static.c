/* SPDX-License-Identifier: BSD-2-Clause */
/* static.c - files beneath a folder, as answers.
 *
 *     handler -> path is good? -> file? -> folder: slash, index, listing
 *                                  |  \-> none: try
 *                                  v
 *                 cache | load, if nothing waits | load by the pool, and again
 *                                                | hash by the pool, and again
 *
 * A request is one walk from the beginning of this picture to an answer.  Where
 * it needs a file that cannot be had without waiting the pool gets it, and the
 * walk begins anew; what it has found so far it keeps, good or bad, until its
 * log step, so that it comes one file further each time. */
#define _GNU_SOURCE
#include <errno.h>
#include <etude.h>
#include <sys/resource.h>

#include "answer.h"
#include "cache.h"
#include "closer.h"
#include "file.h"
#include "kin.h"
#include "listing.h"
#include "naming.h"
#include "path.h"
#include "site.h"
#include "walk.h"

ET_OPTIONS(
    struct options, site_check,
    ET_OPT_PATH(root, NULL, ET_O_REQUIRED, "the folder; it must be there"),
    ET_OPT_LIST(index, 0,
                "what stands for a folder, the first that is there; may repeat "
                "(index.html)"),
    ET_OPT("try", tries, et_list, ET_O_LIST, NULL, 0, 0, NULL,
           "what is served where nothing is, the first that is there: "
           "\"$path.html\", \"/app.html\"; may repeat"),
    ET_OPT_CHOICE(symlinks, "beneath", "beneath|none|any",
                  "symbolic links that are followed: that stay beneath root, "
                  "none, any"),
    ET_OPT_BOOL(
        hidden, "no",
        "serve names that begin with a dot; .well-known is in any case"),
    ET_OPT_BOOL(precompressed, "no",
                "send name.br, name.zst, name.gz instead of name to who takes "
                "it"),
    ET_OPT_CHOICE(
        etag, "stat", "stat|hash|none",
        "the entity tag is of time, size and inode; of the content; none"),
    ET_OPT_PATH(types, NULL, 0, "a table of media types, as conf/mime.types"),
    ET_OPT_LIST(type, 0,
                "a line of such a table, \"text/x-log log\"; may repeat"),
    ET_OPT_STR(default_type, "application/octet-stream", 0,
               "media type of what the tables do not know"),
    ET_OPT_STR(charset, "utf-8", 0,
               "of text, XML, JavaScript; empty: not said"),
    ET_OPT_LIST(cache_control, 0,
                "\"PATTERN value\" of Cache-Control; the first that matches; "
                "may repeat"),
    ET_OPT_LIST(
        expires, 0,
        "\"PATTERN 12h\": Expires, and max-age; the first that matches; "
        "may repeat"),
    ET_OPT_BOOL(list, "no", "show what is in a folder without an index"),
    ET_OPT_INT(list_max, "1000", 1, 100000, "names that are shown at most"),
    ET_OPT("revalidate", revalidate_ms, int64_t, ET_O_TIME, "1s", 0, 86400000,
           NULL, "how long what is open is good without a look at the disk"),
    ET_OPT_INT(cache_entries, "4096", 0, 10000000,
               "files that each worker keeps; 0: none"),
    ET_OPT_INT(cache_files, "256", 0, 1000000,
               "of these, that it keeps open; smaller ones are in memory"),
    ET_OPT_SIZE(cache_memory, "16m", 0, INT64_MAX,
                "bytes that each worker keeps"),
    ET_OPT_SIZE(cache_file, "16k", 0, 16777216,
                "largest file that is kept in memory"));

ET_IMAGE(closer_start, closer_stop);
ET_INSTANCE(struct site, site_open, site_close);

ET_COUNTER(hits, NULL, "files found open");
ET_COUNTER(misses, NULL, "files opened");
ET_COUNTER(waits, NULL, "of these, by the pool");
ET_COUNTER(starved, NULL, "requests refused for want of a descriptor");

#define WARN_MS 10000u /* between two lines of the same */
/* What is open stays so at least that long behind its last request, and
 * revalidate; looks at once. */
#define SWEEP_MS 10000u
#define SWEEP_FILES 64u

/* ---- a worker ------------------------------------------------------------*/

/* What is left is for connections, and nobody tells us how many. */
static int
are_many(const et_worker *w, uint64_t files)
{
    struct rlimit l;
    return getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur != RLIM_INFINITY &&
           files * w->n_workers > l.rlim_cur / 2;
}

/* Once: by the first worker, of the site with which they become too many. */
static void
warn_of_many(et_worker *w, uint64_t before, uint64_t now)
{
    if (w->index != 0 || are_many(w, before) || !are_many(w, now))
        return;
    et_warn(w,
            "all sites of %u workers may keep %llu files open, more than half "
            "of what RLIMIT_NOFILE allows; connections need descriptors, too: "
            "see max_files, cache_files",
            w->n_workers, (unsigned long long)(now * w->n_workers));
}

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct folder *s = state;
    const struct options *o;
    uint64_t all;
    s->site = from;
    s->loop = et_loop_open(w);
    o = s->site->o;
    if (!s->loop ||
        cache_init(&s->cache, (uint64_t)o->cache_entries,
                   (uint64_t)o->cache_files, (uint64_t)o->cache_memory) < 0)
        return et_seterr(e, "out of memory");
    kin_join(&s->kin, w, &s->cache);
    all = kin_max_open(&s->kin);
    warn_of_many(w, all - cache_max_open(&s->cache), all);
    naming_init(&s->naming, s->loop->async);
    return 0;
}

static void
leave(et_worker *w, void *state)
{
    struct folder *s = state;
    (void)w;
    kin_leave(&s->kin);
    cache_fini(&s->cache);
}

ET_STATE(struct folder, init, leave);

/* What is open and was not asked for in a while goes: a file that was deleted
 * has its blocks until then. */
static void
sweep(et_loop *l, void *arg)
{
    struct folder *s = arg;
    const uint64_t ms = cache_sweep(&s->cache, SWEEP_FILES)
                            ? 0
                            : SWEEP_MS + (uint64_t)s->site->o->revalidate_ms;
    s->sweep = s->cache.n_open ? et_loop_timer(l, ms, sweep, s) : 0;
}

/* f is as the disk has it now.  Where the same is kept already that stays, and
 * what is known of its content with it: it is the one to use. */
static struct file *
put(struct folder *s, struct file *f, uint64_t now_ms)
{
    struct file *old = cache_find(&s->cache, f->key);
    if (old && file_is_same(old, f)) {
        file_ref(old);
        file_unref(f);
        f = old;
    }
    f->checked_ms = now_ms;
    cache_put(&s->cache, f);
    if (s->cache.n_open && !s->sweep)
        s->sweep = et_loop_timer(
            s->loop, SWEEP_MS + (uint64_t)s->site->o->revalidate_ms, sweep, s);
    return f;
}

/* ---- a walk --------------------------------------------------------------*/

static void
let_go(const struct found *f)
{
    if (f->file)
        file_unref(f->file);
}

ET_LOG(release)
{
    struct folder *s = self;
    struct walk *w = *r->mine;
    const struct found *f;
    if (!w)
        return ET_NEXT;
    naming_leave(&s->naming, &w->asker);
    for (f = w->found; f; f = f->next)
        let_go(f);
    if (w->loading)
        let_go(w->loading);
    if (w->listing)
        free(w->listing->text);
    return ET_NEXT;
}

/* ---- files ---------------------------------------------------------------*/

static uint64_t
now_ms(const et_req *r)
{
    return r->start_ns / 1000000;
}

static int
keep(struct walk *w, struct found *f, struct file **out)
{
    f->next = w->found;
    w->found = f;
    *out = f->file;
    return f->err;
}

static struct found *
found_new(et_req *r, et_str path)
{
    struct found *f = et_alloc(r, sizeof *f);
    if (!f)
        return NULL;
    memset(f, 0, sizeof *f);
    f->path = path;
    return f;
}

/* Is f as the disk has it?  1; or what file_is_current says. */
static int
is_current(struct folder *s, struct file *f)
{
    int rc = file_is_current(s->site, f, 0);
    if (!file_is_starved(rc))
        return rc;
    file_ref(f); /* it is not to go itself */
    if (kin_yield(&s->kin))
        rc = file_is_current(s->site, f, 0);
    file_unref(f);
    return rc;
}

/* In the cache, and as the disk has it, or nobody can say?  What only the pool
 * can compare stays there until that has. */
static struct file *
cached(et_req *r, struct folder *s, et_str path)
{
    struct file *f = cache_find(&s->cache, path);
    int rc;
    if (!f || now_ms(r) - f->checked_ms < (uint64_t)s->site->o->revalidate_ms)
        return f;
    rc = is_current(s, f);
    if (rc == 1)
        f->checked_ms = now_ms(r);
    if (rc == 1 || file_is_starved(rc))
        return f;
    if (rc == 0)
        cache_drop(&s->cache, f);
    return NULL;
}

static int32_t
load_job(void *arg)
{
    struct walk *w = arg;
    struct found *f = w->loading;
    f->err = file_load(w->site, f->path, 1, &f->file);
    return 0;
}

static uint32_t walk_on(et_req *r, struct folder *s, struct walk *w);
static int load_later(et_req *r, struct walk *w, struct found *f);

static uint32_t
on_loaded(et_req *r, void *self, int32_t rc)
{
    struct folder *s = self;
    struct walk *w = *r->mine;
    struct found *f = w->loading;
    struct file *file;
    if (rc < 0)
        return et_fail(r, "%.*s: its job has failed", ET_STR(f->path));
    w->loading = NULL;
    if (file_is_starved(f->err) && !f->is_second && kin_yield(&s->kin)) {
        f->is_second = 1;
        rc = load_later(r, w, f);
        if (rc == WAITS)
            return ET_WAIT; /* f is the pool's again */
        f->err = rc;
    }
    if (f->file)
        f->file = put(s, f->file, now_ms(r));
    (void)keep(w, f, &file);
    return walk_on(r, s, w);
}

/* Why a job could not be begun.  Where it is not for want of memory too much
 * goes on, or the server ends, or nobody waits any more. */
static int
why_not(int32_t rc)
{
    return rc == ET_ENOMEM ? -ENOMEM : -EBUSY;
}

static int
load_later(et_req *r, struct walk *w, struct found *f)
{
    int32_t rc;
    w->loading = f;
    rc = et_offload_then(r, load_job, w, on_loaded, NULL);
    if (rc == 0) {
        et_count(r, waits, 1);
        return WAITS;
    }
    w->loading = NULL;
    return why_not(rc);
}

/* path is NUL-terminated and stays.  0 and *out, which is there until the log
 * step; -errno; or WAITS: the step is to return ET_WAIT. */
static int
find(et_req *r, struct folder *s, struct walk *w, et_str path,
     struct file **out)
{
    struct found *f;
    struct file *file;
    for (f = w->found; f; f = f->next)
        if (et_eq(f->path, path)) {
            *out = f->file;
            return f->err;
        }
    f = found_new(r, path);
    if (!f)
        return -ENOMEM;
    file = cached(r, s, path);
    if (file) {
        et_count(r, hits, 1);
        file_ref(file);
        f->file = file;
        return keep(w, f, out);
    }
    et_count(r, misses, 1);
    f->err = file_load(s->site, path, 0, &f->file);
    if (file_is_starved(f->err) && kin_yield(&s->kin))
        f->err = file_load(s->site, path, 0, &f->file);
    if (f->err == -EAGAIN)
        return load_later(r, w, f);
    if (f->file)
        f->file = put(s, f->file, now_ms(r));
    return keep(w, f, out);
}

/* ---- answers -------------------------------------------------------------*/

static void
starve(et_req *r, struct folder *s, int err)
{
    et_count(r, starved, 1);
    s->n_refused++;
    if (s->warned_ms && now_ms(r) - s->warned_ms < WARN_MS)
        return;
    et_warn(r, "%s, nor an idle file to close: %u refused; see max_files",
            strerror(-err), s->n_refused);
    s->warned_ms = now_ms(r);
    s->n_refused = 0;
}

static uint32_t
refuse(et_req *r, struct folder *s, int err)
{
    if (file_is_starved(err))
        starve(r, s, err);
    switch (err) {
    case -EACCES:
    case -EPERM: return et_error(r, 403, "not for you");
    case -EBUSY:
    case -EMFILE:
    case -ENFILE:
        if (et_set(r, "Retry-After", et_s("1")) < 0)
            return ET_FAIL;
        return et_error(r, 503, "too much is going on");
    case -ENOENT:
    case -ENOTDIR:
    case -EISDIR:
    case -ELOOP:
    case -EXDEV:
    case -ENAMETOOLONG:
    case -EINVAL: /* no name there: these two */
    case -EILSEQ:
    case -ENODEV: /* a device, a socket: these two */
    case -ENXIO: return et_error(r, 404, "there is nothing here");
    default: return et_fail(r, "%s", strerror(-err));
    }
}

/* Whether there may be something else instead. */
static int
is_missing(int err)
{
    return err == -ENOENT || err == -ENOTDIR || err == -ENAMETOOLONG ||
           err == -ELOOP || err == -EXDEV;
}

static uint32_t
on_named(et_req *r, void *self, int32_t rc)
{
    return rc < 0 ? refuse(r, self, rc) : walk_on(r, self, *r->mine);
}

/* The sibling of f that the client likes best, or NULL; or WAITS. */
static int
find_coded(et_req *r, struct folder *s, struct walk *w, const struct file *f,
           enum coding coding, struct file **out)
{
    et_str path;
    int rc;
    *out = NULL;
    if (coding == CODING_NONE)
        return 0;
    path = et_printf(r, "%.*s%s", ET_STR(f->key), file_ending(coding));
    rc = path.p ? find(r, s, w, path, out) : -ENOMEM;
    if (rc < 0 || (rc == 0 && (*out)->is_folder)) /* it has gone */
        *out = NULL;
    return rc == WAITS ? WAITS : 0;
}

static uint32_t
answer(et_req *r, struct folder *s, struct walk *w, struct file *f)
{
    const enum coding coding = ask_coding(r, &w->ask, f->siblings);
    struct file *coded, *sent;
    int rc = find_coded(r, s, w, f, coding, &coded);
    if (rc == WAITS)
        return ET_WAIT;
    sent = coded ? coded : f;
    if (sent->is_nameless) {
        rc = naming_begin(r, &s->naming, &w->asker, sent, on_named);
        return rc == WAITS ? ET_WAIT : refuse(r, s, rc);
    }
    return answer_file(r, &w->ask, f, coded, coding);
}

/* The path as the client has it, with a slash: what stands in the folder's
 * pages is relative to it.  It is the decoded path, encoded anew, and begins
 * with one slash: it never leads to another host. */
static uint32_t
redirect(et_req *r)
{
    char *to = et_alloc(r, 3 * r->path.n + 2 + (r->query.p ? r->query.n : 0));
    size_t n;
    if (!to)
        return ET_FAIL;
    n = path_encode(r->path, to);
    to[n++] = '/';
    if (r->query.p) {
        to[n++] = '?';
        memcpy(to + n, r->query.p, r->query.n);
        n += r->query.n;
    }
    return et_redirect(r, 301, et_sn(to, n));
}

/* ---- folders -------------------------------------------------------------*/

static const char policy[] =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

static uint32_t make_listing(et_req *r, struct folder *s, struct walk *w);

static uint32_t
on_listed(et_req *r, void *self, int32_t rc)
{
    static const et_field fields[] = {
        {{"Content-Security-Policy", 23}, {policy, sizeof policy - 1}},
        {{"X-Content-Type-Options", 22}, {"nosniff", 7}},
        {{"Cache-Control", 13}, {"no-cache", 8}},
        {{"Vary", 4}, {"Accept", 6}}};
    struct folder *s = self;
    struct walk *w = *r->mine;
    const struct listing *l = w->listing;
    if (rc < 0)
        return et_fail(r, "listing of %.*s has failed", ET_STR(w->path));
    if (file_is_starved(-l->err) && !w->lists_again && kin_yield(&s->kin)) {
        w->lists_again = 1;
        return make_listing(r, s, w);
    }
    if (l->err)
        return refuse(r, s, -l->err);
    if (et_add_static(r, fields, sizeof fields / sizeof fields[0]) < 0)
        return ET_FAIL;
    return et_bytes_static(
        r, 200,
        et_s(l->is_json ? "application/json" : "text/html; charset=utf-8"),
        et_sn(l->text, l->n));
}

static uint32_t
make_listing(et_req *r, struct folder *s, struct walk *w)
{
    const int32_t rc =
        et_offload_then(r, listing_make, w->listing, on_listed, NULL);
    if (rc == 0)
        return ET_WAIT;
    w->listing = NULL;
    return refuse(r, s, why_not(rc));
}

static uint32_t
list(et_req *r, struct folder *s, struct walk *w, et_str folder)
{
    struct listing *l = et_alloc(r, sizeof *l);
    if (!l)
        return ET_FAIL;
    memset(l, 0, sizeof *l);
    l->site = s->site;
    l->path = folder.p;
    l->url = r->path;
    l->is_json = ask_wants_json(r, &w->ask);
    l->has_parent = w->path.n > 0;
    w->listing = l;
    return make_listing(r, s, w);
}

/* One of the index files: 0 and *out, -ENOENT, -errno or WAITS. */
static int
find_index(et_req *r, struct folder *s, struct walk *w, struct file **out)
{
    const et_list names = s->site->index;
    size_t i;
    for (i = 0; i < names.n; i++) {
        const et_str path =
            et_printf(r, "%.*s%.*s", ET_STR(w->path), ET_STR(names.v[i]));
        const int rc = path.p ? find(r, s, w, path, out) : -ENOMEM;
        if (rc == 0 && (*out)->is_folder)
            continue;
        if (rc >= 0 || !is_missing(rc))
            return rc;
    }
    return -ENOENT;
}

/* What else is to be served where nothing is; as find_index. */
static int
find_other(et_req *r, struct folder *s, struct walk *w, struct file **out)
{
    const et_list tries = s->site->o->tries;
    const size_t n = w->path.n && w->path.p[w->path.n - 1] == '/'
                         ? w->path.n - 1
                         : w->path.n;
    size_t i;
    for (i = 0; i < tries.n; i++) {
        const et_str t = tries.v[i];
        const int has_path = t.p[0] == '$';
        const et_str path = has_path
                                ? et_printf(r, "%.*s%.*s", (int)n, w->path.p,
                                            (int)(t.n - 5), t.p + 5)
                                : et_printf(r, "%.*s", (int)(t.n - 1), t.p + 1);
        int rc;
        if (!path.p)
            return -ENOMEM;
        if (has_path &&
            (n == 0 || !path_is_good(path, s->site->o->hidden != 0)))
            continue;
        rc = find(r, s, w, path, out);
        if (rc == 0 && (*out)->is_folder)
            continue;
        if (rc >= 0 || !is_missing(rc))
            return rc;
    }
    return -ENOENT;
}

/* ---- the walk ------------------------------------------------------------*/

static uint32_t
go_other(et_req *r, struct folder *s, struct walk *w, int err)
{
    struct file *f;
    const int rc = is_missing(err) ? find_other(r, s, w, &f) : err;
    if (rc == WAITS)
        return ET_WAIT;
    return rc < 0 ? refuse(r, s, rc) : answer(r, s, w, f);
}

/* w->path is empty or ends in a slash. */
static uint32_t
go_folder(et_req *r, struct folder *s, struct walk *w)
{
    struct file *f;
    et_str folder;
    int rc = find_index(r, s, w, &f);
    if (rc == WAITS)
        return ET_WAIT;
    if (rc == 0)
        return answer(r, s, w, f);
    if (!is_missing(rc))
        return refuse(r, s, rc);
    folder = w->path.n ? et_printf(r, "%.*s", (int)(w->path.n - 1), w->path.p)
                       : et_s(".");
    rc = folder.p ? find(r, s, w, folder, &f) : -ENOMEM;
    if (rc == WAITS)
        return ET_WAIT;
    if (rc == 0 && f->is_folder && s->site->o->list)
        return list(r, s, w, folder);
    return go_other(r, s, w, rc < 0 ? rc : -ENOENT);
}

static uint32_t
walk_on(et_req *r, struct folder *s, struct walk *w)
{
    struct file *f;
    int rc;
    if (w->path.n == 0 || w->path.p[w->path.n - 1] == '/')
        return go_folder(r, s, w);
    rc = find(r, s, w, w->path, &f);
    if (rc == WAITS)
        return ET_WAIT;
    if (rc < 0)
        return go_other(r, s, w, rc);
    return f->is_folder ? redirect(r) : answer(r, s, w, f);
}

/* What of the path is beneath the root: the route's tail, or all of it. */
static et_str
path_of(et_req *r)
{
    const et_str tail = r->http->text(r, ET_T_TAIL);
    et_str path = tail;
    if (!path.p)
        path = r->path.n && r->path.p[0] == '/'
                   ? et_sn(r->path.p + 1, r->path.n - 1)
                   : r->path;
    return path;
}

static uint32_t
refuse_method(et_req *r)
{
    if (et_set(r, "Allow", et_s("GET, HEAD, OPTIONS")) < 0)
        return ET_FAIL;
    if (r->method == ET_M_OPTIONS)
        return et_status(r, 204);
    return et_error(r, 405, "files are only read");
}

ET_HANDLER(static_files)
{
    struct folder *s = self;
    const et_str path = path_of(r);
    struct walk *w;
    char *copy;
    if (r->method != ET_M_GET && r->method != ET_M_HEAD)
        return refuse_method(r);
    if (!path_is_good(path, s->site->o->hidden != 0))
        return refuse(r, s, -ENOENT);
    w = et_alloc(r, sizeof *w + path.n + 1);
    if (!w)
        return ET_FAIL;
    copy = (char *)(w + 1);
    memcpy(copy, path.p, path.n);
    copy[path.n] = 0;
    memset(w, 0, sizeof *w);
    w->site = s->site;
    w->path = et_sn(copy, path.n);
    ask_read(r, &w->ask);
    *r->mine = w;
    return walk_on(r, s, w);
}

/* Not ET_P_UNMAP_OK: it has a thread. */
ET_PLUGIN_AS("org.etude.static", "1.0.0", 0,
             "files beneath a folder: ranges, conditions, precompressed");
