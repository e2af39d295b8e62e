/* SPDX-License-Identifier: BSD-2-Clause */
/* entry.c - one option of a plugin as the ini has it; see entry.h. */
#include "conf/entry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "conf/value.h"

#define TEXT_MAX 1200

int
entry_is_for(const struct conf_entry *e, et_str instance)
{
    return str_eq(e->instance, instance);
}

const struct conf_entry *
entry_find(const struct conf_entries *layers, size_t n, et_str instance,
           const char *key, size_t i)
{
    const struct conf_entry *empty = NULL;
    int is_decided = 0, has_value = 0;

    for (size_t l = 0; l < n && !is_decided; l++) {
        for (size_t k = 0; k < layers[l].n; k++) {
            const struct conf_entry *e = &layers[l].v[k];
            if (!entry_is_for(e, instance) || !value_eq(e->key, key))
                continue;
            is_decided = 1;
            if (e->value.n == 0) {
                empty = e;
                continue;
            }
            has_value = 1;
            if (i-- == 0)
                return e;
        }
    }
    return has_value ? NULL : empty;
}

/* How an entry calls its key: "limit.rate" outside [plugin limit]. */
static const char *
dot_of(const struct conf_entry *e)
{
    return strncmp(e->section, "[plugin ", 8) == 0 ? "" : ".";
}

void
entry_complain(const struct conf_entry *e, struct diag *d, const char *fmt, ...)
{
    const char *dot = dot_of(e);
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    diag_error(d, &e->at, "%s %.*s%s%.*s: %s", e->section,
               *dot ? (int)e->instance.n : 0, e->instance.p, dot, (int)e->key.n,
               e->key.p, text);
}
