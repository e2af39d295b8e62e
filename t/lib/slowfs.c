/* SPDX-License-Identifier: BSD-2-Clause */
/* slowfs.c - see slowfs.h. */
#include "t/lib/slowfs.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALID_S 60
#define BUFFER_BYTES (256u << 10)

static const struct {
    const char *name;
    uint64_t size;
} files[] = {{"small", 100},
             {"large", SLOWFS_LARGE},
             {"huge", SLOWFS_HUGE}}; /* inodes from 2 on */
#define N_FILES (sizeof files / sizeof files[0])

static void
answer(int fd, uint64_t unique, int error, const void *p, size_t n)
{
    char buf[BUFFER_BYTES];
    struct fuse_out_header head = {
        .len = (uint32_t)(sizeof head + n), .error = error, .unique = unique};

    memcpy(buf, &head, sizeof head);
    if (n)
        memcpy(buf + sizeof head, p, n);
    (void)!write(fd, buf, head.len); /* ENOENT: who asked has gone */
}

static struct fuse_attr
attr_of(uint64_t inode)
{
    struct fuse_attr a = {.ino = inode, .nlink = 1, .blksize = 4096};

    if (inode == 1) {
        a.mode = S_IFDIR | 0755;
        a.nlink = 2;
    } else {
        a.mode = S_IFREG | 0644;
        a.size = files[inode - 2].size;
        a.mtime = 1700000000;
    }
    return a;
}

static void
on_lookup(int fd, uint64_t unique, const char *name)
{
    for (uint64_t i = 0; i < N_FILES; i++) {
        struct fuse_entry_out out = {.nodeid = i + 2,
                                     .generation = 1,
                                     .entry_valid = VALID_S,
                                     .attr_valid = VALID_S};
        if (strcmp(name, files[i].name) != 0)
            continue;
        out.attr = attr_of(i + 2);
        answer(fd, unique, 0, &out, sizeof out);
        return;
    }
    answer(fd, unique, -ENOENT, NULL, 0);
}

static void
on_read(int fd, const struct fuse_in_header *in, const struct fuse_read_in *r)
{
    static _Thread_local char bytes[BUFFER_BYTES / 2];
    uint64_t size = files[in->nodeid - 2].size, n = 0;

    while (n < r->size && n < sizeof bytes && r->offset + n < size) {
        bytes[n] = (char)('a' + (r->offset + n) % 23);
        n++;
    }
    answer(fd, in->unique, 0, bytes, n);
}

/* Whoever asked waits for the answer. */
static void
hold(_Atomic int *n_waiting, _Atomic int *is_so)
{
    (*n_waiting)++;
    while (*is_so)
        usleep(1000);
    (*n_waiting)--;
}

static int
is_let(struct slowfs *s)
{
    int n = s->n_let;

    return n > 0 && atomic_compare_exchange_strong(&s->n_let, &n, n - 1);
}

static void
hold_read(struct slowfs *s)
{
    s->n_reading++;
    while (s->is_held && !is_let(s))
        usleep(1000);
    s->n_reading--;
}

static void
on_init(int fd, uint64_t unique)
{
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
                                .minor = 31,
                                .max_readahead = 128u << 10,
                                .max_background = 16,
                                .congestion_threshold = 12,
                                .max_write = 4096,
                                .flags = FUSE_ASYNC_READ};

    answer(fd, unique, 0, &out, sizeof out);
}

static void
handle(struct slowfs *s, const struct fuse_in_header *in)
{
    const void *body = in + 1;
    struct fuse_attr_out attr = {.attr_valid = VALID_S};
    struct fuse_open_out opened = {.fh = 1};

    switch (in->opcode) {
    case FUSE_INIT: on_init(s->fd, in->unique); return;
    case FUSE_LOOKUP: on_lookup(s->fd, in->unique, body); return;
    case FUSE_GETATTR:
        attr.attr = attr_of(in->nodeid);
        answer(s->fd, in->unique, 0, &attr, sizeof attr);
        return;
    case FUSE_OPEN:
        usleep(s->ms * 1000);
        hold(&s->n_opening, &s->is_shut);
        if (s->keeps_none)
            opened.open_flags = FOPEN_DIRECT_IO;
        else if (s->keeps_all)
            opened.open_flags = FOPEN_KEEP_CACHE;
        if (s->refuses) {
            answer(s->fd, in->unique, -s->refuses, NULL, 0);
            return;
        }
        answer(s->fd, in->unique, 0, &opened, sizeof opened);
        return;
    case FUSE_READ:
        usleep(s->ms * 1000 + 1000);
        hold_read(s);
        s->n_read++;
        on_read(s->fd, in, body);
        return;
    case FUSE_OPENDIR:
        answer(s->fd, in->unique, 0, &opened, sizeof opened);
        return;
    case FUSE_FLUSH:
        hold(&s->n_closing, &s->keeps);
        answer(s->fd, in->unique, 0, NULL, 0);
        return;
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR: answer(s->fd, in->unique, 0, NULL, 0); return;
    case FUSE_READDIR: answer(s->fd, in->unique, 0, NULL, 0); return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return; /* these have no answer */
    default: answer(s->fd, in->unique, -ENOSYS, NULL, 0); return;
    }
}

static void *
serve(void *arg)
{
    struct slowfs *s = arg;
    char *buf = malloc(BUFFER_BYTES);

    while (buf) {
        ssize_t n = read(s->fd, buf, BUFFER_BYTES);
        if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
            break; /* ENODEV: it is not mounted any more */
        if (n >= (ssize_t)sizeof(struct fuse_in_header))
            handle(s, (const struct fuse_in_header *)buf);
    }
    free(buf);
    return NULL;
}

static int
cannot(struct slowfs *s, const char *what)
{
    fprintf(stderr, "skipped: no FUSE here: %s: %s\n", what, strerror(errno));
    if (s->fd >= 0)
        close(s->fd);
    return 0;
}

/* A test that fails does not unmount: what it has mounted goes with it, and
 * with the servers that it has started. */
static void
mount_for_us_only(void)
{
    if (unshare(CLONE_NEWNS) == 0)
        (void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int
slowfs_mount(struct slowfs *s, unsigned ms)
{
    char options[128];

    s->ms = ms;
    s->is_shut = s->is_held = s->keeps = 0;
    s->n_let = s->keeps_none = s->keeps_all = s->refuses = 0;
    s->n_opening = s->n_reading = s->n_closing = s->n_read = 0;
    s->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (s->fd < 0)
        return cannot(s, "/dev/fuse");
    snprintf(s->dir, sizeof s->dir, "/tmp/etude-slowfs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    mount_for_us_only();
    snprintf(options, sizeof options,
             "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", s->fd);
    if (mount("slowfs", s->dir, "fuse.slowfs", MS_NOSUID | MS_NODEV, options) <
        0) {
        rmdir(s->dir);
        return cannot(s, "mount");
    }
    for (int i = 0; i < SLOWFS_THREADS; i++)
        ck_assert_int_eq(pthread_create(&s->threads[i], NULL, serve, s), 0);
    return 1;
}

void
slowfs_unmount(struct slowfs *s)
{
    umount2(s->dir, MNT_DETACH);
    for (int i = 0; i < SLOWFS_THREADS; i++)
        ck_assert_int_eq(pthread_join(s->threads[i], NULL), 0);
    rmdir(s->dir);
    close(s->fd);
}
