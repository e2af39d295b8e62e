/* SPDX-License-Identifier: BSD-2-Clause */
/* preflight.h - what a configuration names outside itself, looked at before
 * anything depends on it. */
#ifndef SERVE_PREFLIGHT_H
#define SERVE_PREFLIGHT_H

#include "base/diag.h"

struct conf;

/* Warn of a temp_dir or runtime_dir that is no folder we can write to: it is
 * served all the same, until it is needed. [control] */
void preflight_warn(const struct conf *conf, struct diag *d);
/* What would keep the server from starting, in the words of the start: a
 * pid_file or log that cannot be written, what addresses_check finds; and a
 * warning of what sandbox_warn finds.  For -t,
 * which opens and creates nothing: whether an address is free, and may be used
 * by us, is not known. [control] */
void preflight_check(const struct conf *conf, struct diag *d);

#endif
