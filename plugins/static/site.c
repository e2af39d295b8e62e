/* SPDX-License-Identifier: BSD-2-Clause */
/* site.c - see site.h. */
#define _GNU_SOURCE
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mime.h"
#include "path.h"

#define TABLE_BYTES_MAX (1 << 20)

/* ---- rules ---------------------------------------------------------------*/

/* "90s", "10m", "12h", "30d" or "0": 0, or ET_EINVAL. */
static int32_t
read_seconds(et_str s, int64_t *out)
{
    static const struct {
        char unit;
        int64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    int64_t by = 0;
    size_t i;
    if (et_eq(s, et_s("0"))) {
        *out = 0;
        return 0;
    }
    for (i = 0; i < sizeof units / sizeof units[0]; i++)
        if (s.n && s.p[s.n - 1] == units[i].unit) {
            by = units[i].s;
            s.n--;
            break;
        }
    if (by == 0 || et_to_int(s, 0, INT64_C(3153600000) / by, out) < 0)
        return ET_EINVAL;
    *out *= by;
    return 0;
}

static int32_t
read_rule(et_str line, struct site_rule *rule)
{
    size_t n = 0;
    while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
        n++;
    rule->pattern = et_sn(line.p, n);
    rule->value = et_trim(et_sn(line.p + n, line.n - n));
    return n && rule->value.n && et_is_value(rule->value) ? 0 : ET_EINVAL;
}

static int32_t
read_rules(const char *key, et_list lines, int are_times,
           struct site_rule **rules, et_err *e)
{
    size_t i;
    *rules = calloc(lines.n + 1, sizeof **rules);
    if (!*rules)
        return et_seterr(e, "out of memory");
    for (i = 0; i < lines.n; i++) {
        struct site_rule *rule = &(*rules)[i];
        int32_t rc = read_rule(lines.v[i], rule);
        if (rc == 0 && are_times)
            rc = read_seconds(rule->value, &rule->seconds);
        if (rc < 0)
            return et_seterr(e, "%s[%zu]: \"%.*s\" is not a pattern and %s",
                             key, i, ET_STR(lines.v[i]),
                             are_times ? "a time with its unit" : "a value");
    }
    return 0;
}

const struct site_rule *
site_rule_of(const struct site_rule *rules, size_t n, et_str path)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (path_matches(rules[i].pattern, path))
            return &rules[i];
    return NULL;
}

/* ---- types ---------------------------------------------------------------*/

/* The whole file, malloc'ed; NULL and errno. */
static char *
read_all(const char *path, size_t *n)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *p = fd < 0 ? NULL : malloc(TABLE_BYTES_MAX);
    ssize_t got = 0;
    *n = 0;
    while (p && *n < TABLE_BYTES_MAX &&
           (got = read(fd, p + *n, TABLE_BYTES_MAX - *n)) > 0)
        *n += (size_t)got;
    if (fd >= 0)
        close(fd);
    if (p && got == 0)
        return p;
    if (p && got > 0)
        errno = EFBIG;
    free(p);
    return NULL;
}

static int32_t
read_types(struct site *s, et_err *e)
{
    const char *path = s->o->types.p;
    size_t n;
    unsigned line;
    char *text;
    int32_t rc;
    if (s->o->types.n == 0)
        return 0;
    text = read_all(path, &n);
    if (!text)
        return et_seterr(e, "types: %s: %s", path, strerror(errno));
    rc = mime_read(s->mime, et_sn(text, n), &line);
    free(text);
    if (rc == ET_EINVAL)
        return et_seterr(e, "types: %s:%u: not a type and ends of names", path,
                         line);
    return rc < 0 ? et_seterr(e, "out of memory") : 0;
}

static int32_t
add_types(struct mime *m, et_list lines, et_err *e)
{
    unsigned line;
    size_t i;
    for (i = 0; i < lines.n; i++)
        if (mime_read(m, lines.v[i], &line) < 0)
            return et_seterr(e,
                             "type[%zu]: \"%.*s\" is not a type and ends of "
                             "names",
                             i, ET_STR(lines.v[i]));
    return 0;
}

static int32_t
make_types(struct site *s, et_err *e)
{
    unsigned line;
    s->mime = mime_new(s->o->charset);
    if (!s->mime || mime_read(s->mime, et_s(mime_table), &line) < 0)
        return et_seterr(e, "out of memory");
    s->default_type = mime_with_charset(s->mime, s->o->default_type);
    if (read_types(s, e) < 0 || add_types(s->mime, s->o->type, e) < 0)
        return ET_EINVAL;
    return s->default_type.p ? 0 : et_seterr(e, "out of memory");
}

/* ---- the root ------------------------------------------------------------*/

/* What asks others for names, attributes or bytes, so that nothing of it is
 * certain not to wait.  (A network's disk that is mounted beneath the root is
 * another device, and what crosses to one is never asked for on a worker.) */
