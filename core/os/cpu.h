/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.h - how many workers this machine is good for, and whether to pin them.
 *
 * Facts are read once, the decisions are pure and say why, for the start line
 * of the log. */
#ifndef OS_CPU_H
#define OS_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "os/cgroup.h"

struct cpu_facts {
    uint32_t n_online;    /* CPUs of the machine */
    uint32_t n_allowed;   /* of these, in our affinity mask; at least 1 */
    uint8_t is_container; /* as far as one can tell */
    struct cgroup_limits cgroup;
};

/* root is put before every path that is read: "" but in tests. [control] */
void cpu_facts_read(struct cpu_facts *out, const char *root);
/* `workers = auto`: what mask and quota allow, the quota rounded up; at least
 * 1.  why: "2 of 8 CPUs allowed" or "cgroup quota of 1.5 CPUs". [any] */
uint32_t cpu_workers(const struct cpu_facts *f, char *why, size_t cap);
/* `pin = auto`: whether pinning helps: nobody else is put on our CPUs (the
 * whole machine, or an exclusive cpuset), and no quota stops one CPU while
 * another would be free.  why says what decided. [any] */
int cpu_should_pin(const struct cpu_facts *f, char *why, size_t cap);
/* Pin the calling thread to the i-th CPU of its mask, counted round and round.
 * Returns the CPU's number or -errno.  [worker], before it is pinned */
MUST_USE int cpu_pin(uint32_t i);
/* Let the calling thread run where the process's first thread may, which is not
 * pinned: a thread inherits what who started it was pinned to.  0 or -errno.
 * [any] */
MUST_USE int cpu_unpin(void);

#endif
