/* SPDX-License-Identifier: BSD-2-Clause */
/* host.h - the host as a plugin sees it: et_host and its interfaces.
 *
 * host_http.c implements et.http/1 over struct req; host.c is the table of
 * interfaces by id and et.log/1. */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "abi/etude_abi.h"

/* The one host of this process. [any] */
const et_host *host_get(void);
/* Records above level are not formatted by plugins any more. [control] */
void host_set_log_level(uint32_t level);
/* et.http/1 and et.log/1. [any] */
const et_http *host_http(void);
const et_log *host_log(void);

#endif
