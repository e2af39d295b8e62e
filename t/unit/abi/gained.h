/* SPDX-License-Identifier: BSD-2-Clause */
/* gained.h - what the contract has gained since the last golden folder, in the
 * form of its layout.h; moved into that of the next one when it is made.
 *
 * Plugins use it from the day it is in core/abi: rows are added here, and never
 * changed. */
/* clang-format off */

FIELD(et_http, panic, 152, 8)
FIELD(et_http, trailer, 160, 8)
FIELD(et_http, filter, 168, 8)
FIELD(et_http, emit, 176, 8)

GROWS(et_bodydef, 48)
FIELD(et_bodydef, it, 0, 24)
FIELD(et_bodydef, name, 24, 8)
FIELD(et_bodydef, fn, 32, 8)
FIELD(et_bodydef, flags, 40, 4)
FIELD(et_bodydef, reserved0, 44, 4)

VALUE(ET_I_BODY, 14)
VALUE(ET_BODY_FLUSH, 1)
VALUE(ET_BODY_LAST, 2)


GROWS(et_store, 24)
FIELD(et_store, ctx, 0, 16)
FIELD(et_store, api, 16, 8)

GROWS(et_store_api, 72)
FIELD(et_store_api, size, 0, 4)
FIELD(et_store_api, reserved0, 4, 4)
FIELD(et_store_api, open, 8, 8)
FIELD(et_store_api, add, 16, 8)
FIELD(et_store_api, total, 24, 8)
FIELD(et_store_api, put, 32, 8)
FIELD(et_store_api, get, 40, 8)
FIELD(et_store_api, del, 48, 8)
FIELD(et_store_api, cell, 56, 8)
FIELD(et_store_api, swap, 64, 8)

VALUE(ET_K_STORE, 4)
VALUE(ET_STORE_NAME_MAX, 63)
VALUE(ET_STORE_KEY_MAX, 255)
VALUE(ET_STORE_VALUE_MAX, 1024)
VALUE(ET_STORE_SAME_END, -1)
VALUE(ET_P_ALWAYS_NEW, 2)
VALUE(ET_P_EXEC, 4)
VALUE(ET_O_WRITE, 2048)

TEXT(ET_IF_STORE, "et.store/1")

FIELD(et_worker, async, 32, 8)

GROWS(et_loop, 40)
FIELD(et_loop, ctx, 0, 16)
FIELD(et_loop, async, 16, 8)
FIELD(et_loop, worker, 24, 8)
FIELD(et_loop, token, 32, 8)

GROWS(et_async, 72)
FIELD(et_async, size, 0, 4)
FIELD(et_async, reserved0, 4, 4)
FIELD(et_async, suspend, 8, 8)
FIELD(et_async, resume, 16, 8)
FIELD(et_async, offload, 24, 8)
FIELD(et_async, open, 32, 8)
FIELD(et_async, timer, 40, 8)
FIELD(et_async, watch, 48, 8)
FIELD(et_async, cancel, 56, 8)
FIELD(et_async, post, 64, 8)

VALUE(ET_K_LOOP, 5)

TEXT(ET_IF_ASYNC, "et.async/1")
VALUE(ET_ECANCEL, -7)
VALUE(ET_ETIME, -8)
VALUE(ET_ECRASH, -9)
VALUE(ET_ERETIRE, -10)
VALUE(ET_N_RETIRING, 6)
VALUE(ET_PRIO_LOW, 0)
VALUE(ET_PRIO_HIGH, 1)

FIELD(et_worker, task, 40, 8)

EXACT(et_part, 24)
FIELD(et_part, fn, 0, 8)
FIELD(et_part, arg, 8, 8)
FIELD(et_part, rc, 16, 4)
FIELD(et_part, reserved0, 20, 4)

GROWS(et_task, 112)
FIELD(et_task, size, 0, 4)
FIELD(et_task, reserved0, 4, 4)
FIELD(et_task, sleep, 8, 8)
FIELD(et_task, wait_fd, 16, 8)
FIELD(et_task, offload, 24, 8)
FIELD(et_task, arm, 32, 8)
FIELD(et_task, await, 40, 8)
FIELD(et_task, join, 48, 8)
FIELD(et_task, timeout, 56, 8)
FIELD(et_task, defer, 64, 8)
FIELD(et_task, read_body, 72, 8)
FIELD(et_task, begin, 80, 8)
FIELD(et_task, write, 88, 8)
FIELD(et_task, flush, 96, 8)
FIELD(et_task, trailer, 104, 8)

TEXT(ET_IF_TASK, "et.task/1")
VALUE(ET_FD_IN, 1)
VALUE(ET_FD_OUT, 4)

GROWS(et_sub, 24)
FIELD(et_sub, ctx, 0, 16)
FIELD(et_sub, api, 16, 8)

GROWS(et_channel_api, 56)
FIELD(et_channel_api, size, 0, 4)
FIELD(et_channel_api, reserved0, 4, 4)
FIELD(et_channel_api, publish, 8, 8)
FIELD(et_channel_api, subscribe, 16, 8)
FIELD(et_channel_api, next, 24, 8)
FIELD(et_channel_api, unsubscribe, 32, 8)
FIELD(et_channel_api, dropped, 40, 8)
FIELD(et_channel_api, listen, 48, 8)

TEXT(ET_IF_CHANNEL, "et.channel/1")
VALUE(ET_K_SUB, 8)
VALUE(ET_CH_NAME_MAX, 255)
VALUE(ET_CH_QUEUE, 64)
VALUE(ET_CH_DROP_OLDEST, 0)
VALUE(ET_CH_DROP_SELF, 1)
