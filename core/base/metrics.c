/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - look-ups in the table of metrics.h. */
#include "base/metrics.h"

#include "base/check.h"

enum kind { KIND_counter, KIND_gauge };

static const struct {
    const char *name, *help;
    enum kind kind;
} rows[METRIC_COUNT] = {
#define X(name, kind, help) [METRIC_##name] = {#name, help, KIND_##kind},
    METRICS_TABLE(X)
#undef X
};

const char *
metrics_name(enum metric id)
{
    CHECK(id < METRIC_COUNT);
    return rows[id].name;
}

int
metrics_is_gauge(enum metric id)
{
    CHECK(id < METRIC_COUNT);
    return rows[id].kind == KIND_gauge;
}

const char *
metrics_help(enum metric id)
{
    CHECK(id < METRIC_COUNT);
    return rows[id].help;
}
