/* SPDX-License-Identifier: BSD-2-Clause */
/* upload.c - request bodies of any length become files, named by their SHA-256
 * or by the path.
 *
 * A task reads the body into a buffer of fixed size; whatever touches the disk,
 * hashing included, is a job of the pool.  The client is read no faster than
 * the disk takes it.  The file has no name until it is whole (spool.h), and
 * what comes to nothing - by an error, a client that goes, a stop - is closed
 * by the janitor.
 *
 * Below, a result is 0, or above 0 an errno, or below 0 one of ET_E*. */
#define _GNU_SOURCE
#include <errno.h>
#include <etude.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "janitor.h"
#include "origin.h"
#include "page.h"
#include "spool.h"

#define BUFFER_BYTES ((size_t)64 << 10)
/* A pool whose queue is full is asked again for five seconds. */
#define BUSY_TRIES 100
#define BUSY_MS 50

struct options {
    et_str folder;
    int64_t max;
    int64_t replace;
    int64_t sync;
    et_list origin;
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_PATH(folder, NULL, ET_O_REQUIRED | ET_O_WRITE,
                       "where the files go; it must be there"),
           ET_OPT_SIZE(max, "100m", 0, INT64_MAX, "largest file"),
           ET_OPT_BOOL(replace, "no", "a name that is there is replaced"),
           ET_OPT_BOOL(sync, "yes", "answer when it is safe on the disk"),
           ET_OPT_LIST(origin, 0,
                       "whose pages may upload beside those of the same host, "
                       "\"https://example.org\" or \"*\"; may repeat"));

ET_COUNTER(stored, NULL, "files stored");
ET_COUNTER(received, "bytes", "bytes of bodies read, stored or not");

/* ---- an instance ---------------------------------------------------------*/

struct depot {
    const struct options *options;
    struct spool_folder folder;
    struct janitor janitor;
    struct page page;
};

