/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_paper.c - see bundle_paper.h. */
#include "conf/bundle_paper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "os/file.h"
#include "os/follow.h"

/* ---- the memory of a text ------------------------------------------------*/

/* Pages of their own, so that a core file leaves out nothing else. */
static char *
take_pages(size_t n)
{
    char *p = mmap(NULL, n + 1, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    (void)!madvise(p, n + 1, MADV_DONTDUMP);
    return p;
}

static void
give_back(struct bundle_paper *p)
{
    if (!p->text)
        return;
    explicit_bzero(p->text, p->n);
    munmap(p->text, p->n + 1);
    p->text = NULL;
}

/* ---- papers --------------------------------------------------------------*/

const struct bundle_paper *
bundle_paper_find(const struct bundle *b, et_str path)
{
    const struct bundle_paper *p = b->papers;

    while (p && !str_eq(str_from_z(p->path), path))
        p = p->next;
    return p;
}

struct bundle_paper *
bundle_paper_add(struct bundle *b, const struct bundle_paper *like)
{
    struct bundle_paper *p;

    if (b->n_papers >= BUNDLE_PAPER_MAX || like->n > BUNDLE_PAPER_MAX_BYTES ||
        b->paper_bytes + like->n > BUNDLE_PAPER_MAX_TOTAL ||
        bundle_paper_find(b, str_from_z(like->path)))
        return NULL;
    p = arena_alloc(&b->arena, sizeof(*p));
    if (!p)
        return NULL;
    *p = *like;
    p->next = NULL;
    p->text = NULL;
    if (!p->why) {
        p->text = take_pages(p->n);
        if (!p->text)
            return NULL;
    }
    *b->last_paper = p;
    b->last_paper = &p->next;
    b->n_papers++;
    b->paper_bytes += p->n;
    return p;
}

/* The file at path, to be read, and what it is like: a descriptor or -errno. */
static int
open_file(const char *path, struct bundle_paper *like)
{
    int fd = follow_open(path, O_RDONLY, 0), rc = 0;
    struct stat st;

    if (fd < 0)
        return fd == -ENXIO ? -ESPIPE : fd; /* a socket, mostly */
    if (fstat(fd, &st) < 0)
        rc = -errno;
    else if (!S_ISREG(st.st_mode))
        rc = S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
    else if (st.st_size > (off_t)BUNDLE_PAPER_MAX_BYTES)
        rc = -EFBIG;
    if (rc < 0) {
        close(fd);
        return rc;
    }
    like->n = (size_t)st.st_size;
    like->mode = st.st_mode & 07777;
    return fd;
}

static const char *
explain(struct bundle *b, int rc)
{
    switch (rc) {
    case -ELOOP: return "it is a link that belongs to somebody else";
    case -ENODATA: return "it becomes shorter while it is read";
    default: return arena_printf(&b->arena, "%s", file_explain(rc));
    }
}

/* The text of p from fd, or the reason that there is none. */
static void
fill(struct bundle *b, struct bundle_paper *p, int fd)
{
    int rc = file_read_at(fd, 0, p->text, p->n);

    if (rc == 0) {
        sha256_of(p->text, p->n, p->sha256);
        return;
    }
    give_back(p);
    p->n = 0;
    p->why = explain(b, rc);
}

int
bundle_paper_read(struct bundle *b, const char *path)
{
    struct bundle_paper like = {.path = path}, *p;
    int fd;

    if (bundle_paper_find(b, str_from_z(path)))
        return 0;
    fd = open_file(path, &like);
    if (fd < 0)
        like.why = explain(b, fd);
    p = bundle_paper_add(b, &like);
    if (fd >= 0 && p)
        fill(b, p, fd);
    if (fd >= 0)
        close(fd);
    return p && (p->text || p->why) ? 0 : ERR_NOMEM;
}

int
bundle_paper_has_key(const struct bundle_paper *p)
{
    static const char mark[] = "PRIVATE KEY-----";

    return p->text && memmem(p->text, p->n, mark, sizeof(mark) - 1) != NULL;
}

void
bundle_paper_wipe(struct bundle *b)
{
    for (struct bundle_paper *p = b->papers; p; p = p->next)
        give_back(p);
}
