/* SPDX-License-Identifier: BSD-2-Clause */
/* faults.h - what went wrong in plugins, where it outlives who it happened to.
 *
 *     memfd:  [ magic, version, size | next | record 0 | record 1 ... ]
 *
 * A ring of records in memory that a server process and its supervisor share.
 * The server process's signal handlers fill records in; nobody else writes.
 * Record k of all there ever were is records[k % FAULTS_RECORDS], and its
 * serial is k + 1 once it is whole: so a reader that looks at the serial before
 * and after knows whether it was overwritten.  A reader in another process
 * trusts nothing in it: whoever wrote it went wrong.  What a record says is
 * complete in itself, names of functions included, so that it can be put into
 * words when the process is gone. */
#ifndef CTL_FAULTS_H
#define CTL_FAULTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define FAULTS_MAGIC 0x65746661u
#define FAULTS_VERSION 1u
#define FAULTS_RECORDS 16u
#define FAULTS_FRAMES 32u
#define FAULTS_TEXT_MAX 8192u /* what faults_write writes at most */

enum faults_result {
    FAULTS_RECOVERED = 1, /* the callback was left, the thread goes on */
    FAULTS_LOST,          /* the thread is lost, the process is to end */
    FAULTS_FATAL,         /* the process ended at once */
    FAULTS_SLOW,          /* no fault: a step held its worker for long, or a
                              job its thread */
};

/* A place in code.  symbol "": unknown. */
struct faults_frame {
    uint64_t offset; /* in the image; its address if the image is unknown */
    uint64_t into;   /* the function */
    char image[40];  /* "hello.so", "libc.so.6"; "": unknown */
    char symbol[56];
};

/* All text ends in NUL and may hold anything else. */
struct faults_record {
    _Atomic uint64_t serial; /* 0: being written, or never was */
    int64_t time_ns;         /* of day */
    int32_t result;          /* enum faults_result */
    int32_t signo, code;     /* signo 0: none, see what */
    int32_t pid, tid, sender;
    uint64_t address, pc;
    uint64_t request;                    /* its id; 0: none */
    uint64_t wall_us, cpu_us, waited_us; /* FAULTS_SLOW: so far */
    char what[64]; /* without a signal; with one: what is known besides */
    char thread[16];
    char plugin[64], version[32], build_id[65], sha256[65];
    char instance[64], callback[32], route[64], target[128];
    uint32_t n_frames;
    uint32_t has_begun;                        /* 1: the request's answer has */
    struct faults_frame frames[FAULTS_FRAMES]; /* [0]: where it was */
};

struct faults {
    uint32_t magic, version;
    uint64_t size;
    _Atomic uint64_t next; /* of the record to come */
    uint64_t reserved;
    struct faults_record records[FAULTS_RECORDS];
};

/* A block of its own, empty: its descriptor (close-on-exec), or -errno.
 * [control] */
MUST_USE int faults_new(void);
/* Map the block that fd is; it stays the caller's.  0, or -errno: -EPROTO: it
 * is none. [control] */
MUST_USE int faults_map(int fd, struct faults **out);
void faults_unmap(struct faults *f);
/* One that nobody else maps: where there is no supervisor, and no memfd needs
 * to be allowed.  0 or -errno. [control] */
MUST_USE int faults_private(struct faults **out);

/* The next record, zeroed; it is published by faults_end. [signal-safe] */
struct faults_record *faults_begin(struct faults *f, uint64_t *serial);
void faults_end(struct faults_record *r, uint64_t serial);
/* Copy record number serial (from 1 on) to out: 1; 0: it is not there, or not
 * any more. [any] */
int faults_read(const struct faults *f, uint64_t serial,
                struct faults_record *out);
/* How many there ever were. [any] */
uint64_t faults_count(const struct faults *f);
/* Where it is in the ring. [any] */
static inline uint32_t
faults_index(uint64_t serial)
{
    return (uint32_t)((serial - 1) % FAULTS_RECORDS);
}

/* r in words, a line each, no NUL: the bytes written to out, at most cap.  What
 * does not fit is cut. [signal-safe] */
size_t faults_write(const struct faults_record *r, char *out, size_t cap);

#endif
