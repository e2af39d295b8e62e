/* SPDX-License-Identifier: BSD-2-Clause */
/* request.h - a line of an administrator, taken apart (ask.c). */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "ctl/admin.h"

/* Texts are NUL-terminated, and absent if they were not there. */
struct request {
    et_str command, plugin, name, path, method;
    int wants_text, has_args;
    size_t n_args;
    char args[ADMIN_LINE_MAX];
};

#endif
