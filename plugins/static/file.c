/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - see file.h. */
#define _GNU_SOURCE
#include "file.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "closer.h"
#include "mime.h"
#include "path.h"
#include "site.h"

#define ETAG_MAX 64u
#define CHUNK_BYTES ((size_t)64 << 10)

const char *
file_ending(enum coding coding)
{
    static const char *const endings[] = {".br", ".zst", ".gz"};
    return endings[coding];
}

size_t
file_bytes(const struct file *f)
{
    return sizeof *f + f->key.n + ETAG_MAX + (f->content ? f->size : 0);
}

/* Who has it elsewhere may want to hear of it; without a name its blocks are
 * freed. */
static int
may_close_slowly(const struct file *f)
{
    struct stat st;
    return f->is_far || fstat(f->fd, &st) < 0 || st.st_nlink == 0;
}

void
file_unref(struct file *f)
{
    if (--f->refs > 0)
        return;
    if (f->fd >= 0 && may_close_slowly(f))
        closer_take(f->fd);
    else if (f->fd >= 0)
        close(f->fd);
    free(f->content);
    free(f);
}

/* ---- what is there -------------------------------------------------------*/

static int
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
           a->st_size == b->st_size && a->st_mode == b->st_mode &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* 0 and *st, without opening it for reading; or -errno. */
