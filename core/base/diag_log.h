/* SPDX-License-Identifier: BSD-2-Clause */
/* diag_log.h - what was found in a configuration, in the log. */
#ifndef BASE_DIAG_LOG_H
#define BASE_DIAG_LOG_H

#include "base/diag.h"

/* Write all of d to the log, notes as debug records. [control] */
void diag_log(const struct diag *d);

#endif
