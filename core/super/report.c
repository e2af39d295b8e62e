/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c - see report.h. */
#include "super/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/str.h"
#include "config.h"
#include "ctl/answer.h"
#include "super/process.h"

#define SECOND_NS (1000 * MS)
#define BUSY "the server process is busy: try again"
#define ERRORS_SHOWN 20 /* of the last reload; the log has them all */

/* ---- what there is to say ------------------------------------------------*/

static const char *
state_of(const struct super *s)
{
    if (s->stops > 0)
        return "stopping";
    if (!s->serving || !s->serving->is_ready)
        return "starting";
    if (s->reload.stage != RELOAD_NONE)
        return "reloading";
    return s->coming ? "replacing" : "serving";
}

static const char *
role_of(const struct child *c)
{
    static const char *const roles[] = {[CHILD_NONE] = "",
                                        [CHILD_COMING] = "coming",
                                        [CHILD_SERVING] = "serving",
                                        [CHILD_LEAVING] = "leaving",
                                        [CHILD_PROBING] = "trying"};

    return roles[c->role];
}

static uint64_t
since_s(uint64_t ns)
{
    return (clock_mono_ns() - ns) / SECOND_NS;
}

/* ---- JSON ----------------------------------------------------------------*/

static void
json_processes(FILE *out, const struct super *s)
{
    const char *comma = "";

    fputs("\"processes\":[", out);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *c = &s->children[i];
        if (c->role == CHILD_NONE)
            continue;
        fprintf(out, "%s{\"role\":\"%s\",\"pid\":%d,\"age_s\":%llu}", comma,
                role_of(c), (int)c->pid,
                (unsigned long long)since_s(c->born_ns));
        comma = ",";
    }
    fputs("],", out);
}

static void
json_builds(FILE *out, const struct super *s)
{
    const char *comma = "";

    fputs("\"crashed\":[", out);
    for (uint32_t i = 0; i < LEDGER_BUILDS; i++) {
        const struct ledger_build *b = &s->ledger.builds[i];
        if (!b->sha256[0])
            continue;
        fprintf(out, "%s{", comma);
        json_member(out, "name", b->name);
        json_member(out, "sha256", b->sha256);
        fprintf(out, "\"crashes\":%llu,\"quarantined\":%s}",
                (unsigned long long)b->n_crashes,
                b->is_quarantined ? "true" : "false");
        comma = ",";
    }
    fputs("],", out);
}

static void
write_json(FILE *out, const struct super *s, const struct answer *server,
           const char *why_not)
{
    size_t n = 0;
    const char *more = server ? answer_members(server, &n) : NULL;

    fputs("{\"ok\":true,", out);
    json_member(out, "version", ETUDE_VERSION);
    json_member(out, "state", state_of(s));
    fprintf(out, "\"pid\":%d,\"supervisor\":%d,\"uptime_s\":%llu,",
            (int)getpid(), (int)getpid(),
            (unsigned long long)since_s(s->desk.began_ns));
    json_member(out, "config", s->files.path);
    fprintf(out, "\"generation\":%u,", s->generation);
    json_processes(out, s);
    json_builds(out, s);
    fprintf(out, "\"last_reload\":%s,",
            s->desk.last_reload ? s->desk.last_reload : "null");
    if (more)
        fwrite(more, 1, n, out);
    else
        json_last(out, "server_error", why_not ? why_not : BUSY);
}

/* ---- words ---------------------------------------------------------------*/

static void
text_errors(FILE *out, struct json_read *r)
{
    et_str item;
    int n = 0;

    for (; n < ERRORS_SHOWN && json_read_item(r, &item) > 0; n++)
        fprintf(out, "\n%-11s %.*s", "", (int)item.n, item.p);
    if (n == ERRORS_SHOWN && json_read_item(r, &item) > 0)
        fprintf(out, "\n%-11s and more: see the log", "");
}

