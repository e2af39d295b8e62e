/* SPDX-License-Identifier: BSD-2-Clause */
/* runas.h - who a configuration says plugins run as: [server] user and group.
 *
 * Who reads the ini need not be who serves: the supervisor stays who it was
 * started as.  Not here: becoming it (os/identity.h). */
#ifndef CONF_RUNAS_H
#define CONF_RUNAS_H

#include "base/check.h"
#include "base/diag.h"
#include "os/identity.h"

struct conf;

/* Who that is, in *out, which identity_fini gives back.  0; or -errno with the
 * reason in d, at its line: -EPERM if it is known, but this process may not
 * become it (*out is filled in then, too). [control] */
MUST_USE int runas_resolve(const struct conf *conf, struct identity *out,
                           struct diag *d);

#endif
