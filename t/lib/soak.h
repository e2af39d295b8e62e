/* SPDX-License-Identifier: BSD-2-Clause */
/* soak.h - everything at once, for a while: full load, a reload every 100 ms, a
 * plugin that crashes every second, the process that serves killed every 10 s
 * and an upgrade every 15 s.
 *
 * For $T_SOAK seconds (32 if it is not set: three kills, two upgrades). Nothing
 * may be refused, no answer may be wrong, no connection may be closed but by a
 * kill, and memory does not grow. */
#ifndef T_LIB_SOAK_H
#define T_LIB_SOAK_H

#include <stdint.h>

/* With this crash_limit; 0: nothing is ever quarantined. */
void soak_run(uint32_t crash_limit);

#endif