static int
look(const struct site *s, const char *path, int may_wait, struct stat *st)
{
    const int fd = beneath_open(s, path, O_PATH, may_wait);
    int rc;
    if (fd < 0)
        return fd;
    rc = fstat(fd, st) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

static int
is_sibling(et_str path)
{
    int i;
    for (i = 0; i < CODINGS; i++) {
        const et_str end = et_s(file_ending((enum coding)i));
        if (path.n > end.n && et_eq(et_sn(path.p + path.n - end.n, end.n), end))
            return 1;
    }
    return 0;
}

/* Whether what says a was written before what says b.  It may have b's time as
 * far as somebody could copy that: microseconds, or seconds. */
static int
is_older(const struct timespec *a, const struct timespec *b)
{
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec;
    return a->tv_nsec < b->tv_nsec / 1000 * 1000 && a->tv_nsec != 0;
}

/* Which siblings there are, no older than f: bits; or -EAGAIN, or that there is
 * no descriptor to look with. */
static int
find_siblings(const struct site *s, const struct file *f, int may_wait)
{
    char path[PATH_BYTES_MAX + 8];
    int i, rc, found = 0;
    if (!s->o->precompressed || f->is_folder || is_sibling(f->key) ||
        f->key.n > PATH_BYTES_MAX)
        return 0;
    memcpy(path, f->key.p, f->key.n);
    for (i = 0; i < CODINGS; i++) {
        struct stat st;
        strcpy(path + f->key.n, file_ending((enum coding)i));
        rc = look(s, path, may_wait, &st);
        if (rc == -EAGAIN || file_is_starved(rc))
            return rc;
        if (rc == 0 && S_ISREG(st.st_mode) &&
            !is_older(&st.st_mtim, &f->st.st_mtim))
            found |= 1 << i;
    }
    return found;
}

int
file_is_same(const struct file *a, const struct file *b)
{
    return is_same(&a->st, &b->st) && a->siblings == b->siblings;
}

int
file_is_current(const struct site *s, const struct file *f, int may_wait)
{
    struct stat st;
    int rc = look(s, f->key.p, may_wait, &st);
    if (rc == -EAGAIN || file_is_starved(rc))
        return rc;
    if (rc < 0 || !is_same(&st, &f->st))
        return 0;
    rc = find_siblings(s, f, may_wait);
    return rc < 0 ? rc : rc == f->siblings;
}

/* ---- what is said about it -----------------------------------------------*/

static void
add_field(struct file *f, const char *name, et_str value)
{
    f->fields[f->n_fields].name = et_s(name);
    f->fields[f->n_fields++].value = value;
}

/* By everything that a change changes, the time to the nanosecond. */
static int
etag_of_stat(const struct stat *st, char *out)
{
    return snprintf(out, ETAG_MAX, "\"%llx.%lx-%llx-%llx\"",
                    (unsigned long long)st->st_mtim.tv_sec,
                    (unsigned long)st->st_mtim.tv_nsec,
                    (unsigned long long)st->st_size,
                    (unsigned long long)st->st_ino);
}

/* Before the fields by rules. */
static void
add_etag(struct file *f, int n)
{
    et_field *at = f->fields + f->n_own;
    memmove(at + 1, at, (size_t)(f->n_fields - f->n_own) * sizeof *at);
    f->validators.etag = et_sn(f->text, (size_t)n);
    at->name = et_s("ETag");
    at->value = f->validators.etag;
    f->n_own++;
    f->n_fields++;
}

void
file_name(struct file *f)
{
    f->is_nameless = 0;
    add_etag(f, hash_text(&f->sum, f->text));
}

/* Of what it was when it was opened: it may grow faster than that. */
static size_t
left(const struct file *f, uint64_t max)
{
    const uint64_t n = f->size - f->sum.n;
    return (size_t)(n < max ? n : max);
}

static int
hash_read(struct file *f)
{
    const uint64_t end = f->sum.n + FILE_SLICE_BYTES;
    char *chunk = malloc(CHUNK_BYTES);
    int64_t n = chunk ? 1 : -ENOMEM;
    while (n > 0 && f->sum.n < end) {
        n = beneath_read(f->fd, chunk, left(f, CHUNK_BYTES), f->sum.n, 1);
        if (n > 0)
            hash_add(&f->sum, chunk, (size_t)n);
    }
    free(chunk);
    return n < 0 ? (int)n : n > 0 && f->sum.n < f->size;
}

int
file_hash_on(struct file *f)
{
    if (!f->content)
        return hash_read(f);
    hash_add(&f->sum, f->content + f->sum.n, left(f, FILE_SLICE_BYTES));
    return f->sum.n < f->size;
}

/* Small ones at once; a large one takes its time, even if it is in memory. */
static void
begin_hash(struct file *f)
{
    hash_init(&f->sum);
    f->is_nameless = 1;
    if (f->content && f->size <= FILE_QUICK_BYTES && file_hash_on(f) == 0)
        file_name(f);
}

/* When it was changed, as far as can be said: no later than now, which is no
 * later than Date (RFC 9110 8.8.2.1). */
static int64_t
changed_s(const struct stat *st)
{
    const int64_t now_s = time(NULL), mtime_s = st->st_mtim.tv_sec;
    return mtime_s < now_s ? mtime_s : now_s;
}

/* Fields that belong to the file, then those that the rules say. */
static void
describe(const struct site *s, struct file *f)
{
    const struct options *o = s->o;
    const struct site_rule *rule;
    char *date = f->text + ETAG_MAX;
    f->validators.mtime = changed_s(&f->st);
    et_date_to(date, f->validators.mtime);
    add_field(f, "Last-Modified", et_sn(date, ET_DATE_LEN));
    add_field(f, "Accept-Ranges", et_s("bytes"));
    f->n_own = f->n_fields;
    if (o->etag == SITE_ETAG_STAT)
        add_etag(f, etag_of_stat(&f->st, f->text));
    else if (o->etag == SITE_ETAG_HASH)
        begin_hash(f);
    rule = site_rule_of(s->cache_control, o->cache_control.n, f->key);
    if (rule)
        add_field(f, "Cache-Control", rule->value);
    rule = site_rule_of(s->expires, o->expires.n, f->key);
    f->expires_s = rule ? rule->seconds : -1;
}

/* ---- loading -------------------------------------------------------------*/

/* Take the content, and close it.  What has become shorter meanwhile is that
 * short. */
static int
take_content(struct file *f, int may_wait)
{
    int64_t n;
    f->content = malloc(f->size ? f->size : 1);
    if (!f->content)
        return -ENOMEM;
    n = beneath_read(f->fd, f->content, f->size, 0, may_wait);
    if (n < 0)
        return (int)n;
    f->size = (uint64_t)n;
    close(f->fd);
    f->fd = -1;
    return 0;
}

static et_str
type_of(const struct site *s, et_str path)
{
    const char *slash = memrchr(path.p, '/', path.n);
    const et_str name =
        slash ? et_sn(slash + 1, (size_t)(path.p + path.n - slash - 1)) : path;
    const et_str type = mime_find(s->mime, name);
    return type.p ? type : s->default_type;
}

static int
fill(const struct site *s, struct file *f, int may_wait)
{
    int rc;
    if (fstat(f->fd, &f->st) < 0)
        return -errno;
    f->is_far = !s->is_quick || f->st.st_dev != s->dev;
    if (S_ISDIR(f->st.st_mode)) {
        f->is_folder = 1;
        close(f->fd);
        f->fd = -1;
        return 0;
    }
    if (!S_ISREG(f->st.st_mode))
        return -EACCES; /* a device, a pipe: nothing to send */
    f->size = (uint64_t)f->st.st_size;
    f->type = type_of(s, f->key);
    rc = f->size <= (uint64_t)s->o->cache_file ? take_content(f, may_wait) : 0;
    if (rc == 0)
        rc = find_siblings(s, f, may_wait);
    if (rc < 0)
        return rc;
    f->siblings = (uint8_t)rc;
    describe(s, f);
    return 0;
}

static struct file *
file_new(et_str path)
{
    const size_t n = ETAG_MAX + ET_DATE_LEN + 1;
    struct file *f = calloc(1, sizeof *f + n + path.n + 1);
    if (!f)
        return NULL;
    memcpy(f->text + n, path.p, path.n);
    f->key = et_sn(f->text + n, path.n);
    f->refs = 1;
    f->fd = -1;
    return f;
}

int
file_load(const struct site *s, et_str path, int may_wait, struct file **out)
{
    const int fd = beneath_open(s, path.p, O_RDONLY, may_wait);
    struct file *f = fd < 0 ? NULL : file_new(path);
    int rc = fd < 0 ? fd : -ENOMEM;
    if (f) {
        f->fd = fd;
        rc = fill(s, f, may_wait);
    } else if (fd >= 0) {
        close(fd);
    }
    if (rc == 0) {
        *out = f;
        return 0;
    }
    if (f)
        file_unref(f);
    return rc;
}
