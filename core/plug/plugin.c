/* SPDX-License-Identifier: BSD-2-Clause */
/* plugin.c - see plugin.h.
 *
 * Items come in whatever order the compiler and the linker left them in; they
 * are sorted by file and line first, so everything after, messages included, is
 * in the source's order.  A fault is reported and the walk goes on. */
#include "plug/plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conf/option.h"
#include "plug/callback.h"
#include "plug/image.h"
#include "plug/reach.h"
#include "plug/vet.h"

#define PLUGIN_MAX_BYTES ((size_t)16 << 20)
#define MAX_ITEMS 65536
#define MAX_OPTIONS 1000u
#define MAX_VERSIONS 9
#define MAX_BOUNDS 64u
#define MAX_METRIC_NAME 100u
#define N_KINDS (ET_I_BODY + 1)

/* What a kind is called in messages, its size here, the least size that makes
 * sense, and whether a plugin has at most one. */
struct kind {
    const char *name;
    size_t bytes, least_bytes;
    int is_single;
};

#define END_OF(T, f) (offsetof(T, f) + sizeof(((T *)0)->f))

/* clang-format off */
static const struct kind kinds[N_KINDS] = {
    [ET_I_NONE]     = {"item", sizeof(et_item), sizeof(et_item), 0},
    [ET_I_ROUTE]    = {"route", sizeof(et_route), END_OF(et_route, fn), 0},
    [ET_I_REQUEST]  = {"request step", sizeof(et_stepdef),
                       END_OF(et_stepdef, fn), 1},
    [ET_I_RESPONSE] = {"response step", sizeof(et_stepdef),
                       END_OF(et_stepdef, fn), 1},
    [ET_I_HANDLER]  = {"handler", sizeof(et_stepdef),
                       END_OF(et_stepdef, fn), 1},
    [ET_I_LOG]      = {"log step", sizeof(et_stepdef),
                       END_OF(et_stepdef, fn), 1},
    [ET_I_OPTIONS]  = {"ET_OPTIONS", sizeof(et_optdef),
                       END_OF(et_optdef, conf_size), 1},
    [ET_I_INSTANCE] = {"ET_INSTANCE", sizeof(et_instancedef),
                       END_OF(et_instancedef, open), 1},
    [ET_I_STATE]    = {"ET_STATE", sizeof(et_statedef),
                       END_OF(et_statedef, exit), 1},
    [ET_I_IMAGE]    = {"ET_IMAGE", sizeof(et_imagedef),
                       END_OF(et_imagedef, load), 1},
    [ET_I_NEED]     = {"need", sizeof(et_needdef),
                       END_OF(et_needdef, id), 0},
    [ET_I_ORDER]    = {"order", sizeof(et_orderdef), sizeof(et_item), 0},
    [ET_I_COMMAND]  = {"command", sizeof(et_commanddef),
                       END_OF(et_commanddef, fn), 0},
    [ET_I_METRIC]   = {"metric", sizeof(et_metricdef),
                       END_OF(et_metricdef, handle), 0},
    [ET_I_BODY]     = {"body step", sizeof(et_bodydef),
                       END_OF(et_bodydef, fn), 1},
};
/* clang-format on */

struct build {
    struct plugin *p;
    const et_host *host;
    const struct place *at;
    struct diag *d;
    const et_item **items; /* theirs, sorted; then our copies */
    size_t n;
    int rc; /* the worst so far */
};

static void PRINTF(2, 3) fault(struct build *b, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diag_error(b->d, b->at, "plugin %s: %s", b->p->path, text);
    if (b->rc == 0)
        b->rc = ERR_INVALID;
}

static void
no_memory(struct build *b)
{
    fault(b, "its declarations do not fit into %zu MiB",
          PLUGIN_MAX_BYTES >> 20);
    b->rc = ERR_NOMEM;
}

static const char *
file_of(const et_item *it)
{
    return it->file != NULL ? it->file : "?";
}

/* ---- copies ---------------------------------------------------------------*/

