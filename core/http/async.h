/* SPDX-License-Identifier: BSD-2-Clause */
/* async.h - et.async/1: what plugins call to wait (pause.h, jobs.h). */
#ifndef HTTP_ASYNC_H
#define HTTP_ASYNC_H

#include "abi/etude_abi.h"

/* et.async/1. [any] */
const et_async *async_iface(void);

#endif