static int
is_remote(int fd)
{
    static const uint32_t kinds[] = {
        0x65735546u, /* FUSE */
        0x6969u,     /* NFS */
        0xff534d42u, /* CIFS */
        0xfe534d42u, /* SMB2 */
        0x517bu,     /* SMB */
        0x01021997u, /* 9P */
        0x00c36400u, /* Ceph */
        0x5346414fu, /* AFS */
        0x6b414653u, /* kAFS */
        0x73757245u, /* Coda */
        0x47504653u, /* GPFS */
        0x0bd00bd0u, /* Lustre */
        0x7461636fu, /* OCFS2 */
        0x01161970u, /* GFS2 */
    };
    struct statfs st;
    size_t i;
    if (fstatfs(fd, &st) < 0)
        return 1;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if ((uint32_t)st.f_type == kinds[i])
            return 1;
    return 0;
}

static int32_t
open_root(struct site *s, et_err *e)
{
    static const uint64_t resolves[] = {
        [SITE_LINKS_BENEATH] = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
        [SITE_LINKS_NONE] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
        [SITE_LINKS_ANY] = RESOLVE_NO_MAGICLINKS,
    };
    const char *path = s->o->root.p;
    struct stat st;
    s->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root < 0 || fstat(s->root, &st) < 0)
        return et_seterr(e, "root: %s: %s", path, strerror(errno));
    s->dev = st.st_dev;
    s->resolve = resolves[s->o->symlinks];
    s->is_quick = !is_remote(s->root);
    return 0;
}

/* ---- what the options say ------------------------------------------------*/

/* Either may be empty; the type may have parameters. */
static int32_t
check_type(const struct options *o, et_err *e)
{
    const et_str t = o->default_type;
    const char *end = t.n ? memchr(t.p, ';', t.n) : NULL;
    const et_str type = et_trim(et_sn(t.p, end ? (size_t)(end - t.p) : t.n));
    if (t.n && (!mime_is_type(type) || !et_is_value(t)))
        return et_seterr(e, "default_type: \"%.*s\" is not a media type",
                         ET_STR(t));
    if (o->charset.n && !et_is_token(o->charset))
        return et_seterr(e, "charset: \"%.*s\" is not a charset's name",
                         ET_STR(o->charset));
    return 0;
}

/* Lists whose lines are read again, to be kept, when a site is opened. */
static int32_t
check_lists(const struct options *o, et_err *e)
{
    struct site_rule *rules = NULL, *times = NULL;
    struct mime *m = mime_new(o->charset);
    int32_t rc;
    if (!m)
        return et_seterr(e, "out of memory");
    rc = add_types(m, o->type, e);
    if (rc == 0)
        rc = read_rules("cache_control", o->cache_control, 0, &rules, e);
    if (rc == 0)
        rc = read_rules("expires", o->expires, 1, &times, e);
    mime_free(m);
    free(rules);
    free(times);
    return rc;
}

int32_t
site_check(void *options, et_err *e)
{
    const struct options *o = options;
    size_t i;
    if (o->root.n == 0)
        return et_seterr(e, "root: is empty");
    for (i = 0; i < o->index.n; i++)
        if (!path_is_segment(o->index.v[i], 1))
            return et_seterr(e, "index[%zu]: \"%.*s\" is not a name", i,
                             ET_STR(o->index.v[i]));
    for (i = 0; i < o->tries.n; i++) {
        const et_str t = o->tries.v[i];
        const int is_path = t.n > 5 && memcmp(t.p, "$path", 5) == 0;
        if (!is_path && (t.n < 2 || t.p[0] != '/' ||
                         !path_is_good(et_sn(t.p + 1, t.n - 1), 1)))
            return et_seterr(e,
                             "try[%zu]: \"%.*s\": \"/name\" or \"$path\" "
                             "and more expected",
                             i, ET_STR(t));
    }
    return check_type(o, e) < 0 ? ET_EINVAL : check_lists(o, e);
}

/* ---- an instance ---------------------------------------------------------*/

int32_t
site_open(et_conf *c, const void *options, void *inst, et_err *e)
{
    static const et_str index_html[] = {{"index.html", 10}};
    struct site *s = inst;
    const struct options *o = options;
    (void)c;
    s->o = o;
    s->root = -1;
    s->index = o->index;
    if (s->index.n == 0) {
        s->index.v = index_html;
        s->index.n = 1;
    }
    if (open_root(s, e) == 0 && make_types(s, e) == 0 &&
        read_rules("cache_control", o->cache_control, 0, &s->cache_control,
                   e) == 0 &&
        read_rules("expires", o->expires, 1, &s->expires, e) == 0)
        return 0;
    site_close(s); /* is not called after a failed open */
    return ET_EINVAL;
}

void
site_close(void *inst)
{
    struct site *s = inst;
    if (s->root >= 0)
        close(s->root);
    mime_free(s->mime);
    free(s->cache_control);
    free(s->expires);
}
