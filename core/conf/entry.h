/* SPDX-License-Identifier: BSD-2-Clause */
/* entry.h - one option of a plugin as the ini has it: whose it is, and what is
 * wrong with it. */
#ifndef CONF_ENTRY_H
#define CONF_ENTRY_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/conf.h"

/* True if it is an option of this instance. [any] */
int entry_is_for(const struct conf_entry *e, et_str instance);
/* The ith (from 0) entry with a value of an instance's key, in the first of n
 * layers that has the key; the one without, if that layer has no other; or
 * NULL. [any] */
const struct conf_entry *entry_find(const struct conf_entries *layers, size_t n,
                                    et_str instance, const char *key, size_t i);
/* An error at its place: "[route x] limit.rate: ...". [control] */
void entry_complain(const struct conf_entry *e, struct diag *d, const char *fmt,
                    ...) PRINTF(3, 4);

#endif