static int
by_place(const void *a, const void *b)
{
    const et_item *x = *(const et_item *const *)a;
    const et_item *y = *(const et_item *const *)b;
    int c = strcmp(file_of(x), file_of(y));

    if (c != 0)
        return c;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* Its name in messages, and what is read of it. */
static int
is_readable(struct build *b, const et_item *it)
{
    size_t known = it->kind < N_KINDS ? kinds[it->kind].bytes : sizeof *it;

    if (reach_has_file(it) &&
        reach_has(it, it->size < known ? it->size : known, _Alignof(et_item)))
        return 1;
    fault(b, "%s of an item " REACH_NOT_INSIDE,
          reach_has_file(it) ? "the end" : "file");
    return 0;
}

/* The kinds of items this server knows, large enough to be read. */
static int
is_sound(struct build *b, const et_item *it)
{
    if (!reach_has_one(it)) {
        fault(b, "an item " REACH_NOT_INSIDE);
        return 0;
    }
    if (it->size < sizeof *it) {
        fault(b, "has an item of only %u bytes", it->size);
        return 0;
    }
    if (!is_readable(b, it))
        return 0;
    if (it->kind >= N_KINDS) {
        fault(b,
              "%s:%u: declares something this server does not know (item kind "
              "%u): it needs a newer server",
              file_of(it), it->line, it->kind);
        return 0;
    }
    if (it->size < kinds[it->kind].least_bytes) {
        fault(b, "%s:%u: %s of only %u bytes", file_of(it), it->line,
              kinds[it->kind].name, it->size);
        return 0;
    }
    return 1;
}

/* Pointers to all sound items, sorted. */
static void
gather(struct build *b)
{
    const void *const *from = b->p->desc.items;
    const void *const *end = b->p->desc.items_end;

    if (from == NULL || end <= from)
        return;
    if (end - from > MAX_ITEMS) {
        fault(b, "declares more than %d items", MAX_ITEMS);
        return;
    }
    b->items =
        arena_alloc(&b->p->arena, (size_t)(end - from) * sizeof *b->items);
    if (b->items == NULL) {
        no_memory(b);
        return;
    }
    for (; from < end; from++)
        if (*from != NULL && is_sound(b, *from))
            b->items[b->n++] = *from;
    if (b->n > 0)
        qsort(b->items, b->n, sizeof *b->items, by_place);
}

/* n bytes of theirs as bytes zeroed ones of ours. */
static void *
copy_struct(struct build *b, const void *theirs, size_t n, size_t bytes)
{
    void *ours = arena_zalloc(&b->p->arena, bytes);

    if (ours == NULL)
        no_memory(b);
    else
        memcpy(ours, theirs, n < bytes ? n : bytes);
    return ours;
}

static void
copy_items(struct build *b)
{
    for (size_t i = 0; i < b->n && b->rc != ERR_NOMEM; i++) {
        const et_item *it = b->items[i];
        et_item *copy = copy_struct(b, it, it->size, kinds[it->kind].bytes);

        if (copy == NULL)
            return;
        copy->size = (uint32_t)kinds[it->kind].bytes;
        copy->file = file_of(it);
        b->items[i] = copy;
    }
}

/* Whether all they point to can be read, so that they can be judged. */
static int
are_readable(struct build *b)
{
    int rc = 1;

    for (size_t i = 0; i < b->n; i++) {
        const et_item *it = b->items[i];
        const char *astray = reach_astray_in_item(it);

        if (astray == NULL)
            continue;
        fault(b, "%s:%u: %s of a %s " REACH_NOT_INSIDE, it->file, it->line,
              astray, kinds[it->kind].name);
        rc = 0;
    }
    return rc;
}

/* ---- the parts ------------------------------------------------------------*/

/* The one item of a kind, or NULL; a second is a fault. */
static const void *
the(struct build *b, uint32_t kind)
{
    const et_item *found = NULL;

    for (size_t i = 0; i < b->n; i++) {
        const et_item *it = b->items[i];

        if (it->kind != kind)
            continue;
        if (found != NULL)
            fault(b, "has two of %s (%s:%u and %s:%u): one is the limit",
                  kinds[kind].name, found->file, found->line, it->file,
                  it->line);
        else
            found = it;
    }
    return found;
}

/* All items of a kind, as an array of pointers to them. */
static void *
all(struct build *b, uint32_t kind, uint32_t *n)
{
    char *array, *at;

    *n = 0;
    for (size_t i = 0; i < b->n; i++)
        *n += b->items[i]->kind == kind;
    if (*n == 0)
        return NULL;
    array = at = arena_alloc(&b->p->arena, (size_t)*n * sizeof *b->items);
    if (array == NULL) {
        no_memory(b);
        *n = 0;
        return NULL;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i]->kind != kind)
            continue;
        memcpy(at, &b->items[i], sizeof *b->items);
        at += sizeof *b->items;
    }
    return array;
}

