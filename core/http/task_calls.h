/* SPDX-License-Identifier: BSD-2-Clause */
/* task_calls.h - what a task may call: et.task/1. */
#ifndef HTTP_TASK_CALLS_H
#define HTTP_TASK_CALLS_H

#include "abi/etude_abi.h"

/* As etude_abi.h has them. [any] */
const et_task *task_calls(void);

#endif
