/* SPDX-License-Identifier: BSD-2-Clause */
/* diag_log.c - see diag_log.h. */
#include "base/diag_log.h"

#include "base/log.h"

void
diag_log(const struct diag *d)
{
    static const enum log_level levels[DIAG_KINDS] = {
        [DIAG_ERROR] = LOG_ERROR,
        [DIAG_WARNING] = LOG_WARN,
        [DIAG_NOTE] = LOG_DEBUG,
    };
    char buf[DIAG_REST_LEN];
    const char *rest = diag_rest(d, buf);

    for (const struct diag_item *i = d->first; i; i = i->next)
        log_printf(levels[i->kind], NULL, "%s", i->text);
    if (rest)
        log_printf(d->n_errors ? LOG_ERROR : LOG_WARN, NULL, "%s", rest);
}