static void
sort_out(struct build *b)
{
    struct plugin *p = b->p;

    p->request = the(b, ET_I_REQUEST);
    p->response = the(b, ET_I_RESPONSE);
    p->handler = the(b, ET_I_HANDLER);
    p->log = the(b, ET_I_LOG);
    p->filter = the(b, ET_I_BODY);
    p->options = the(b, ET_I_OPTIONS);
    p->instance = the(b, ET_I_INSTANCE);
    p->state = the(b, ET_I_STATE);
    p->image_def = the(b, ET_I_IMAGE);
    p->routes = all(b, ET_I_ROUTE, &p->n_routes);
    p->needs = all(b, ET_I_NEED, &p->n_needs);
    p->orders = all(b, ET_I_ORDER, &p->n_orders);
    p->commands = all(b, ET_I_COMMAND, &p->n_commands);
    p->metrics = all(b, ET_I_METRIC, &p->n_metrics);
}

/* ---- what they say --------------------------------------------------------*/

static void
check_flags(struct build *b, const et_item *it, const char *name,
            uint32_t flags)
{
    if (flags & ET_B_STREAM && !(flags & ET_F_TASK))
        fault(b,
              "%s:%u: %s wants its request body as a stream: only a task can "
              "read one",
              it->file, it->line, name);
    if (flags & ET_F_TASK &&
        (it->kind == ET_I_RESPONSE || it->kind == ET_I_LOG))
        fault(b,
              "%s:%u: %s cannot be a task: only request steps and handlers "
              "can",
              it->file, it->line, name);
    flags &= ~(ET_B_BUFFER | ET_B_STREAM | ET_F_TASK);
    if (flags != 0)
        fault(b,
              "%s:%u: %s has flags this server does not know (0x%x): it needs "
              "a newer server",
              it->file, it->line, name, flags);
}

static void
check_step(struct build *b, const et_stepdef *step)
{
    if (step == NULL)
        return;
    if (step->fn == NULL || step->name == NULL)
        fault(b, "%s:%u: %s without a function or a name", step->it.file,
              step->it.line, kinds[step->it.kind].name);
    else
        check_flags(b, &step->it, step->name, step->flags);
}

static void
check_route(struct build *b, const et_route *r)
{
    const et_route *same;

    if (r->fn == NULL || r->name == NULL || r->method == NULL ||
        r->path == NULL) {
        fault(b, "%s:%u: route without a function, name, method or path",
              r->it.file, r->it.line);
        return;
    }
    check_flags(b, &r->it, r->name, r->flags);
    same = plugin_route(b->p, (et_str){r->name, strlen(r->name)});
    if (same->fn != r->fn)
        fault(b,
              "two different functions are called %s (%s:%u and %s:%u): a "
              "route is bound by its function's name",
              r->name, same->it.file, same->it.line, r->it.file, r->it.line);
}

static void
check_commands(struct build *b)
{
    for (uint32_t i = 0; i < b->p->n_commands; i++) {
        const et_commanddef *c = b->p->commands[i];

        if (c->fn == NULL || c->name == NULL)
            fault(b, "%s:%u: command without a function or a name", c->it.file,
                  c->it.line);
    }
}