static int32_t
find_folder(et_conf *c, const struct depot *d, et_err *e)
{
    const char *path = d->folder.path;
    struct stat st;
    int swept;
    if (stat(path, &st) < 0)
        return et_seterr(e, "folder: %s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return et_seterr(e, "folder: %s: not a folder", path);
    if (access(path, R_OK | W_OK | X_OK) < 0)
        return et_seterr(e, "folder: %s: %s", path, strerror(errno));
    swept = spool_sweep(path);
    if (swept > 0)
        et_info(c, "%s: removed %d unfinished file(s)", path, swept);
    return 0;
}

static int32_t
open_depot(et_conf *c, const void *options, void *inst, et_err *e)
{
    struct depot *d = (struct depot *)inst;
    int rc;
    d->options = (const struct options *)options;
    d->folder.path = d->options->folder.p;
    d->folder.sha256 = EVP_sha256();
    d->folder.is_synced = d->options->sync != 0;
    d->folder.is_named = access("/proc/self/fd", X_OK) < 0;
    if (page_make(&d->page) < 0)
        return et_seterr(e, "libcrypto has no SHA-256");
    if (find_folder(c, d, e) < 0)
        return ET_EINVAL;
    rc = janitor_start(&d->janitor);
    return rc ? et_seterr(e, "no thread: %s", strerror(rc)) : 0;
}

static void
close_depot(void *inst)
{
    janitor_stop(&((struct depot *)inst)->janitor);
}

ET_INSTANCE(struct depot, open_depot, close_depot);

/* ---- an upload -----------------------------------------------------------*/

struct upload {
    struct depot *depot;
    struct spool *spool; /* NULL: it has not begun, or is over */
    char *buffer;
    size_t n; /* bytes in it */
    int64_t bytes;
    int is_hash;     /* it is named by its hash */
    int is_expected; /* expected is known */
    int is_old;      /* the same file was there */
    unsigned char expected[DIGEST_BYTES];
    char name[SPOOL_NAME_MAX + 1]; /* "": not known yet */
    char hex[DIGEST_HEX + 1];
};

/* Whatever has become of it by now.  On the worker: no disk here. */
static void
give_up(void *arg)
{
    struct upload *u = (struct upload *)arg;
    janitor_take(&u->depot->janitor, u->spool);
    u->spool = NULL;
}

/* ---- what the request says -----------------------------------------------*/

/* No path, nothing hidden, nothing that a shell or a terminal takes amiss. */
static int
is_name(et_str s)
{
    size_t i;
    for (i = 0; i < s.n; i++) {
        const char c = s.p[i];
        const int is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9');
        if (!is_plain && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return 0;
    }
    return s.n > 0 && s.n <= SPOOL_NAME_MAX;
}

/* One more hash that it is to have: 0, or ET_EINVAL: it cannot have both. */
static int32_t
expect(struct upload *u, const unsigned char sha256[DIGEST_BYTES])
{
    if (u->is_expected && memcmp(u->expected, sha256, DIGEST_BYTES) != 0)
        return ET_EINVAL;
    memcpy(u->expected, sha256, DIGEST_BYTES);
    u->is_expected = 1;
    return 0;
}

/* A name that looks like a hash is one, so that nothing else ever has it. */
static int32_t
read_name(const et_req *r, struct upload *u)
{
    const et_str name = et_param(r, "name");
    unsigned char sha256[DIGEST_BYTES];
    u->is_hash = !name.p || digest_of_hex(name, sha256);
    if (!name.p)
        return 0;
    if (!is_name(name))
        return ET_EINVAL;
    memcpy(u->name, name.p, name.n);
    return u->is_hash ? expect(u, sha256) : 0;
}

/* RFC 9530: both are of the bytes as they are sent, since neither a coding nor
 * a range is taken here. */
static int32_t
read_digests(const et_req *r, struct upload *u)
{
    static const char *const names[] = {"Content-Digest", "Repr-Digest"};
    unsigned char sha256[DIGEST_BYTES];
    uint32_t i, nth;
    for (i = 0; i < 2; i++)
        for (nth = 0;; nth++) {
            const et_str field = r->http->header(r, et_s(names[i]), nth);
            const int32_t rc = field.p ? digest_of_field(field, sha256) : 0;
            if (!field.p)
                break;
            if (rc < 0 || (rc > 0 && expect(u, sha256) < 0))
                return ET_EINVAL;
        }
    return 0;
}

static int
begins(et_str s, const char *with)
{
    const size_t n = strlen(with);
    return s.n >= n && et_eq_nocase(et_sn(s.p, n), et_s(with));
}

/* 0: it may come; else the answer's status, before the body is asked for. */
static uint32_t
judge(et_req *r, struct upload *u)
{
    const et_str coding = et_header(r, "Content-Encoding");
    const et_str length = et_header(r, "Content-Length");
    int64_t n;
    if (!origin_may_come(r, &u->depot->options->origin))
        return 403;
    if (et_header(r, "Content-Range").p || read_name(r, u) < 0 ||
        read_digests(r, u) < 0)
        return 400;
    if ((coding.p && !et_eq_nocase(coding, et_s("identity"))) ||
        begins(et_header(r, "Content-Type"), "multipart/"))
        return 415;
    if (length.p && et_to_int(length, 0, u->depot->options->max, &n) < 0)
        return 413;
    return 0;
}

/* ---- on the pool ---------------------------------------------------------*/

static int32_t
begin(void *arg)
{
    struct upload *u = (struct upload *)arg;
    const int rc = spool_open(&u->spool, &u->depot->folder);
    if (rc == 0 && !u->is_hash && !u->depot->options->replace &&
        spool_is_taken(u->spool, u->name))
        return EEXIST;
    return rc;
}

static int32_t
append(void *arg)
{
    struct upload *u = (struct upload *)arg;
    const int rc = spool_write(u->spool, u->buffer, u->n);
    u->n = 0;
    return rc;
}

static int32_t
keep(struct upload *u)
{
    unsigned char sha256[DIGEST_BYTES];
    int rc = spool_digest(u->spool, sha256);
    if (rc != 0)
        return rc;
    if (u->is_expected && memcmp(sha256, u->expected, DIGEST_BYTES) != 0)
        return EBADMSG;
    digest_to_hex(sha256, u->hex);
    if (!u->name[0])
        memcpy(u->name, u->hex, sizeof u->hex);
    rc = spool_keep(u->spool, u->name,
                    !u->is_hash && u->depot->options->replace);
    u->is_old = rc == EEXIST && u->is_hash && spool_is_there(u->spool, u->name);
    return u->is_old ? 0 : rc;
}

static int32_t
finish(void *arg)
{
    struct upload *u = (struct upload *)arg;
    struct spool *s;
    int32_t rc = append(u);
    if (rc == 0)
        rc = keep(u);
    s = u->spool;
    u->spool = NULL;
    spool_close(s);
    return rc;
}

/* ---- the task ------------------------------------------------------------*/

/* The job's result; EAGAIN: the pool has no room for it. */
static int32_t
run(et_req *r, int32_t (*job)(void *arg), struct upload *u)
{
    int32_t rc = et_offload(r, job, u);
    int i;
    for (i = 0; rc == ET_ELIMIT && i < BUSY_TRIES; i++) {
        rc = et_sleep(r, BUSY_MS);
        if (rc == 0)
            rc = et_offload(r, job, u);
    }
    return rc == ET_ELIMIT ? EAGAIN : rc;
}

static int32_t
receive(et_req *r, struct upload *u)
{
    int64_t n;
    int32_t rc = run(r, begin, u);
    while (rc == 0) {
        n = et_read_body(r, u->buffer + u->n, BUFFER_BYTES - u->n);
        if (n <= 0)
            return n < 0 ? (int32_t)n : run(r, finish, u);
        u->n += (size_t)n;
        u->bytes += n;
        et_count(r, received, n);
        if (u->bytes > u->depot->options->max)
            return ET_ELIMIT;
        if (u->n == BUFFER_BYTES)
            rc = run(r, append, u);
    }
    return rc;
}

static uint32_t
refuse(et_req *r, uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *text;
    } why[] = {
        {400, "the name, a digest or the body is malformed\n"},
        {403, "not from a page of another origin\n"},
        {408, "the body did not come in time\n"},
        {409, "there is something of that name\n"},
        {413, "it is too large\n"},
        {415, "send the file itself: no form, no Content-Encoding\n"},
        {422, "it is not what the digest says\n"},
        {500, "it could not be stored\n"},
        {503, "busy, try again later\n"},
        {507, "there is no room for it\n"},
    };
    size_t i;
    for (i = 0; i < sizeof why / sizeof why[0]; i++)
        if (why[i].status == status)
            return et_error(r, status, "%s", why[i].text);
    return ET_FAIL;
}

static uint32_t
status_of(int32_t rc)
{
    switch (rc) {
    case ET_EINVAL: return 400;
    case ET_ETIME: return 408;
    case ET_ELIMIT: return 413;
    case EEXIST: return 409;
    case EBADMSG: return 422;
    case ET_ERETIRE:
    case EAGAIN: return 503;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return 507;
    default: return 500;
    }
}

static uint32_t
answer(et_req *r, const struct upload *u)
{
    et_count(r, stored, 1);
    return et_json(r, u->is_old ? 200 : 201,
                   "{\"name\":\"%s\",\"bytes\":%lld,\"sha256\":\"%s\"}\n",
                   u->name, (long long)u->bytes, u->hex);
}

ET_ROUTE("POST,PUT", "/upload", store, ET_F_TASK | ET_B_STREAM,
         "store the body under its SHA-256")
{
    struct upload *u = (struct upload *)et_alloc(r, sizeof *u);
    char *buffer = (char *)et_alloc(r, BUFFER_BYTES);
    uint32_t status;
    int32_t rc;
    if (!u || !buffer)
        return ET_FAIL;
    memset(u, 0, sizeof *u);
    u->depot = (struct depot *)self;
    u->buffer = buffer;
    status = judge(r, u);
    if (status)
        return refuse(r, status);
    if (et_defer(r, give_up, u) < 0)
        return ET_FAIL;
    rc = receive(r, u);
    if (rc == 0)
        return answer(r, u);
    status = status_of(rc);
    if (status == 503)
        et_set(r, "Retry-After", et_s("5"));
    if (status == 507 || (status == 500 && rc > 0))
        et_log_error(r, "%s: %s", u->depot->folder.path, strerror(rc));
    return refuse(r, status);
}

ET_ALSO("PUT", "/upload/:name", store, ET_F_TASK | ET_B_STREAM,
        "store the body under that name");

ET_ROUTE("GET", "/upload", page, ET_B_NONE, "a page to upload with")
{
    const struct depot *d = (const struct depot *)self;
    et_set(r, "Content-Security-Policy", et_s(d->page.policy));
    et_set(r, "X-Content-Type-Options", et_s("nosniff"));
    et_set(r, "Referrer-Policy", et_s("no-referrer"));
    return et_bytes_static(r, 200, et_s("text/html; charset=utf-8"),
                           et_sn(d->page.text, d->page.n));
}

/* Not ET_P_UNMAP_OK: it has a thread, and libcrypto exit handlers. */
ET_PLUGIN_AS("org.etude.upload", "1.0.0", 0,
             "streams request bodies to disk, with their SHA-256");
