/* SPDX-License-Identifier: BSD-2-Clause */
/* link.h - do the names in a configuration meet?
 *
 * Instances that `use`, `handler` and INSTANCE.option name exist; no instance
 * is called like a key of a route or scope; an option that a route sets is for
 * an instance that can be in its chain. */
#ifndef CONF_LINK_H
#define CONF_LINK_H

#include "base/diag.h"

struct conf;

/* Report in d every name that leads nowhere. [control] */
void link_check(const struct conf *c, struct diag *d);

#endif
