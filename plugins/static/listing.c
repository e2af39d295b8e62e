/* SPDX-License-Identifier: BSD-2-Clause */
/* listing.c - see listing.h.
 *
 * Only what could be asked for is listed: no hidden files unless they are
 * served, no links that lead out, no names that no URL can hold.  Folders come
 * first, then by name; of a folder that has more than list_max, the first of
 * these are kept while it is read, and never more than they. */
#define _GNU_SOURCE
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "file.h"
#include "path.h"
#include "site.h"

struct item {
    char *name;
    uint64_t size;
    int64_t mtime;
    int is_folder;
};

struct items {
    struct item *v;
    size_t n, max;
    int is_cut; /* there are more */
};

/* ---- the folder ----------------------------------------------------------*/

/* 0 and *st, or -errno. */
static int
look(const struct listing *l, int dir, const struct dirent *d, struct stat *st)
{
    char path[PATH_BYTES_MAX + PATH_SEGMENT_MAX + 2];
    int fd, rc;
    if (d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
        return fstatat(dir, d->d_name, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
                                                                    : 0;
    snprintf(path, sizeof path, "%s/%s", l->path, d->d_name);
    fd = beneath_open(l->site, path, O_PATH, 1);
    if (fd < 0)
        return fd;
    rc = fstat(fd, st) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

static int
compare(const void *one, const void *other)
{
    const struct item *a = one, *b = other;
    const int rc = strcasecmp(a->name, b->name);
    if (a->is_folder != b->is_folder)
        return b->is_folder - a->is_folder;
    return rc ? rc : strcmp(a->name, b->name);
}

/* ---- the first names -----------------------------------------------------*/

/* v is a heap: none is behind v[0], which is what goes when one comes that is
 * before it. */

static void
swap(struct item *a, struct item *b)
{
    const struct item was = *a;
    *a = *b;
    *b = was;
}

static void
sift_up(struct item *v, size_t i)
{
    for (; i && compare(&v[(i - 1) / 2], &v[i]) < 0; i = (i - 1) / 2)
        swap(&v[(i - 1) / 2], &v[i]);
}

static void
sift_down(struct item *v, size_t n)
{
    size_t i = 0, child;
    while ((child = 2 * i + 1) < n) {
        if (child + 1 < n && compare(&v[child], &v[child + 1]) < 0)
            child++;
        if (compare(&v[child], &v[i]) <= 0)
            break;
        swap(&v[child], &v[i]);
        i = child;
    }
}

static int
make_room(struct items *all)
{
    const size_t max = all->max ? 2 * all->max : 64;
    struct item *v;
    if (all->n < all->max)
        return 0;
    v = realloc(all->v, max * sizeof *v);
    if (!v)
        return -ENOMEM;
    all->v = v;
    all->max = max;
    return 0;
}

/* It is one of the first `most` so far. */
static int
is_first(const struct items *all, size_t most, const struct item *item)
{
    return all->n < most || compare(item, &all->v[0]) < 0;
}

/* item is such a one; its name is copied. */
static int
add(struct items *all, size_t most, const struct item *item)
{
    struct item copy = *item;
    if (all->n < most && make_room(all) < 0)
        return -ENOMEM;
    copy.name = strdup(item->name);
    if (!copy.name)
        return -ENOMEM;
    if (all->n < most) {
        all->v[all->n] = copy;
        sift_up(all->v, all->n++);
        return 0;
    }
    free(all->v[0].name);
    all->v[0] = copy;
    sift_down(all->v, all->n);
    return 0;
}

/* ---- reading -------------------------------------------------------------*/

/* What its entry says is behind all that are shown: there is no need to look at
 * each file of a large folder. */
static int
is_behind(const struct items *all, size_t most, struct dirent *d)
{
    const struct item item = {.name = d->d_name,
                              .is_folder = d->d_type == DT_DIR};
    return (d->d_type == DT_DIR || d->d_type == DT_REG) &&
           !is_first(all, most, &item);
}

static int
take(const struct listing *l, int dir, struct dirent *d, struct items *all)
{
    const struct options *o = l->site->o;
    const size_t most = (size_t)o->list_max;
    struct item item = {.name = d->d_name};
    struct stat st;
    int rc;
    if (!path_is_segment(et_s(d->d_name), o->hidden != 0))
        return 0;
    if (is_behind(all, most, d)) {
        all->is_cut = 1;
        return 0;
    }
    rc = look(l, dir, d, &st);
    if (file_is_starved(rc))
        return rc;
    if (rc < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return 0;
    item.is_folder = S_ISDIR(st.st_mode) != 0;
    item.size = item.is_folder ? 0 : (uint64_t)st.st_size;
    item.mtime = st.st_mtim.tv_sec;
    all->is_cut |= all->n == most;
    return is_first(all, most, &item) ? add(all, most, &item) : 0;
}

static int
read_folder(const struct listing *l, DIR *dir, struct items *all)
{
    struct dirent *d;
    int rc = 0;
    while (rc == 0 && (d = readdir(dir)) != NULL)
        rc = take(l, dirfd(dir), d, all);
    return rc;
}

/* ---- text ----------------------------------------------------------------*/

static void
put_html(FILE *f, et_str s)
{
    size_t i;
    for (i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '&': fputs("&amp;", f); break;
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '"': fputs("&quot;", f); break;
        case '\'': fputs("&#39;", f); break;
        default: fputc(s.p[i], f);
        }
}

/* Names have no control bytes (path.h). */
static void
put_json(FILE *f, et_str s)
{
    size_t i;
    fputc('"', f);
    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            fputc('\\', f);
        fputc(s.p[i], f);
    }
    fputc('"', f);
}

static void
put_url(FILE *f, const char *name)
{
    char coded[3 * PATH_SEGMENT_MAX];
    const size_t n = path_encode(et_s(name), coded);
    fwrite(coded, 1, n, f);
}

/* "2026-11-29 12:30", or for machines "2026-11-29T12:30:05Z". */
static void
put_time(FILE *f, int64_t t, int is_exact)
{
    const time_t when = t;
    struct tm tm;
    if (!gmtime_r(&when, &tm))
        return;
    fprintf(f, "%04d-%02d-%02d%c%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, is_exact ? 'T' : ' ', tm.tm_hour, tm.tm_min);
    if (is_exact)
        fprintf(f, ":%02dZ", tm.tm_sec);
}

static void
put_size(FILE *f, uint64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double x = (double)n;
    int i = 0;
    for (; x >= 1000 && i < 4; i++)
        x /= 1024;
    fprintf(f, i && x < 10 ? "%.1f %s" : "%.0f %s", x, units[i]);
}

static void
put_row(FILE *f, const struct item *item)
{
    const char *slash = item->is_folder ? "/" : "";
    fputs("<li><a href=\"./", f);
    put_url(f, item->name);
    fprintf(f, "%s\">", slash);
    put_html(f, et_s(item->name));
    fprintf(f, "%s</a><span>", slash);
    if (!item->is_folder)
        put_size(f, item->size);
    fputs("</span><time>", f);
    put_time(f, item->mtime, 0);
    fputs("</time>\n", f);
}

static void
write_html(FILE *f, const struct listing *l, const struct items *all)
{
    size_t i;
    fputs("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          f);
    put_html(f, l->url);
    fputs("</title>\n<style>\n"
          ":root{color-scheme:light dark}\n"
          "body{max-width:60em;margin:2em auto;padding:0 1em;"
          "font:1em/1.5 system-ui,sans-serif}\n"
          "h1{font-size:1.3em;overflow-wrap:anywhere}\n"
          "ul{list-style:none;padding:0}\n"
          "li{display:grid;grid-template-columns:1fr 6em 10em;gap:0 1em;"
          "padding:.35em 0;border-top:1px solid #8884}\n"
          "a{overflow-wrap:anywhere}\n"
          "span,time{opacity:.7;text-align:right;"
          "font-variant-numeric:tabular-nums}\n"
          "@media(max-width:36em){li{grid-template-columns:1fr auto}"
          "a{grid-column:1/3}span{text-align:left}}\n"
          "</style>\n<h1>",
          f);
    put_html(f, l->url);
    fputs("</h1>\n<ul>\n", f);
    if (l->has_parent)
        fputs("<li><a href=\"../\">../</a>\n", f);
    for (i = 0; i < all->n; i++)
        put_row(f, &all->v[i]);
    fputs("</ul>\n", f);
    if (all->is_cut)
        fprintf(f, "<p>There is more than these %zu.\n", all->n);
}

static void
write_json(FILE *f, const struct listing *l, const struct items *all)
{
    size_t i;
    fputs("{\"path\":", f);
    put_json(f, l->url);
    fprintf(f, ",\"truncated\":%s,\"entries\":[",
            all->is_cut ? "true" : "false");
    for (i = 0; i < all->n; i++) {
        const struct item *item = &all->v[i];
        fputs(i ? ",\n{\"name\":" : "\n{\"name\":", f);
        put_json(f, et_s(item->name));
        fprintf(f, ",\"type\":\"%s\"", item->is_folder ? "folder" : "file");
        if (!item->is_folder)
            fprintf(f, ",\"size\":%llu", (unsigned long long)item->size);
        fputs(",\"modified\":\"", f);
        put_time(f, item->mtime, 1);
        fputs("\"}", f);
    }
    fputs("]}\n", f);
}

static int
write_text(struct listing *l, const struct items *all)
{
    FILE *f = open_memstream(&l->text, &l->n);
    int failed;
    if (!f)
        return ENOMEM;
    if (l->is_json)
        write_json(f, l, all);
    else
        write_html(f, l, all);
    failed = ferror(f);
    return fclose(f) != 0 || failed ? ENOMEM : 0;
}

int32_t
listing_make(void *arg)
{
    struct listing *l = arg;
    struct items all = {NULL, 0, 0, 0};
    const int fd = beneath_open(l->site, l->path, O_RDONLY | O_DIRECTORY, 1);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    size_t i;
    l->err = fd < 0 ? -fd : dir ? 0 : ENOMEM;
    if (fd >= 0 && !dir)
        close(fd);
    if (dir) {
        l->err = -read_folder(l, dir, &all);
        closedir(dir);
        if (all.n)
            qsort(all.v, all.n, sizeof *all.v, compare);
        if (l->err == 0)
            l->err = write_text(l, &all);
    }
    for (i = 0; i < all.n; i++)
        free(all.v[i].name);
    free(all.v);
    return 0;
}
