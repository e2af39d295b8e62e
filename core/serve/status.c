/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c - see status.h. */
#include "serve/status.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/str.h"
#include "conf/conf.h"
#include "config.h"
#include "ctl/answer.h"
#include "http/gen.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/certificates.h"
#include "serve/process.h"

#define SECOND_NS 1000000000u
#define ERRORS_KEPT 20 /* of the last reload; the log has them all */

/* ---- what there is to say ------------------------------------------------*/

struct worker_figures {
    uint64_t connections, accepted, requests, active, memory, worst_ns;
};

static struct worker_figures
figures_of(const struct worker *w, uint64_t now_ns)
{
    const struct metrics *m = w->env.metrics;

    return (struct worker_figures){
        .connections = metrics_get(m, METRIC_connections_active),
        .accepted = metrics_get(m, METRIC_connections_accepted),
        .requests = metrics_get(m, METRIC_requests),
        .active = metrics_get(m, METRIC_requests_active),
        .memory = metrics_get(m, METRIC_memory),
        .worst_ns = lag_worst_ns(&w->lag, now_ns),
    };
}

/* Bytes of this process that are in memory; 0: not known. */
static uint64_t
resident(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long all = 0, here = 0;

    if (f && fscanf(f, "%llu %llu", &all, &here) != 2)
        here = 0;
    if (f)
        fclose(f);
    return here * (uint64_t)sysconf(_SC_PAGESIZE);
}

static const char *
state_of(const struct server *s)
{
    if (s->orders.stops > 0)
        return "stopping";
    return s->asks.is_reloading ? "reloading" : "serving";
}

static uint64_t
uptime_s(const struct server *s)
{
    return (clock_mono_ns() - s->asks.begin_ns) / SECOND_NS;
}

/* The plugin of instance i, if no instance before it is of the same. */
static const struct plugin *
first_of(const struct gen *g, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (g->instances[k]->plugin == g->instances[i]->plugin)
            return NULL;
    }
    return g->instances[i]->plugin;
}

/* ---- JSON ----------------------------------------------------------------*/

