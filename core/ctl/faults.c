/* SPDX-License-Identifier: BSD-2-Clause */
/* faults.c - the shared block; its words are below; see faults.h. */
#include "ctl/faults.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/memfd.h"
#include "os/trap.h"

/* ---- the block -----------------------------------------------------------*/

static int
write_head(int fd)
{
    const struct faults head = {
        .magic = FAULTS_MAGIC, .version = FAULTS_VERSION, .size = sizeof head};

    if (ftruncate(fd, (off_t)sizeof head) < 0)
        return -errno;
    if (pwrite(fd, &head, offsetof(struct faults, records), 0) < 0)
        return -errno;
    return 0;
}

int
faults_new(void)
{
    int fd = memfd_open("etude-faults"), rc;

    if (fd < 0)
        return fd;
    rc = write_head(fd);
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

int
faults_map(int fd, struct faults **out)
{
    struct faults *f;
    struct stat st;

    *out = NULL;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size != (off_t)sizeof *f)
        return -EPROTO;
    f = mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (f == MAP_FAILED)
        return -errno;
    if (f->magic == FAULTS_MAGIC && f->version == FAULTS_VERSION) {
        *out = f;
        return 0;
    }
    faults_unmap(f);
    return -EPROTO;
}

int
faults_private(struct faults **out)
{
    struct faults *f = mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    *out = NULL;
    if (f == MAP_FAILED)
        return -errno;
    f->magic = FAULTS_MAGIC;
    f->version = FAULTS_VERSION;
    f->size = sizeof *f;
    *out = f;
    return 0;
}

void
faults_unmap(struct faults *f)
{
    if (f)
        munmap(f, sizeof *f);
}

struct faults_record *
faults_begin(struct faults *f, uint64_t *serial)
{
    struct faults_record *r;

    *serial = atomic_fetch_add(&f->next, 1) + 1;
    r = &f->records[faults_index(*serial)];
    atomic_store(&r->serial, 0);
    memset((char *)r + sizeof r->serial, 0, sizeof *r - sizeof r->serial);
    return r;
}

void
faults_end(struct faults_record *r, uint64_t serial)
{
    atomic_store_explicit(&r->serial, serial, memory_order_release);
}

int
faults_read(const struct faults *f, uint64_t serial, struct faults_record *out)
{
    const struct faults_record *r = &f->records[faults_index(serial)];

    if (atomic_load_explicit(&r->serial, memory_order_acquire) != serial)
        return 0;
    memcpy(out, r, sizeof *out);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&r->serial, memory_order_relaxed) == serial;
}

uint64_t
faults_count(const struct faults *f)
{
    return atomic_load(&f->next);
}

/* ---- words ---------------------------------------------------------------*/

/* No stdio: it may be what went wrong. */
struct words {
    char *p;
    size_t n, cap;
};

static void
put_byte(struct words *w, char c)
{
    if (w->n < w->cap)
        w->p[w->n++] = c;
}

static void
put(struct words *w, const char *text)
{
    while (*text)
        put_byte(w, *text++);
}

/* Of a record: bounded, and only what can stand in a line. */
static void
put_field(struct words *w, const char *text, size_t cap)
{
    for (size_t i = 0; i < cap && text[i]; i++)
        put_byte(w, text[i] >= ' ' && text[i] != 127 ? text[i] : '?');
}
#define PUT_FIELD(w, a) put_field((w), (a), sizeof(a))

static void
put_number(struct words *w, uint64_t v, unsigned base)
{
    char digits[24];
    size_t n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n > 0)
        put_byte(w, digits[--n]);
}

static void
put_hex(struct words *w, uint64_t v)
{
    put(w, "0x");
    put_number(w, v, 16);
}

static void
put_place(struct words *w, const struct faults_frame *f)
{
    if (f->image[0]) {
        PUT_FIELD(w, f->image);
        put(w, "+");
    }
    put_hex(w, f->offset);
    if (!f->symbol[0])
        return;
    put(w, " ");
    PUT_FIELD(w, f->symbol);
    put(w, "+");
    put_hex(w, f->into);
}

/* A log step runs when the answer has gone. */
static int
has_answer(const struct faults_record *r)
{
    return strncmp(r->callback, "log step", sizeof r->callback) == 0;
}

