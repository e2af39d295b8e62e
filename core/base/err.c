/* SPDX-License-Identifier: BSD-2-Clause */
/* err.c - look-ups in the table of err.h. */
#include "base/err.h"

#include <stddef.h>

struct row {
    const char *name, *text;
    int status;
};

static const struct row rows[] = {
#define X(name, text, status) {#name, text, status},
    ERR_TABLE(X)
#undef X
};

static const struct row *
row_of(int err)
{
    if (err <= ERR_BASE_ || err >= ERR_END_)
        return NULL;
    return &rows[err - ERR_BASE_ - 1];
}

const char *
err_text(int err)
{
    const struct row *r = row_of(err);

    return r ? r->text : "unknown error";
}

const char *
err_name(int err)
{
    const struct row *r = row_of(err);

    return r ? r->name : "ERR_UNKNOWN";
}

int
err_status(int err)
{
    const struct row *r = row_of(err);

    return r ? r->status : 500;
}
