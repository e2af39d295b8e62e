/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - look-ups in the table of metrics.h. */
#include "base/metrics.h"

#include "base/check.h"

#define KIND_counter METRIC_COUNTER
#define KIND_gauge METRIC_GAUGE
#define KIND_level METRIC_LEVEL
#define KIND_latest METRIC_LATEST

static const struct {
    const char *name, *help;
    enum metric_kind kind;
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

enum metric_kind
metrics_kind(enum metric id)
{
    CHECK(id < METRIC_COUNT);
    return rows[id].kind;
}

const char *
metrics_help(enum metric id)
{
    CHECK(id < METRIC_COUNT);
    return rows[id].help;
}
