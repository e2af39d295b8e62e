/* SPDX-License-Identifier: BSD-2-Clause */
/* command.h - an administrator's order to a plugin, on one worker.
 *
 * Instance and command are known by their names and looked up where and when
 * the order is carried out: whatever reload came in between, no generation has
 * to be held for it. */
#ifndef HTTP_COMMAND_H
#define HTTP_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct gen;
struct gen_worker;
struct instance;

struct command {
    const char *instance; /* "limit@users"; or "limit" if it has one only */
    const char *name;
    et_str args;
    char *out; /* what it puts: n of cap bytes */
    size_t n, cap;
    int32_t result; /* the command's own, or ET_EINVAL: it is not there */
    uint8_t is_cut; /* it had more to say */
};

/* The instance of that name, or the only one of the section of that name; NULL:
 * there is none, or there are several. [any] */
const struct instance *command_instance(const struct gen *g, const char *name);
/* Its command of that name, or NULL. [any] */
const et_commanddef *command_find(const struct instance *i, const char *name);
/* Run c on w's worker. [worker] */
void command_run(const struct gen_worker *w, struct command *c);

#endif
