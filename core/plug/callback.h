/* SPDX-License-Identifier: BSD-2-Clause */
/* callback.h - each callback of a plugin but its steps, called under guard.
 *
 * One that crashes and is recovered (guard.h) reads as one that failed, with
 * the crash as its reason; what it was given is not touched any more by us, and
 * not freed either: it may have left it anywhere. */
#ifndef PLUG_CALLBACK_H
#define PLUG_CALLBACK_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct instance;
struct plugin;

/* Below 0 as what callbacks return, but none of theirs. */
#define CALLBACK_CRASHED (-100)

/* load and unload of a plugin that may have them; 0, or what it returned, or
 * CALLBACK_CRASHED, with its reason in e. [control] */
MUST_USE int callback_load(const struct plugin *p, const et_host *host,
                           et_err *e);
void callback_unload(const struct plugin *p);
/* open and close of i, if declared. [control] */
MUST_USE int callback_open(struct instance *i, void *inst, et_err *e);
void callback_close(const struct instance *i);
/* init and exit of a worker's state. [worker] */
MUST_USE int callback_init(const struct instance *i, et_worker *w, void *state,
                           et_err *e);
MUST_USE int callback_exit(const struct instance *i, et_worker *w, void *state);
/* save and load of a worker's state; the plugin has them. [worker] */
MUST_USE int callback_save(const struct instance *i, et_worker *w, void *out,
                           int32_t (*put)(void *out, const void *p, size_t n));
MUST_USE int callback_take(const struct instance *i, et_worker *w,
                           uint32_t version, const void *p, size_t n,
                           et_err *e);
/* A command of its plugin's, as instance_command. [worker] */
MUST_USE int callback_command(const struct instance *i, et_worker *w,
                              const et_commanddef *def, et_str args, void *out,
                              int32_t (*put)(void *out, const void *p,
                                             size_t n));

#endif
