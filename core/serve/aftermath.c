/* SPDX-License-Identifier: BSD-2-Clause */
/* aftermath.c - see aftermath.h. */
#include "serve/aftermath.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "ctl/faults.h"
#include "serve/blame.h"
#include "serve/process.h"

static void
log_block(const struct faults_record *r)
{
    enum log_level level = r->result == FAULTS_SLOW ? LOG_WARN : LOG_ERROR;
    char text[FAULTS_TEXT_MAX], *line = text;
    size_t n = faults_write(r, text, sizeof text);

    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\n')
            continue;
        log_write(level, r->instance[0] ? r->instance : NULL, line,
                  (size_t)(text + i - line));
        line = text + i + 1;
    }
}

static void
take(struct server *s, uint64_t serial, const struct faults_record *r)
{
    switch (r->result) {
    case FAULTS_RECOVERED:
        log_block(r);
        metrics_add(s->metrics, METRIC_crashes_recovered, 1);
        channel_fault(&s->channel, faults_index(serial), CTL_FAULT_TAINTED);
        break;
    case FAULTS_SLOW:
        log_block(r);
        metrics_add(s->metrics, METRIC_steps_slow, 1);
        break;
    default: /* the watchdog's */
        metrics_add(s->metrics, METRIC_workers_lost, 1);
        break;
    }
}

void
aftermath_look(struct server *s)
{
    const struct faults *f = blame_faults();
    struct faults_record r;
    uint64_t n, missed = 0;

    if (!f)
        return;
    (void)!read(blame_report_fd(), &n, sizeof n);
    for (n = faults_count(f); s->n_faults < n; s->n_faults++) {
        uint64_t serial = s->n_faults + 1;
        if (faults_read(f, serial, &r))
            take(s, serial, &r);
        else if (n - s->n_faults <= FAULTS_RECORDS)
            return; /* it is being written: we are woken once more */
        else
            missed++;
    }
    if (missed)
        log_error("%llu more faults than could be noted",
                  (unsigned long long)missed);
}