/* A word of the figures' names: letters, digits and '_', no digit first. */
static int
is_word(const char *z)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t n = strspn(z, letters);

    return n > 0 && n <= MAX_METRIC_NAME && z[n] == '\0' &&
           (*z < '0' || *z > '9');
}

static int
ends_in(const char *z, const char *tail)
{
    size_t n = strlen(z), k = strlen(tail);

    return n >= k && strcmp(z + n - k, tail) == 0;
}

/* What is wrong with the bounds, or NULL. */
static const char *
judge_bounds(const et_metricdef *m)
{
    if (m->kind != ET_METRIC_HISTOGRAM)
        return m->n_bounds > 0 ? "has bounds and is no histogram" : NULL;
    if (m->n_bounds == 0 || m->n_bounds > MAX_BOUNDS || m->bounds == NULL)
        return "needs 1 to 64 bounds";
    for (uint32_t i = 1; i < m->n_bounds; i++) {
        if (m->bounds[i] <= m->bounds[i - 1])
            return "has bounds that do not ascend";
    }
    return NULL;
}

/* What is wrong with a metric that has a name, or NULL. */
static const char *
judge_metric(const et_metricdef *m)
{
    static const char *const taken[] = {"_total", "_count", "_sum", "_bucket"};

    if (m->help == NULL || m->handle == NULL)
        return "has no help or no handle";
    if (m->kind < ET_METRIC_COUNTER || m->kind > ET_METRIC_INSTANCE_GAUGE)
        return "is of a kind this server does not know: it needs a newer "
               "server";
    if (!is_word(m->name))
        return "has a name that is not of letters, digits and _";
    if (m->unit != NULL && *m->unit != '\0' && !is_word(m->unit))
        return "has a unit that is not of letters, digits and _";
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        if (ends_in(m->name, taken[i]))
            return "has a name with an ending that the server adds (_total, "
                   "_count, _sum, _bucket)";
    }
    return judge_bounds(m);
}

static void
check_metric(struct build *b, uint32_t i)
{
    const et_metricdef *m = b->p->metrics[i];
    const char *wrong;

    if (m->name == NULL) {
        fault(b, "%s:%u: metric without a name", m->it.file, m->it.line);
        return;
    }
    wrong = judge_metric(m);
    if (wrong != NULL)
        fault(b, "%s:%u: metric %s %s", m->it.file, m->it.line, m->name, wrong);
    for (uint32_t k = 0; k < i; k++) {
        const et_metricdef *o = b->p->metrics[k];
        if (o->name != NULL && strcmp(o->name, m->name) == 0)
            fault(b, "two metrics are called %s (%s:%u and %s:%u)", m->name,
                  o->it.file, o->it.line, m->it.file, m->it.line);
    }
}

/* Tell the plugin what its metrics are called in calls.  A build that comes
 * back gets the same handles again. */
static void
give_handles(struct plugin *p)
{
    for (uint32_t i = 0; i < p->n_metrics; i++)
        *p->metrics[i]->handle = i + 1;
}

/* The host's copies of an option table: rows of the plugin's own size. */
static et_opt *
copy_options(struct build *b, const et_optdef *def)
{
    et_opt *rows = arena_zalloc(&b->p->arena, def->n * sizeof *rows);
    const char *at = (const char *)def->v;
    size_t stride = def->v->size;

    if (rows == NULL) {
        no_memory(b);
        return NULL;
    }
    for (uint32_t i = 0; i < def->n; i++, at += stride) {
        memcpy(&rows[i], at, stride < sizeof *rows ? stride : sizeof *rows);
        rows[i].size = sizeof *rows;
        if (((const et_opt *)at)->size != stride)
            fault(b, "%s:%u: option rows of different sizes", def->it.file,
                  def->it.line);
    }
    return rows;
}

