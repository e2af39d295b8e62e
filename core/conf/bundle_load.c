/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_load.c - see bundle_load.h.
 *
 * The body is read in one piece into the bundle's arena and stays there: names
 * and texts are where they were in it, which is why each ends in a NUL. */
#include "conf/bundle_load.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/bundle_dump.h"
#include "conf/bundle_image.h"
#include "conf/bundle_outage.h"
#include "conf/bundle_paper.h"
#include "conf/bundle_remark.h"
#include "os/file.h"

#define WHY_LEN 400

struct head {
    uint32_t version;
    uint64_t body_len;
    uint8_t sha256[SHA256_LEN]; /* of the body */
};

/* ---- taking a body apart --------------------------------------------------*/

/* What is left of a body.  After the first fault everything reads as zeros and
 * "", so that a walk needs to look once, where it would go on too long. */
struct reader {
    const char *p;
    size_t n;
    int is_bad;
};

static const char *
take(struct reader *r, size_t n)
{
    const char *p = r->p;

    if (r->is_bad || n > r->n) {
        r->is_bad = 1;
        return NULL;
    }
    r->p += n;
    r->n -= n;
    return p;
}

static uint32_t
take_u32(struct reader *r)
{
    const char *p = take(r, sizeof(uint32_t));
    uint32_t n = 0;

    if (p)
        memcpy(&n, p, sizeof(n));
    return le32toh(n);
}

static uint64_t
take_u64(struct reader *r)
{
    const char *p = take(r, sizeof(uint64_t));
    uint64_t n = 0;

    if (p)
        memcpy(&n, p, sizeof(n));
    return le64toh(n);
}

static et_str
take_text(struct reader *r)
{
    size_t n = take_u32(r);
    const char *p = take(r, n), *end = take(r, 1);

    if (end && *end == '\0')
        return (et_str){p, n};
    r->is_bad = 1;
    return (et_str){"", 0};
}

/* A text without a NUL in it. */
static const char *
take_z(struct reader *r)
{
    et_str s = take_text(r);

    r->is_bad |= strlen(s.p) != s.n;
    return r->is_bad ? "" : s.p;
}

static const char *
take_path(struct reader *r)
{
    const char *path = take_z(r);

    r->is_bad |= path[0] != '/';
    return path;
}

static struct file_id
take_id(struct reader *r)
{
    struct file_id id;

    id.dev = take_u64(r);
    id.ino = take_u64(r);
    id.size = take_u64(r);
    id.mtime_ns = (int64_t)take_u64(r);
    id.ctime_ns = (int64_t)take_u64(r);
    return id;
}

static int
take_file(struct reader *r, struct bundle *b)
{
    struct bundle_file f;
    uint32_t layer, least = BUNDLE_BASE;

    f.name = take_z(r);
    f.dir = take_path(r);
    f.text = take_text(r);
    layer = take_u32(r);
    f.id = take_id(r);
    if (b->n_files)
        least = b->files[b->n_files - 1].layer;
    if (layer < least || layer > BUNDLE_OVERLAY ||
        f.text.n > BUNDLE_MAX_BYTES - b->bytes)
        r->is_bad = 1;
    if (r->is_bad)
        return 0;
    f.layer = (enum bundle_layer)layer;
    b->bytes += f.text.n;
    return bundle_add_file(b, &f);
}

static int
take_var(struct reader *r, struct bundle *b)
{
    struct var v;
    uint32_t flags;

    v.name = take_text(r);
    v.value = take_text(r);
    v.why = take_z(r);
    flags = take_u32(r);
    if (!(flags & BUNDLE_DUMP_HAS_VALUE)) {
        r->is_bad |= v.value.n != 0;
        v.value = (et_str){NULL, 0};
    }
    if (!(flags & BUNDLE_DUMP_HAS_WHY)) {
        r->is_bad |= v.why[0] != '\0';
        v.why = NULL;
    }
    v.is_secret = (flags & BUNDLE_DUMP_IS_SECRET) != 0;
    r->is_bad |= (flags & ~(uint32_t)BUNDLE_DUMP_VAR_FLAGS) != 0;
    return r->is_bad ? 0 : vars_add(&b->vars, &v);
}

static int
take_remarks(struct reader *r, struct bundle *b, uint32_t version)
{
    uint32_t n = take_u32(r), kind;
    const char *text;
    int rc = 0;

    r->is_bad |= (n == 0 && version == 2) || n > BUNDLE_REMARK_MAX;
    for (; !rc && !r->is_bad && n; n--) {
        kind = take_u32(r);
        text = take_z(r);
        r->is_bad |= kind >= DIAG_KINDS;
        if (!r->is_bad)
            rc = bundle_remark_add(b, (enum diag_kind)kind, text);
    }
    return rc;
}