static void
text_reload(FILE *out, struct json_read *r)
{
    long long us = 0;
    struct json_value v;

    while (json_read_next(r, &v) > 0) {
        if (str_eq(v.name, str_lit("at")))
            fprintf(out, "%.*s", (int)v.text.n, v.text.p);
        else if (str_eq(v.name, str_lit("us")))
            us = v.number;
        else if (str_eq(v.name, str_lit("ok")))
            fprintf(out, v.number ? ", good after %.1f ms" : ", failed",
                    (double)us / 1e3);
        else if (str_eq(v.name, str_lit("summary")))
            fprintf(out, ": %.*s", (int)v.text.n, v.text.p);
        else if (str_eq(v.name, str_lit("errors")))
            text_errors(out, r);
    }
}

static void
text_last_reload(FILE *out, const struct super *s)
{
    char *copy = s->desk.last_reload ? strdup(s->desk.last_reload) : NULL;
    struct json_read r;

    fprintf(out, "%-11s ", "last reload");
    if (copy) {
        json_read_init(&r, copy, strlen(copy));
        text_reload(out, &r);
    } else {
        fputs("none", out);
    }
    fputc('\n', out);
    free(copy);
}

static void
text_processes(FILE *out, const struct super *s)
{
    const char *name = "processes";
    char age[CLOCK_SPAN_LEN];

    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *c = &s->children[i];
        if (c->role == CHILD_NONE)
            continue;
        fprintf(out, "%-11s %d, %s, since %s\n", name, (int)c->pid, role_of(c),
                clock_span(age, since_s(c->born_ns)));
        name = "";
    }
    if (*name)
        fprintf(out, "%-11s none: the next one is about to be started\n", name);
}

static void
text_builds(FILE *out, const struct super *s)
{
    int n = 0;

    for (uint32_t i = 0; i < LEDGER_BUILDS; i++) {
        const struct ledger_build *b = &s->ledger.builds[i];
        if (!b->sha256[0])
            continue;
        if (n++ == 0)
            fprintf(out, "\n%-44s %-12s %7s\n", "CRASHED", "SHA256", "CRASHES");
        fprintf(out, "%-44s %-12.12s %7llu%s\n", b->name, b->sha256,
                (unsigned long long)b->n_crashes,
                b->is_quarantined ? "  in quarantine" : "");
    }
}

/* What an answer in words says. */
static void
text_server(FILE *out, const struct answer *server)
{
    char *copy = malloc(server->n + 1);
    struct json_read r;
    struct json_value v;

    if (!copy)
        return;
    memcpy(copy, server->text, server->n);
    json_read_init(&r, copy, server->n);
    while (json_read_next(&r, &v) > 0) {
        if (v.type == JSON_STRING && str_eq(v.name, str_lit("text")))
            fprintf(out, "%.*s", (int)v.text.n, v.text.p);
    }
    free(copy);
}

static void
write_text(FILE *out, const struct super *s, const struct answer *server,
           const char *why_not)
{
    char up[CLOCK_SPAN_LEN];
    size_t n;

    fprintf(out, "Etude %s, pid %d, %s, up %s\n", ETUDE_VERSION, (int)getpid(),
            state_of(s), clock_span(up, since_s(s->desk.began_ns)));
    fprintf(out, "%-11s %s\n", "config", s->files.path);
    text_processes(out, s);
    text_last_reload(out, s);
    if (server && answer_members(server, &n))
        text_server(out, server);
    else
        fprintf(out, "%-11s %u; %s\n", "generation", s->generation,
                why_not ? why_not : BUSY);
    text_builds(out, s);
}

/* ---- both ----------------------------------------------------------------*/

/* Words are a member of the answer. */
static void
wrap_text(struct answer *a, const struct super *s, const struct answer *server,
          const char *why_not)
{
    struct answer words;
    char *text;

    answer_begin(&words);
    if (words.out)
        write_text(words.out, s, server, why_not);
    text = answer_take(&words);
    a->is_broken = !text;
    fputs("{\"ok\":true,\"text\":", a->out);
    json_string(a->out, (et_str){text, text ? words.n : 0});
    fputc('}', a->out);
    free(text);
}

void
report_write(struct answer *a, const struct super *s, int wants_text,
             const struct answer *server, const char *why_not)
{
    answer_begin(a);
    if (a->out && wants_text)
        wrap_text(a, s, server, why_not);
    else if (a->out)
        write_json(a->out, s, server, why_not);
    answer_end(a);
}
