/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.h - what the control group of this process allows it, v1 and v2.
 *
 * A limit of any group between ours and the top counts; what cannot be read is
 * no limit.  Nothing here fails. */
#ifndef OS_CGROUP_H
#define OS_CGROUP_H

#include <stdint.h>

struct cgroup_limits {
    uint64_t memory_max;  /* bytes; 0: no limit */
    uint32_t cpu_milli;   /* CPU quota in thousandths of a CPU; 0: none */
    uint8_t is_exclusive; /* its CPUs are no other group's (cpuset) */
    uint8_t is_confined;  /* the top we see is not the machine's (container) */
};

/* root is put before every path that is read: "" but in tests. [control] */
void cgroup_read(struct cgroup_limits *out, const char *root);

#endif