static int
take_outages(struct reader *r, struct bundle *b, uint32_t version)
{
    uint32_t n = take_u32(r), flag;
    struct bundle_outage o = {0};
    int rc = 0;

    r->is_bad |= (n == 0 && version == 3) || n > BUNDLE_OUTAGE_MAX;
    for (; !rc && !r->is_bad && n; n--) {
        o.section = take_z(r);
        o.why = take_z(r);
        flag = take_u32(r);
        o.is_loadable = flag == 1;
        r->is_bad |= flag > 1;
        if (!r->is_bad)
            rc = bundle_outage_add(b, &o);
    }
    r->is_bad |= rc == ERR_INVALID;
    return rc;
}

/* Each has room for its text, which is filled in later. */
static int
take_papers(struct reader *r, struct bundle *b)
{
    uint32_t n = take_u32(r), flags;
    struct bundle_paper p = {0};
    const char *sha256;
    int rc = 0;

    r->is_bad |= n == 0 || n > BUNDLE_PAPER_MAX;
    for (; !rc && !r->is_bad && n; n--) {
        p.path = take_path(r);
        p.why = take_z(r);
        p.mode = take_u32(r);
        flags = take_u32(r);
        p.n = (size_t)take_u64(r);
        sha256 = take(r, SHA256_LEN);
        r->is_bad |= flags != (p.why[0] ? 0 : BUNDLE_DUMP_HAS_TEXT) ||
                     (p.why[0] && p.n > 0) || p.n > BUNDLE_PAPER_MAX_BYTES ||
                     p.mode > 07777 ||
                     bundle_paper_find(b, str_from_z(p.path)) ||
                     b->paper_bytes + p.n > BUNDLE_PAPER_MAX_TOTAL;
        if (r->is_bad)
            return 0;
        if (!p.why[0])
            p.why = NULL;
        memcpy(p.sha256, sha256, SHA256_LEN);
        rc = bundle_paper_add(b, &p) ? 0 : ERR_NOMEM;
    }
    return rc;
}

/* Everything before the images; they follow in r. */
static int
take_texts(struct reader *r, struct bundle *b, uint32_t version)
{
    uint32_t n;
    int rc = 0;

    b->cwd = take_path(r);
    b->modules = take_path(r);
    n = take_u32(r);
    r->is_bad |= n > BUNDLE_MAX_FILES;
    for (; !rc && !r->is_bad && n; n--)
        rc = take_file(r, b);
    for (n = take_u32(r); !rc && !r->is_bad && n; n--)
        rc = take_var(r, b);
    if (!rc && !r->is_bad && version > 1)
        rc = take_remarks(r, b, version);
    if (!rc && !r->is_bad && version > 2)
        rc = take_outages(r, b, version);
    if (!rc && !r->is_bad && version > 3)
        rc = take_papers(r, b);
    r->is_bad |= !rc && b->n_files == 0 && !bundle_remark_has_error(b);
    return rc;
}

/* ---- reading --------------------------------------------------------------*/

/* One reading of a dump. */
struct loader {
    struct bundle *b;
    struct diag *d;
    int fd;
    uint64_t size; /* of the file */
    uint64_t at;   /* where the next image is */
};

static int PRINTF(2, 3) refuse(const struct loader *l, const char *fmt, ...)
{
    char why[WHY_LEN];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    diag_error(l->d, NULL, "bundle: %s", why);
    return ERR_INVALID;
}

static int
cut_short(const struct loader *l)
{
    return refuse(l, "is cut short: ends after %llu bytes",
                  (unsigned long long)l->size);
}

static int
damaged(const struct loader *l, const char *what)
{
    return refuse(l, "is damaged: %s", what);
}

static int
read_failed(const struct loader *l, int rc)
{
    return rc == -ENODATA ? cut_short(l)
                          : refuse(l, "cannot be read: %s", strerror(-rc));
}

static int
no_memory(const struct loader *l)
{
    return refuse(l, "%s", err_text(ERR_NOMEM));
}

static int
find_size(struct loader *l)
{
    struct stat st;

    if (fstat(l->fd, &st) < 0)
        return read_failed(l, -errno);
    l->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    return l->size >= BUNDLE_DUMP_HEAD_LEN ? 0 : cut_short(l);
}

static int
judge_head(const struct loader *l, struct head *h, struct reader *r)
{
    if (memcmp(take(r, BUNDLE_DUMP_MAGIC_LEN), BUNDLE_DUMP_MAGIC,
               BUNDLE_DUMP_MAGIC_LEN) != 0)
        return refuse(l, "is none: it does not begin with \"" BUNDLE_DUMP_MAGIC
                         "\"");
    h->version = take_u32(r);
    if (h->version == 0 || h->version > BUNDLE_DUMP_VERSION)
        return refuse(l, "is of version %u; this server reads up to version %u",
                      h->version, BUNDLE_DUMP_VERSION);
    if (take_u32(r) != 0)
        return damaged(l, "its head");
    h->body_len = take_u64(r);
    if (h->body_len > BUNDLE_DUMP_MAX_BODY)
        return refuse(l, "is too large: %llu bytes of texts",
                      (unsigned long long)h->body_len);
    if (h->body_len > l->size - BUNDLE_DUMP_HEAD_LEN)
        return cut_short(l);
    memcpy(h->sha256, take(r, SHA256_LEN), SHA256_LEN);
    return 0;
}

