/* SPDX-License-Identifier: BSD-2-Clause */
/* module.h - the files in the modules folder, by the names sections use. */
#ifndef SERVE_MODULE_H
#define SERVE_MODULE_H

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"

struct arena;
struct bundle;
struct conf_plugin;

/* Where a section's module lies: its own path if that is absolute, else
 * dir/NAME.so.  In a; NULL: out of memory. [control] */
const char *module_path(struct arena *a, et_str dir,
                        const struct conf_plugin *p);
/* True if the bundle has it or there is a file, which is not looked for if the
 * bundle is closed; else an error at `at`, with the name of the folder's
 * modules that was perhaps meant. [control] */
int module_is_there(const struct bundle *b, const struct conf_plugin *p,
                    const char *path, const struct place *at, struct diag *d);

#endif
