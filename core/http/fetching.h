/* SPDX-License-Identifier: BSD-2-Clause */
/* fetching.h - et.fetch/1: what plugins call to ask other servers (fetch.h),
 * from a task that waits (task.h), or by a token. */
#ifndef HTTP_FETCHING_H
#define HTTP_FETCHING_H

#include "abi/etude_abi.h"

/* et.fetch/1. [any] */
const et_fetch_api *fetching_iface(void);

#endif
