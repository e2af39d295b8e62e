/* SPDX-License-Identifier: BSD-2-Clause */
/* loops.h - a worker's event loop as a plugin's state sees it.
 *
 *     loop   opened in a state's init, closed when the state has ended
 *       event  a timer or a descriptor, each once: its callback, or cancelled
 *     posts  from any thread, by the loop's token
 *     channels  listened to until cancelled (channels.h)
 *
 * A callback runs under guard: one that crashes and is recovered is skipped.
 * When the state has ended nothing of it is called any more, whatever is armed
 * or on its way. */
#ifndef HTTP_LOOPS_H
#define HTTP_LOOPS_H

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/slab.h"

/* What a worker's loops need. */
struct loops {
    struct slab events;
};

/* At most max events at once.  0 or ERR_NOMEM. [worker] */
MUST_USE int loops_init(struct loops *l, uint32_t max);
/* No state is there any more. [control] */
void loops_fini(struct loops *l);

/* As et_async has them. [worker], loops_post [any] */
et_loop *loops_open(et_worker *pub);
et_token loops_timer(et_loop *l, uint64_t ms, void (*fn)(et_loop *l, void *arg),
                     void *arg);
et_token loops_watch(et_loop *l, int32_t fd, uint32_t events,
                     void (*fn)(et_loop *l, int32_t fd, uint32_t events,
                                void *arg),
                     void *arg);
int32_t loops_cancel(et_loop *l, et_token t);
int32_t loops_post(et_token loop, void (*fn)(et_loop *l, void *arg), void *arg);
/* As et_channel_api has it. [worker] */
et_token loops_listen(et_loop *l, et_str channel,
                      void (*fn)(et_loop *l, void *arg, et_str channel,
                                 et_str message),
                      void *arg);

/* Name of the instance whose loop this is (ET_K_LOOP), for logs. [worker] */
const char *loops_section(const et_ctx *c);

#endif