static int
read_head(struct loader *l, struct head *h)
{
    char bytes[BUNDLE_DUMP_HEAD_LEN];
    struct reader r = {.p = bytes, .n = sizeof(bytes)};
    int rc = file_read_at(l->fd, 0, bytes, sizeof(bytes));

    return rc < 0 ? read_failed(l, rc) : judge_head(l, h, &r);
}

/* The body, in the bundle's arena. */
static int
read_body(struct loader *l, const struct head *h, struct reader *r)
{
    char *p = arena_alloc(&l->b->arena, (size_t)h->body_len);
    uint8_t sha256[SHA256_LEN];
    int rc;

    if (!p)
        return no_memory(l);
    rc = file_read_at(l->fd, BUNDLE_DUMP_HEAD_LEN, p, (size_t)h->body_len);
    if (rc < 0)
        return read_failed(l, rc);
    sha256_of(p, (size_t)h->body_len, sha256);
    if (memcmp(sha256, h->sha256, SHA256_LEN) != 0)
        return damaged(l, "its texts are not those of its hash");
    *r = (struct reader){.p = p, .n = (size_t)h->body_len};
    l->at = BUNDLE_DUMP_HEAD_LEN + h->body_len;
    return 0;
}

/* The texts of papers, which begin at l->at. */
static int
read_papers(struct loader *l)
{
    uint8_t sha256[SHA256_LEN];
    int rc;

    for (struct bundle_paper *p = l->b->papers; p; p = p->next) {
        if (!p->text)
            continue;
        if (p->n > l->size - l->at)
            return cut_short(l);
        rc = file_read_at(l->fd, l->at, p->text, p->n);
        if (rc < 0)
            return read_failed(l, rc);
        l->at += p->n;
        sha256_of(p->text, p->n, sha256);
        if (memcmp(sha256, p->sha256, SHA256_LEN) != 0)
            return refuse(l, "is damaged: %s is not that of its hash", p->path);
    }
    return 0;
}

static int
add_image(struct loader *l, const struct bundle_image *img, const char *bytes)
{
    uint8_t sha256[SHA256_LEN];
    char why[WHY_LEN];

    sha256_of(bytes, (size_t)img->n, sha256);
    if (memcmp(sha256, img->sha256, SHA256_LEN) != 0)
        return refuse(l, "is damaged: %s is not that of its hash", img->path);
    if (!bundle_image_add(l->b, img, bytes, why, sizeof(why)))
        return refuse(l, "%s %s", img->path, why);
    return 0;
}

/* The bytes of one, which begin at l->at. */
static int
read_image(struct loader *l, const struct bundle_image *img)
{
    char *bytes;
    int rc;

    if (img->n > BUNDLE_IMAGE_MAX_BYTES)
        return refuse(l, "%s is too large", img->path);
    if (img->n > l->size - l->at)
        return cut_short(l);
    bytes = malloc((size_t)img->n + 1);
    if (!bytes)
        return no_memory(l);
    rc = file_read_at(l->fd, l->at, bytes, (size_t)img->n);
    l->at += img->n;
    rc = rc < 0 ? read_failed(l, rc) : add_image(l, img, bytes);
    free(bytes);
    return rc;
}

static int
read_images(struct loader *l, struct reader *r)
{
    struct bundle_image img = {.fd = -1};
    const char *sha256;
    int rc = 0;

    for (uint32_t n = take_u32(r); rc == 0 && n > 0; n--) {
        img.path = take_path(r);
        img.n = take_u64(r);
        sha256 = take(r, SHA256_LEN);
        img.source = take_id(r);
        if (r->is_bad)
            return damaged(l, "its list of images");
        memcpy(img.sha256, sha256, SHA256_LEN);
        rc = read_image(l, &img);
    }
    if (rc == 0 && (r->is_bad || r->n > 0))
        return damaged(l, "its list of images");
    if (rc == 0 && l->at != l->size)
        return damaged(l, "there are bytes behind its end");
    return rc;
}

static int
load(struct loader *l)
{
    struct reader r;
    struct head h;
    int rc = find_size(l);

    if (rc == 0)
        rc = read_head(l, &h);
    if (rc == 0)
        rc = read_body(l, &h, &r);
    if (rc < 0)
        return rc;
    if (take_texts(&r, l->b, h.version) == ERR_NOMEM)
        return no_memory(l);
    if (r.is_bad)
        return damaged(l, "its texts");
    rc = read_papers(l);
    return rc < 0 ? rc : read_images(l, &r);
}

struct bundle *
bundle_load(int fd, struct diag *d)
{
    struct loader l = {.b = bundle_new(), .d = d, .fd = fd};

    if (!l.b) {
        (void)no_memory(&l);
        return NULL;
    }
    l.b->is_closed = 1;
    if (load(&l) == 0)
        return l.b;
    bundle_free(l.b);
    return NULL;
}
