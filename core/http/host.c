/* SPDX-License-Identifier: BSD-2-Clause */
/* host.c - interfaces by id, the log; see host.h. */
#include "http/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "config.h"
#include "http/async.h"
#include "http/fetching.h"
#include "http/loops.h"
#include "http/metering.h"
#include "http/req.h"
#include "http/stores.h"
#include "http/stream.h"
#include "http/subs.h"
#include "http/task_calls.h"
#include "http/upgrade.h"
#include "plug/instance.h"

#define HOST_LOG_MAX 2000u

/* ---- logging -------------------------------------------------------------*/

static const char *
speaker_of(const struct req *r)
{
    return r->chain ? r->chain->members[r->member].name : NULL;
}

static const char *
speaker(const et_ctx *c)
{
    if (c->kind == ET_K_REQ)
        return speaker_of(req_of((const et_req *)c));
    if (c->kind == ET_K_SUB)
        return speaker_of(subs_request(c));
    if (c->kind == ET_K_CONF)
        return CONTAINER_OF((et_conf *)(uintptr_t)c, struct instance, conf)
            ->name;
    if (c->kind == ET_K_STORE)
        return stores_section(c);
    if (c->kind == ET_K_LOOP)
        return loops_section(c);
    if (c->kind == ET_K_WS)
        return stream_section(c);
    return instance_speaking();
}

static void
host_log_record(const et_ctx *c, uint32_t level, const char *p, size_t n)
{
    if (level < ET_L_ERROR || level > ET_L_DEBUG)
        level = ET_L_ERROR;
    log_write((enum log_level)level, speaker(c), p,
              n < HOST_LOG_MAX ? n : HOST_LOG_MAX);
}

static void PRINTF(2, 3) explain(et_err *e, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(e->p, e->cap, fmt, ap);
    va_end(ap);
    e->n = n < 0 || e->cap == 0 ? 0
           : (size_t)n < e->cap ? (size_t)n
                                : e->cap - 1;
}

/* et.log/1 channels are the log's, plus one: 1 is the server's own stream. */
static int32_t
channel_open(et_conf *c, et_str path, et_err *e)
{
    struct instance *i = CONTAINER_OF(c, struct instance, conf);
    int fd;

    if (path.n == 0)
        return 1;
    if (i->n_channels == INSTANCE_MAX_CHANNELS) {
        explain(e, "cannot open %s: more than %u log files", path.p,
                INSTANCE_MAX_CHANNELS);
        return ET_ELIMIT;
    }
    fd = log_channel_open(path.p);
    if (fd > 0) {
        i->channels[i->n_channels++] = fd;
        return fd + 1;
    }
    explain(e, "cannot open %s: %s", path.p, strerror(-fd));
    return ET_EINVAL;
}

static int32_t
channel_write(et_req *r, int32_t channel, const char *p, size_t n)
{
    (void)r;
    if (channel < 1 || n > 8000)
        return ET_EINVAL;
    return log_line((uint32_t)channel - 1, p, n) < 0 ? ET_ELIMIT : 0;
}

static const et_log log_iface = {
    .size = sizeof log_iface,
    .open = channel_open,
    .write = channel_write,
};

/* ---- the table -----------------------------------------------------------*/

static const void *
host_iface(const et_host *h, const char *id, uint32_t min_size)
{
    const struct {
        const char *id;
        const void *iface;
        uint32_t size;
    } table[] = {
        {ET_IF_HTTP, host_http(), sizeof(et_http)},
        {ET_IF_LOG, host_log(), sizeof(et_log)},
        {ET_IF_METRICS, metering_iface(), sizeof(et_metrics)},
        {ET_IF_STORE, stores_iface(), sizeof(et_store_api)},
        {ET_IF_ASYNC, async_iface(), sizeof(et_async)},
        {ET_IF_TASK, task_calls(), sizeof(et_task)},
        {ET_IF_CHANNEL, subs_iface(), sizeof(et_channel_api)},
        {ET_IF_FETCH, fetching_iface(), sizeof(et_fetch_api)},
        {ET_IF_WS, upgrade_iface(), sizeof(et_ws_api)},
    };

    (void)h;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(table[i].id, id) == 0 && table[i].size >= min_size)
            return table[i].iface;
    }
    return NULL;
}

static et_host host = {
    .size = sizeof host,
    .major = ET_ABI_MAJOR,
    .minor = ET_ABI_MINOR,
    .log_level = ET_L_INFO,
    .product = "Etude/" ETUDE_VERSION,
    .iface = host_iface,
    .log = host_log_record,
};

const et_host *
host_get(void)
{
    return &host;
}

void
host_set_log_level(uint32_t level)
{
    __atomic_store_n(&host.log_level, level, __ATOMIC_RELAXED);
}

const et_log *
host_log(void)
{
    return &log_iface;
}

void
host_worker_init(struct host_worker *w, uint32_t index, uint32_t n_workers)
{
    *w = (struct host_worker){
        .pub = {.ctx = {sizeof(et_worker), ET_K_WORKER, host_get()},
                .index = index,
                .n_workers = n_workers,
                .metrics = metering_iface(),
                .async = async_iface(),
                .task = task_calls(),
                .fetch = fetching_iface(),
                .ws = upgrade_iface()},
        .magic = HOST_WORKER_MAGIC};
}
