/* SPDX-License-Identifier: BSD-2-Clause */
/* cores.h - core files of faults that are recovered ([server] core_dir).
 *
 *     core_dir/<sha256 of the build, 12 digits>-<offset in its image>/core
 *
 * One of each build and place, whichever process it happens in: the folder is
 * made by whoever is first, and being there says that it has been taken.
 * Bounded: CORES_MAX such folders, then no more until some are removed and the
 * configuration is loaded again. */
#ifndef SERVE_CORES_H
#define SERVE_CORES_H

#include "base/check.h"

#define CORES_MAX 32

struct conf;
struct faults_record;
struct guard_fault;

/* As conf says, from now on; what is in the way is logged. [control] */
void cores_set(const struct conf *conf);
/* Take one of a fault that is recovered and recorded: true in the copy, which
 * is to die of it. [signal-safe] */
int cores_take(const struct guard_fault *f, const struct faults_record *r);

#endif