static void
json_number(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

static void
json_worker(FILE *out, uint32_t i, const struct worker_figures *f)
{
    fprintf(out, "%s{", i ? "," : "");
    json_number(out, "index", i);
    json_number(out, "connections", f->connections);
    json_number(out, "accepted", f->accepted);
    json_number(out, "requests", f->requests);
    json_number(out, "requests_active", f->active);
    json_number(out, "worst_turn_us", f->worst_ns / 1000);
    fprintf(out, "\"memory_bytes\":%llu}", (unsigned long long)f->memory);
}

static void
json_instances(FILE *out, const struct gen *g, const struct plugin *p)
{
    const char *comma = "";

    fputs("\"instances\":[", out);
    for (uint32_t i = 0; i < g->n_instances; i++) {
        if (g->instances[i]->plugin != p)
            continue;
        fputs(comma, out);
        json_string(out, str_from_z(g->instances[i]->name));
        comma = ",";
    }
    fputc(']', out);
}

static void
json_plugin(FILE *out, const struct server *s, const struct plugin *p)
{
    fputc('{', out);
    json_member(out, "id", p->desc.id);
    json_member(out, "version", p->desc.version);
    json_member(out, "build_id", p->image->build_id);
    json_member(out, "sha256", p->image->hash_hex);
    json_member(out, "module", p->path);
    json_number(out, "generation", p->since);
    json_number(out, "retired", image_n_retired(&s->images, p->desc.id));
    json_instances(out, s->gen, p);
    fputc('}', out);
}

static void
json_plugins(FILE *out, const struct server *s)
{
    const char *comma = "";

    fputs("\"plugins\":[", out);
    for (uint32_t i = 0; i < s->gen->n_instances; i++) {
        const struct plugin *p = first_of(s->gen, i);
        if (!p)
            continue;
        fputs(comma, out);
        json_plugin(out, s, p);
        comma = ",";
    }
    fputc(']', out);
}

static void
json_process(FILE *out, struct server *s)
{
    json_member(out, "config_hash", s->gen->conf->hash);
    json_member(out, "event", s->settings.backend);
    json_number(out, "generations_alive", s->n_gens);
    json_number(out, "routes", s->gen->n_routes);
    json_number(out, "memory_bytes", resident());
    json_number(out, "images_mapped", s->images.n_mapped);
    json_number(out, "images_retired", s->images.n_retired);
}

/* What a supervisor says better (super/report.c). */
static void
json_alone(FILE *out, struct server *s)
{
    json_member(out, "version", ETUDE_VERSION);
    json_member(out, "state", state_of(s));
    json_number(out, "pid", (uint64_t)getpid());
    json_number(out, "supervisor", 0);
    json_number(out, "uptime_s", uptime_s(s));
    json_member(out, "config", s->options->conf_path);
    json_number(out, "generation", s->gen->id);
    fprintf(out, "\"last_reload\":%s,",
            s->asks.last_json ? s->asks.last_json : "null");
}

static void
print_json(FILE *out, struct server *s)
{
    uint64_t now_ns = clock_mono_ns();

    if (!s->options->is_supervised)
        json_alone(out, s);
    json_process(out, s);
    fputs("\"workers\":[", out);
    for (uint32_t i = 0; i < s->fleet.n_workers; i++) {
        const struct worker_figures f =
            figures_of(&s->fleet.workers[i], now_ns);
        json_worker(out, i, &f);
    }
    fputs("],\"listeners\":", out);
    certificates_json(out, &s->sockets);
    fputc(',', out);
    json_plugins(out, s);
}

/* ---- words ---------------------------------------------------------------*/

static const char *
text_bytes(char out[24], uint64_t n)
{
    if (n < 1u << 20)
        snprintf(out, 24, "%llu KiB", (unsigned long long)n >> 10);
    else
        snprintf(out, 24, "%.1f MiB", (double)n / (1 << 20));
    return out;
}

/* What a supervisor says better. */
static void
text_alone(FILE *out, struct server *s)
{
    char up[CLOCK_SPAN_LEN];

    fprintf(out, "Etude %s, pid %d, %s, up %s\n", ETUDE_VERSION, (int)getpid(),
            state_of(s), clock_span(up, uptime_s(s)));
    fprintf(out, "%-11s %s\n", "config", s->options->conf_path);
    fprintf(out, "%-11s %s\n", "last reload",
            s->asks.last_text ? s->asks.last_text : "none");
}

static void
text_process(FILE *out, struct server *s)
{
    char memory[24];

    fprintf(out, "%-11s %llu, %u alive, %u routes, hash %.12s\n", "generation",
            (unsigned long long)s->gen->id, s->n_gens, s->gen->n_routes,
            s->gen->conf->hash);
    fprintf(out, "%-11s %s, %s, %u images mapped, %u of them retired\n",
            "process", s->settings.backend, text_bytes(memory, resident()),
            s->images.n_mapped, s->images.n_retired);
}

static void
text_workers(FILE *out, const struct server *s)
{
    uint64_t now_ns = clock_mono_ns();
    char memory[24];

    fprintf(out, "\n%6s %12s %12s %8s %12s %12s\n", "WORKER", "CONNECTIONS",
            "REQUESTS", "ACTIVE", "WORST TURN", "MEMORY");
    for (uint32_t i = 0; i < s->fleet.n_workers; i++) {
        const struct worker_figures f =
            figures_of(&s->fleet.workers[i], now_ns);
        fprintf(out, "%6u %12llu %12llu %8llu %9.1f ms %12s\n", i,
                (unsigned long long)f.connections,
                (unsigned long long)f.requests, (unsigned long long)f.active,
                (double)f.worst_ns / 1e6, text_bytes(memory, f.memory));
    }
}

static void
text_plugins(FILE *out, const struct server *s)
{
    const struct gen *g = s->gen;

    fprintf(out, "\n%-32s %-10s %-12s %-12s %5s %7s  %s\n", "PLUGIN", "VERSION",
            "BUILD", "SHA256", "SINCE", "RETIRED", "INSTANCES");
    for (uint32_t i = 0; i < g->n_instances; i++) {
        const struct plugin *p = first_of(g, i);
        const char *comma = "";
        if (!p)
            continue;
        fprintf(out, "%-32s %-10s %-12.12s %-12.12s %5llu %7u  ", p->desc.id,
                p->desc.version, *p->image->build_id ? p->image->build_id : "-",
                p->image->hash_hex, (unsigned long long)p->since,
                image_n_retired(&s->images, p->desc.id));
        for (uint32_t k = i; k < g->n_instances; k++) {
            if (g->instances[k]->plugin != p)
                continue;
            fprintf(out, "%s%s", comma, g->instances[k]->name);
            comma = ", ";
        }
        fputc('\n', out);
    }
}

static void
print_text(FILE *out, struct server *s)
{
    if (!s->options->is_supervised)
        text_alone(out, s);
    text_process(out, s);
    text_workers(out, s);
    certificates_text(out, &s->sockets);
    if (s->gen->n_instances > 0)
        text_plugins(out, s);
}

void
status_print(FILE *out, struct server *s, int as_json)
{
    if (as_json)
        print_json(out, s);
    else
        print_text(out, s);
}

/* ---- the last reload -----------------------------------------------------*/

static void
keep_json(struct server *s, const char *at, int rc, uint64_t ns,
          const char *changes, const struct diag *d)
{
    struct answer a;

    answer_begin(&a);
    if (a.out) {
        fputc('{', a.out);
        json_member(a.out, "at", at);
        fprintf(a.out, "\"ok\":%s,\"us\":%llu,\"generation\":%llu",
                rc < 0 ? "false" : "true", (unsigned long long)ns / 1000,
                (unsigned long long)s->gen->id);
        if (rc < 0)
            answer_diag(a.out, d, DIAG_ERROR, "errors", ERRORS_KEPT);
        else
            fputs(",\"summary\":", a.out);
        if (rc >= 0)
            json_string(a.out, str_from_z(changes));
        fputc('}', a.out);
    }
    s->asks.last_json = answer_take(&a);
}

static void
keep_text(struct server *s, const char *at, int rc, uint64_t ns,
          const char *changes, const struct diag *d)
{
    struct answer a;
    uint32_t n = 0;

    answer_begin(&a);
    if (a.out && rc >= 0)
        fprintf(a.out, "%s, good after %.1f ms: %s", at, (double)ns / 1e6,
                changes);
    else if (a.out)
        fprintf(a.out, "%s, failed, %u error(s)", at, d->n_errors);
    for (const struct diag_item *i = d->first;
         a.out && rc < 0 && i && n < ERRORS_KEPT; i = i->next) {
        if (i->kind == DIAG_ERROR && ++n)
            fprintf(a.out, "\n%-11s %s", "", i->text);
    }
    s->asks.last_text = answer_take(&a);
}

void
status_keep_reload(struct server *s, int rc, uint64_t ns, const char *changes,
                   const struct diag *d)
{
    char at[CLOCK_TEXT_LEN];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    clock_iso(at, now.tv_sec, (uint32_t)now.tv_nsec);
    free(s->asks.last_json);
    free(s->asks.last_text);
    keep_json(s, at, rc, ns, changes, d);
    keep_text(s, at, rc, ns, changes, d);
}