static void
check_options(struct build *b, const et_optdef *def)
{
    for (uint32_t i = 0; i < def->n; i++) {
        const char *astray = reach_astray_in_option(&def->v[i]);

        if (astray == NULL)
            continue;
        if (strcmp(astray, "key") == 0)
            fault(b, "%s:%u: key of option %u " REACH_NOT_INSIDE, def->it.file,
                  def->it.line, i);
        else
            fault(b, "%s:%u: %s of option %s " REACH_NOT_INSIDE "%s",
                  def->it.file, def->it.line, astray,
                  def->v[i].key != NULL ? def->v[i].key : "",
                  strcmp(astray, "default") == 0
                      ? ": write it as a string, \"1\" and not 1"
                      : "");
    }
}

/* Its rows, as many and as long as it says. */
static int
has_rows(const et_optdef *def)
{
    return reach_has(def->v, sizeof def->v->size, _Alignof(et_opt)) &&
           reach_has(def->v, (size_t)def->n * def->v->size, 1);
}

static void
take_options(struct build *b)
{
    const et_optdef *def = b->p->options;
    char why[512];
    et_optdef *ours;

    if (def == NULL)
        return;
    ours = copy_struct(b, def, sizeof *def, sizeof *def);
    if (ours == NULL)
        return;
    if (def->n <= MAX_OPTIONS && def->n > 0 && def->v != NULL &&
        !has_rows(def)) {
        fault(b, "%s:%u: the option table " REACH_NOT_INSIDE, def->it.file,
              def->it.line);
        return;
    }
    if (def->n > MAX_OPTIONS ||
        (def->n > 0 &&
         (def->v == NULL || def->v->size < END_OF(et_opt, dflt)))) {
        fault(b, "%s:%u: malformed option table", def->it.file, def->it.line);
        return;
    }
    ours->v = def->n > 0 ? copy_options(b, def) : NULL;
    b->p->options = ours;
    if (ours->v != NULL)
        check_options(b, ours);
    if (b->rc == 0 && option_check_table(ours, why, sizeof why) < 0)
        fault(b, "%s:%u: %s", def->it.file, def->it.line, why);
}

/* The version of that interface this server does offer: "et.stream/2" ->
 * "et.stream/1". */
static int
find_offered(const struct build *b, const char *id, char out[128])
{
    const char *slash = strrchr(id, '/');

    if (slash == NULL)
        return 0;
    for (int v = MAX_VERSIONS; v > 0; v--) {
        snprintf(out, 128, "%.*s/%d", (int)(slash - id), id, v);
        if (b->host->iface(b->host, out, 0) != NULL)
            return 1;
    }
    return 0;
}

static void
check_need(struct build *b, const et_needdef *need)
{
    char offered[128];

    if (need->id == NULL)
        fault(b, "%s:%u: need without an interface", need->it.file,
              need->it.line);
    else if (b->host->iface(b->host, need->id, need->min_size) != NULL)
        return;
    else if (b->host->iface(b->host, need->id, 0) != NULL)
        fault(b,
              "needs interface \"%s\" of at least %u bytes; this server's is "
              "older. Upgrade the server",
              need->id, need->min_size);
    else if (find_offered(b, need->id, offered))
        fault(b,
              "needs interface \"%s\"; this server offers %s. Upgrade the "
              "server",
              need->id, offered);
    else
        fault(b,
              "needs interface \"%s\"; this server offers none of that name. "
              "Upgrade the server",
              need->id);
}

static void
check_filter(struct build *b)
{
    const et_bodydef *f = b->p->filter;

    if (!f)
        return;
    if (f->fn == NULL || f->name == NULL) {
        fault(b, "%s:%u: body step without a function or a name", f->it.file,
              f->it.line);
        return;
    }
    if (f->flags != 0)
        fault(b,
              "%s:%u: %s has flags this server does not know (0x%x): it needs "
              "a newer server",
              f->it.file, f->it.line, f->name, f->flags);
    if (!b->p->response)
        fault(b, "%s:%u: %s sees no body: no response step can ask for it",
              f->it.file, f->it.line, f->name);
}

