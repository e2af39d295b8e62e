/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.h - which builds of plugins have crashed, and which are not to run.
 *
 * A build is what the sha256 of its file says.  So many crashes within so long
 * (crash_limit, crash_window) put it in quarantine: server processes that start
 * from then on answer 503 where it would run.  Only another build ends that -
 * or the end of the ledger: it is kept in a file, LEDGER_NAME of runtime_dir,
 * and as lines of the same form when another supervisor takes our place:
 *
 *     etude-ledger 1
 *     <sha256> <0|1: in quarantine> <crashes ever> <times, ms since 1970> NAME
 *
 * A file of another version, or a broken line, is passed over, and said so.
 * Bounded: the build that has not crashed for longest gives way, first those
 * that run. */
#ifndef SUPER_LEDGER_H
#define SUPER_LEDGER_H

#include <stdint.h>

#include "base/check.h"
#include "base/sha256.h"

#define LEDGER_NAME "ledger"
#define LEDGER_BUILDS 64
#define LEDGER_TIMES 16 /* crash_limit is at most this */
#define LEDGER_NAME_MAX 96

struct ledger_build {
    char sha256[SHA256_HEX_LEN + 1]; /* "": the entry is free */
    char name[LEDGER_NAME_MAX];      /* "org.example.auth 1.2.0" */
    uint8_t is_quarantined;
    uint32_t n_times;             /* of times[] */
    uint64_t n_crashes;           /* ever */
    uint64_t times[LEDGER_TIMES]; /* the last ones, oldest first */
};

struct ledger {
    struct ledger_build builds[LEDGER_BUILDS];
};

/* The build has crashed at now_ms (of the wall clock): 1 if it is in quarantine
 * from now on; 0: it may run on, or was in quarantine before.  limit 0: none
 * ever is. [control] */
int ledger_crash(struct ledger *l, const char *sha256, const char *name,
                 uint64_t now_ms, uint32_t limit, uint64_t window_ms);
/* The build is not to run, whatever it has done. [control] */
void ledger_quarantine(struct ledger *l, const char *sha256, const char *name);
/* The next build in quarantine from entry *i on, and *i behind it; NULL: there
 * is none. [control] */
const struct ledger_build *ledger_next(const struct ledger *l, uint32_t *i);

/* Write it to the file, whole or not at all.  0 or -errno. [control] */
MUST_USE int ledger_save(const struct ledger *l, const char *path);
/* Read that file to l, which is empty; one that is not there is nothing.  0, or
 * -errno: -EPROTO it is another version's, -ELOOP a link of somebody else's.
 * [control] */
MUST_USE int ledger_load(struct ledger *l, const char *path);
/* One entry as a line, without newline; and back: 0, or -EPROTO. [control] */
void ledger_write_line(const struct ledger_build *b, char *out, size_t cap);
MUST_USE int ledger_read_line(struct ledger *l, const char *line);
#define LEDGER_LINE_MAX 640

#endif
