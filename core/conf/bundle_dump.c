/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_dump.c - writing of bundle_dump.h.
 *
 * What is in papers never goes through a buffer but its own: what a stream into
 * memory leaves behind where it grew is wiped by nobody. */
#include "conf/bundle_dump.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/bundle_image.h"
#include "conf/bundle_outage.h"
#include "conf/bundle_paper.h"
#include "conf/bundle_remark.h"
#include "os/file.h"

#define COPY_BYTES (64u << 10)

static void
put_u32(FILE *f, uint32_t n)
{
    n = htole32(n);
    fwrite(&n, sizeof(n), 1, f);
}

static void
put_u64(FILE *f, uint64_t n)
{
    n = htole64(n);
    fwrite(&n, sizeof(n), 1, f);
}

static void
put_text(FILE *f, et_str s)
{
    put_u32(f, (uint32_t)s.n);
    if (s.n)
        fwrite(s.p, 1, s.n, f);
    fputc('\0', f);
}

static void
put_id(FILE *f, const struct file_id *id)
{
    put_u64(f, id->dev);
    put_u64(f, id->ino);
    put_u64(f, id->size);
    put_u64(f, (uint64_t)id->mtime_ns);
    put_u64(f, (uint64_t)id->ctime_ns);
}

/* Of the layout of b's dump: the oldest that says all of it. */
static uint32_t
version_of(const struct bundle *b)
{
    if (b->n_papers > 0)
        return 4;
    if (b->n_outages > 0)
        return 3;
    return b->n_remarks > 0 ? 2 : 1;
}

static void
put_files(FILE *f, const struct bundle *b)
{
    put_u32(f, (uint32_t)b->n_files);
    for (size_t i = 0; i < b->n_files; i++) {
        put_text(f, str_from_z(b->files[i].name));
        put_text(f, str_from_z(b->files[i].dir));
        put_text(f, b->files[i].text);
        put_u32(f, b->files[i].layer);
        put_id(f, &b->files[i].id);
    }
}

static void
put_vars(FILE *f, const struct vars *t)
{
    put_u32(f, (uint32_t)t->n);
    for (size_t i = 0; i < t->n; i++) {
        const struct var *v = &t->v[i];

        put_text(f, v->name);
        put_text(f, v->value);
        put_text(f, str_from_z(v->why));
        put_u32(f, (v->value.p ? BUNDLE_DUMP_HAS_VALUE : 0u) |
                       (v->why ? BUNDLE_DUMP_HAS_WHY : 0u) |
                       (v->is_secret ? BUNDLE_DUMP_IS_SECRET : 0u));
    }
}

static void
put_remarks(FILE *f, const struct bundle *b)
{
    if (version_of(b) < 2)
        return;
    put_u32(f, b->n_remarks);
    for (const struct bundle_remark *r = b->remarks; r; r = r->next) {
        put_u32(f, r->kind);
        put_text(f, str_from_z(r->text));
    }
}

static void
put_outages(FILE *f, const struct bundle *b)
{
    if (version_of(b) < 3)
        return;
    put_u32(f, b->n_outages);
    for (const struct bundle_outage *o = b->outages; o; o = o->next) {
        put_text(f, str_from_z(o->section));
        put_text(f, str_from_z(o->why));
        put_u32(f, o->is_loadable ? 1 : 0);
    }
}

static void
put_papers(FILE *f, const struct bundle *b)
{
    if (version_of(b) < 4)
        return;
    put_u32(f, b->n_papers);
    for (const struct bundle_paper *p = b->papers; p; p = p->next) {
        put_text(f, str_from_z(p->path));
        put_text(f, str_from_z(p->why));
        put_u32(f, p->mode);
        put_u32(f, p->text ? BUNDLE_DUMP_HAS_TEXT : 0);
        put_u64(f, p->n);
        fwrite(p->sha256, SHA256_LEN, 1, f);
    }
}

static void
put_images(FILE *f, const struct bundle *b)
{
    put_u32(f, b->n_images);
    for (const struct bundle_image *i = b->images; i; i = i->next) {
        put_text(f, str_from_z(i->path));
        put_u64(f, i->n);
        fwrite(i->sha256, SHA256_LEN, 1, f);
        put_id(f, &i->source);
    }
}

/* The body, malloc'ed.  0, or -errno. */
static int
make_body(const struct bundle *b, char **body, size_t *n)
{
    FILE *f = open_memstream(body, n);
    int is_short;

    if (!f)
        return -ENOMEM;
    put_text(f, str_from_z(b->cwd));
    put_text(f, str_from_z(b->modules));
    put_files(f, b);
    put_vars(f, &b->vars);
    put_remarks(f, b);
    put_outages(f, b);
    put_papers(f, b);
    put_images(f, b);
    is_short = ferror(f);
    if (fclose(f) != 0 || is_short)
        return -ENOMEM; /* nothing else stops a stream into memory */
    return *n <= BUNDLE_DUMP_MAX_BODY ? 0 : -EFBIG;
}

static int
write_head(int fd, uint32_t dump_version, const char *body, size_t n)
{
    uint32_t version = htole32(dump_version);
    uint64_t len = htole64(n);
    char head[BUNDLE_DUMP_HEAD_LEN] = BUNDLE_DUMP_MAGIC;

    memcpy(head + BUNDLE_DUMP_MAGIC_LEN, &version, sizeof(version));
    memcpy(head + BUNDLE_DUMP_MAGIC_LEN + 8, &len, sizeof(len));
    sha256_of(body, n, (uint8_t *)head + BUNDLE_DUMP_MAGIC_LEN + 16);
    return file_write_fd(fd, head, sizeof(head));
}

static int
write_papers(int fd, const struct bundle *b)
{
    int rc = 0;

    for (const struct bundle_paper *p = b->papers; !rc && p; p = p->next) {
        if (p->text)
            rc = file_write_fd(fd, p->text, p->n);
        else if (!p->why)
            rc = -ENODATA;
    }
    return rc;
}

static int
write_image(int fd, const struct bundle_image *img)
{
    char block[COPY_BYTES];
    uint64_t done = 0;
    int rc = 0;

    while (!rc && done < img->n) {
        uint64_t left = img->n - done;
        size_t n = left < sizeof(block) ? (size_t)left : sizeof(block);

        rc = bundle_image_read(img, done, block, n);
        if (!rc)
            rc = file_write_fd(fd, block, n);
        done += n;
    }
    return rc;
}

int
bundle_dump_write(const struct bundle *b, int fd)
{
    const struct bundle_image *img;
    char *body = NULL;
    size_t n = 0;
    int rc = make_body(b, &body, &n);

    if (!rc)
        rc = write_head(fd, version_of(b), body, n);
    if (!rc)
        rc = file_write_fd(fd, body, n);
    if (!rc)
        rc = write_papers(fd, b);
    for (img = b->images; !rc && img; img = img->next)
        rc = write_image(fd, img);
    free(body);
    return rc;
}