static void
judge(struct build *b)
{
    struct plugin *p = b->p;

    if (p->desc.flags & ~VET_KNOWN_FLAGS)
        fault(b,
              "has plugin flags this server does not know (0x%x): it needs a "
              "newer server",
              p->desc.flags & ~VET_KNOWN_FLAGS);
    check_step(b, p->request);
    check_step(b, p->response);
    check_step(b, p->handler);
    check_step(b, p->log);
    check_filter(b);
    for (uint32_t i = 0; i < p->n_routes; i++)
        check_route(b, p->routes[i]);
    for (uint32_t i = 0; i < p->n_needs; i++)
        check_need(b, p->needs[i]);
    check_commands(b);
    for (uint32_t i = 0; i < p->n_metrics; i++)
        check_metric(b, i);
}

/* ---- life -----------------------------------------------------------------*/

static void
call_load(struct build *b)
{
    char text[512];
    et_err e = {text, sizeof text - 1, 0};

    if (callback_load(b->p, b->host, &e) < 0) {
        if (e.n > e.cap)
            e.n = e.cap;
        fault(b, "load failed: %.*s", (int)(e.n > 0 ? e.n : 20),
              e.n > 0 ? text : "it does not say why");
        return;
    }
    b->p->is_loaded = 1;
}

static struct plugin *
new_plugin(struct image *img)
{
    struct plugin *p = calloc(1, sizeof *p);
    const et_plugin *theirs = img->descriptor;

    if (p == NULL)
        return NULL;
    p->magic = PLUGIN_MAGIC;
    p->n_refs = 1;
    p->image = image_ref(img);
    p->path = img->path;
    memcpy(&p->desc, theirs,
           theirs->size < sizeof p->desc ? theirs->size : sizeof p->desc);
    p->desc.size = sizeof p->desc;
    arena_init(&p->arena, NULL, 0, NULL, PLUGIN_MAX_BYTES);
    img->plugin = p;
    return p;
}

int
plugin_new(struct image *img, const et_host *host, const struct place *at,
           struct diag *d, struct plugin **out)
{
    struct build b = {.host = host, .at = at, .d = d};

    CHECK(img->descriptor != NULL);
    *out = img->plugin;
    if (*out != NULL) {
        plugin_ref(*out);
        return 0;
    }
    b.p = new_plugin(img);
    if (b.p == NULL) {
        diag_error(d, at, "plugin %s: %s", img->path, err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    gather(&b);
    copy_items(&b);
    if (b.rc != ERR_NOMEM && are_readable(&b)) {
        sort_out(&b);
        judge(&b);
        take_options(&b);
    }
    if (b.rc == 0) {
        give_handles(b.p);
        call_load(&b);
    }
    if (b.rc < 0)
        plugin_unref(b.p);
    else
        *out = b.p;
    return b.rc;
}

int
plugin_load(struct image_set *s, const struct image_rules *rules,
            const char *path, const et_host *host, const struct place *at,
            struct diag *d, struct plugin **out)
{
    struct image *img;
    int rc = image_stage(s, rules, path, at, d, &img);

    *out = NULL;
    if (rc < 0)
        return rc;
    rc = image_open(img, at, d);
    if (rc == 0)
        rc = plugin_new(img, host, at, d, out);
    image_unref(img);
    return rc;
}

struct plugin *
plugin_ref(struct plugin *p)
{
    CHECK(p->magic == PLUGIN_MAGIC && p->n_refs > 0);
    p->n_refs++;
    return p;
}

void
plugin_unref(struct plugin *p)
{
    CHECK(p->magic == PLUGIN_MAGIC && p->n_refs > 0);
    if (--p->n_refs > 0)
        return;
    if (p->is_loaded)
        callback_unload(p);
    p->image->plugin = NULL;
    image_unref(p->image);
    arena_reset(&p->arena);
    p->magic = 0;
    free(p);
}

const et_route *
plugin_route(const struct plugin *p, et_str name)
{
    for (uint32_t i = 0; i < p->n_routes; i++) {
        const char *have = p->routes[i]->name;

        if (have != NULL && strlen(have) == name.n &&
            memcmp(have, name.p, name.n) == 0)
            return p->routes[i];
    }
    return NULL;
}