static int
is_job(const struct faults_record *r)
{
    return strncmp(r->callback, "job", sizeof r->callback) == 0;
}

static const char *
outcome(const struct faults_record *r)
{
    switch (r->result) {
    case FAULTS_RECOVERED:
        if (!r->request || has_answer(r))
            return "recovered: the callback is given up";
        return r->has_begun
                   ? "recovered: the answer, which had begun, alone is cut off"
                   : "recovered: this request alone is answered with 500";
    case FAULTS_LOST:
        return "not recovered: this thread is lost, the process ends";
    case FAULTS_FATAL: return "not recovered: the process ends at once";
    default: return "";
    }
}

static void
put_signal(struct words *w, const struct faults_record *r)
{
    const char *reason = trap_reason(r->signo, r->code);

    put(w, trap_name(r->signo));
    if (r->what[0]) {
        put(w, " (");
        PUT_FIELD(w, r->what);
        put(w, ")");
    } else if (*reason) {
        put(w, " (");
        put(w, reason);
        put(w, ")");
    }
    if (r->sender > 0) {
        put(w, " sent by process ");
        put_number(w, (uint64_t)r->sender, 10);
    } else if (r->code > 0) {
        put(w, " at ");
        put_hex(w, r->address);
    }
}

static void
put_ms(struct words *w, const char *what, uint64_t us)
{
    put_number(w, us / 1000, 10);
    put(w, " ms");
    put(w, what);
}

/* What it was, in one line. */
static void
put_first(struct words *w, const struct faults_record *r)
{
    if (r->result == FAULTS_SLOW) {
        put(w, is_job(r) ? "slow: a job holds its thread for "
                         : "slow: a step holds its worker for ");
        put_ms(w, " so far, ", r->wall_us);
        put_ms(w, " of it on the CPU, ", r->cpu_us);
        put_ms(w, " waiting for one", r->waited_us);
    } else {
        put(w, "fault: ");
        if (r->signo)
            put_signal(w, r);
        else
            PUT_FIELD(w, r->what);
        put(w, "; ");
        put(w, outcome(r));
    }
    put(w, "\n");
}

static void
put_who(struct words *w, const struct faults_record *r)
{
    if (!r->plugin[0] && !r->instance[0]) {
        put(w, "  plugin    none: no callback of a plugin was running\n");
        return;
    }
    put(w, "  plugin    ");
    PUT_FIELD(w, r->plugin);
    if (r->sha256[0]) {
        put(w, " ");
        PUT_FIELD(w, r->version);
        put(w, ", sha256 ");
        put_field(w, r->sha256, 12);
    }
    if (r->build_id[0]) {
        put(w, ", build ");
        PUT_FIELD(w, r->build_id);
    }
    put(w, "\n");
}

static void
put_callback(struct words *w, const struct faults_record *r)
{
    if (!r->callback[0])
        return;
    put(w, "  callback  ");
    PUT_FIELD(w, r->callback);
    put(w, " of ");
    PUT_FIELD(w, r->instance);
    if (r->route[0]) {
        put(w, ", route ");
        PUT_FIELD(w, r->route);
    }
    put(w, "\n");
    if (!r->request)
        return;
    put(w, "  request   ");
    put_number(w, r->request, 10);
    put(w, " ");
    PUT_FIELD(w, r->target);
    put(w, "\n");
}

static void
put_frames(struct words *w, const struct faults_record *r)
{
    uint32_t n = r->n_frames < FAULTS_FRAMES ? r->n_frames : FAULTS_FRAMES;

    for (uint32_t i = 0; i < n; i++) {
        put(w, "  #");
        put_number(w, i, 10);
        put(w, i < 10 ? "        " : "       ");
        put_place(w, &r->frames[i]);
        put(w, "\n");
    }
}

size_t
faults_write(const struct faults_record *r, char *out, size_t cap)
{
    struct words w = {out, 0, cap};

    put_first(&w, r);
    put_who(&w, r);
    put_callback(&w, r);
    put(&w, "  thread    ");
    PUT_FIELD(&w, r->thread);
    put(&w, " (");
    put_number(&w, (uint64_t)(uint32_t)r->tid, 10);
    put(&w, ") of process ");
    put_number(&w, (uint64_t)(uint32_t)r->pid, 10);
    put(&w, "\n");
    put_frames(&w, r);
    return w.n;
}
