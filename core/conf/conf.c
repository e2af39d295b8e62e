/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.c - see conf.h.
 *
 *   bundle -> section_read -> bind each section to its struct by the rows of
 *   directive.c -> link_check: do the names in it meet
 *
 * Everything allocated here, the merged sections included, is in the arena of
 * the result. */
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/address.h"
#include "conf/bind.h"
#include "conf/bundle.h"
#include "conf/directive.h"
#include "conf/link.h"
#include "conf/pairs.h"
#include "conf/section.h"
#include "conf/value.h"
#include "conf/vars.h"
#include "config.h"

#define MAX_BYTES (1024u << 20) /* of a parsed configuration */
#define DEFAULT_LISTEN "127.0.0.1:8080"

struct builder {
    struct conf *c;
    const struct bundle *bundle;
    struct diag *d;
    struct section_set *set;
    struct conf_plugin *plugins;
    struct conf_route *routes;
    struct conf_scope *scopes;
    struct conf_listen *listens;
    size_t n_listens, cap_listens;
};

/* ---- [server] -------------------------------------------------------------*/

/* Defaults that are no constant. */
static int
complete_server(struct builder *b, const struct bundle *bundle)
{
    struct conf_server *s = &b->c->server;
    const char *runtime = bundle_env(bundle, "RUNTIME_DIRECTORY");

    if (!s->modules.n)
        s->modules = arena_dup(&b->c->arena, str_from_z(bundle->modules));
    if (!s->runtime_dir.n && runtime && runtime[0] == '/')
        s->runtime_dir =
            arena_dup(&b->c->arena, (et_str){runtime, strcspn(runtime, ":")});
    return s->modules.p ? 0 : ERR_NOMEM;
}

/* What the keys of tickets are read from. */
static void
check_ticket_keys(struct builder *b, const struct section *s)
{
    const struct pairs pairs = {.d = b->d,
                                .bundle = b->bundle,
                                .is_strict = b->c->server.module_owner ==
                                             CONF_OWNER_STRICT};
    const struct conf_server *c = &b->c->server;
    struct place at = conf_place(b->c, &c->tls_ticket_keys);

    if (c->tls_ticket_keys.n && at.file)
        pairs_check_secret(&pairs, s->title, "tls.ticket_keys",
                           c->tls_ticket_keys, &at);
}

static int
build_server(struct builder *b, const struct bundle *bundle)
{
    static const struct section nothing = {.kind = DIRECTIVE_SERVER,
                                           .title = "[server]"};
    const struct section *s =
        section_find(b->set, DIRECTIVE_SERVER, (et_str){"", 0});
    struct bind x = {.a = &b->c->arena,
                     .d = b->d,
                     .s = s ? s : &nothing,
                     .to = &b->c->server,
                     .places = b->c->server_at};
    int rc = bind_section(&x);

    if (!rc)
        check_ticket_keys(b, x.s);
    return rc ? rc : complete_server(b, bundle);
}

/* ---- listeners ------------------------------------------------------------*/

/* One row of conf.listens: a copy of like with this address. */
static int
add_listen(struct builder *b, const struct conf_listen *like, et_str address)
{
    size_t cap = b->cap_listens ? 2 * b->cap_listens : 8, i;
    struct conf_listen *v;
    struct address parts;
    int rc;

    if (b->n_listens == b->cap_listens) {
        v = arena_alloc(&b->c->arena, cap * sizeof(*v));
        if (!v)
            return ERR_NOMEM;
        if (b->n_listens)
            memcpy(v, b->listens, b->n_listens * sizeof(*v));
        b->listens = v;
        b->cap_listens = cap;
    }
    rc = address_listen(address, &parts);
    CHECK(rc == 0); /* value_parse has seen it */
    for (i = 0; i < b->n_listens; i++)
        if (parts.port != 0 && str_eq(b->listens[i].address, address))
            diag_error(b->d, &like->at,
                       "%.*s is listened on already, by "
                       "%s:%u",
                       (int)address.n, address.p, b->listens[i].at.file,
                       b->listens[i].at.line);
    v = &b->listens[b->n_listens++];
    *v = *like;
    v->address = address;
    v->host = parts.host;
    v->path = parts.path;
    v->port = parts.port;
    if (parts.host.p)
        v->host = arena_dup(&b->c->arena, parts.host);
    return parts.host.p && !v->host.p ? ERR_NOMEM : 0;
}

/* Where item i of a list stands that a key of s gives, on several lines
 * perhaps. */
static struct place
place_of_item(const struct section *s, const char *key, size_t i,
              struct place otherwise)
{
    const struct section_entry *e;
    size_t n = 0, k;

    for (e = s ? s->first : NULL; e; e = e->next) {
        if (e->is_replaced || !value_eq(e->key, key))
            continue;
        for (k = 0; k < e->value.n; k++)
            n += e->value.p[k] == ',';
        if (i < ++n)
            return e->at;
    }
    return otherwise;
}

static int
add_listens(struct builder *b, struct conf_listen *like, et_list addresses,
            const struct section *s, const char *key)
{
    struct place otherwise = like->at;
    size_t i;
    int rc = 0;

    if (like->backlog == CONF_INHERIT)
        like->backlog = b->c->server.backlog;
    if (like->defer_accept == CONF_INHERIT)
        like->defer_accept = b->c->server.defer_accept;
    if (like->h2c == CONF_INHERIT) {
        like->h2c = b->c->server.h2c;
        like->h2c_at = conf_place(b->c, &b->c->server.h2c);
    }
    for (i = 0; !rc && i < addresses.n; i++) {
        like->at = place_of_item(s, key, i, otherwise);
        rc = add_listen(b, like, addresses.v[i]);
    }
    return rc;
}

/* Keys that mean nothing to an address that is no file. */
static void
check_unix_only(struct builder *b, const struct conf_listen *l,
                const struct section *s)
{
    size_t i;

    for (i = 0; i < l->addresses.n; i++)
        if (str_prefix(l->addresses.v[i], str_lit("unix:")))
            return;
    if (l->mode != CONF_AUTO)
        diag_error(b->d, &l->mode_at, "%s mode: only a Unix socket has one",
                   s->title);
    if (l->owner.n)
        diag_error(b->d, &l->owner_at, "%s owner: only a Unix socket has one",
                   s->title);
}

static int
build_listen(struct builder *b, const struct section *s)
{
    struct conf_listen to = {.name = s->name, .at = s->at};
    struct bind x = {.a = &b->c->arena, .d = b->d, .s = s, .to = &to};
    struct pairs pairs = {.a = &b->c->arena,
                          .d = b->d,
                          .bundle = b->bundle,
                          .is_strict =
                              b->c->server.module_owner == CONF_OWNER_STRICT};
    int rc = bind_section(&x);

    if (!rc)
        check_unix_only(b, &to, s);
    if (!rc)
        rc = pairs_of(&pairs, s, &to);
    return rc ? rc : add_listens(b, &to, to.addresses, s, "address");
}

static int
build_server_listens(struct builder *b)
{
    struct conf_listen like = {.name = {"", 0},
                               .backlog = CONF_INHERIT,
                               .defer_accept = CONF_INHERIT,
                               .h2c = CONF_INHERIT,
                               .mode = CONF_AUTO};
    et_str dflt = {DEFAULT_LISTEN, strlen(DEFAULT_LISTEN)};

    like.at = conf_place(b->c, &b->c->server.listen);
    if (!b->c->server.listen.n && !b->set->n[DIRECTIVE_LISTEN] &&
        value_append(&b->c->arena, &b->c->server.listen, dflt))
        return ERR_NOMEM;
    return add_listens(b, &like, b->c->server.listen,
                       section_find(b->set, DIRECTIVE_SERVER, (et_str){"", 0}),
                       "listen");
}

/* ---- plugins, routes, scopes ----------------------------------------------*/

/* The entry that decides a key of a section, or NULL. */
static const struct section_entry *
find_entry(const struct section *s, const char *key)
{
    const struct section_entry *e;

    for (e = s->first; e; e = e->next)
        if (!e->is_replaced && value_eq(e->key, key))
            return e;
    return NULL;
}

/* "ratelimit", "ratelimit.so" or a path, whose ".so" stays. */
static int
complete_module(struct builder *b, const struct section *s,
                struct conf_plugin *p)
{
    const struct section_entry *e = find_entry(s, "module");

    if (!p->module.n) {
        p->module = s->name;
    } else if (memchr(p->module.p, '/', p->module.n)) {
        p->module = value_absolute(&b->c->arena, e->dir, p->module);
    } else {
        if (p->module.n > 3 &&
            memcmp(p->module.p + p->module.n - 3, ".so", 3) == 0)
            p->module =
                arena_dup(&b->c->arena, (et_str){p->module.p, p->module.n - 3});
        if (p->module.p && !value_is_name(p->module))
            diag_error(b->d, &p->module_at,
                       "%s module: expected the name of a file in the modules "
                       "folder or a path, found \"%s\"",
                       s->title, e->value.p);
    }
    return p->module.p ? 0 : ERR_NOMEM;
}

static int
build_plugin(struct builder *b, const struct section *s)
{
    struct conf_plugin *p = &b->plugins[b->c->n_plugins++];
    struct bind x = {
        .a = &b->c->arena, .d = b->d, .s = s, .to = p, .options = &p->options};
    int rc;

    p->name = s->name;
    p->at = s->at;
    p->section = s->title;
    p->dir = s->dir;
    rc = bind_section(&x);
    if (rc)
        return rc;
    while (p->mount.n && p->mount.p[p->mount.n - 1] == '/')
        p->mount.n--;
    p->mount = arena_dup(&b->c->arena, p->mount.n ? p->mount : (et_str){"", 0});
    return p->mount.p ? complete_module(b, s, p) : ERR_NOMEM;
}

static int
build_route(struct builder *b, const struct section *s)
{
    struct conf_route *r = &b->routes[b->c->n_routes++];
    struct bind x = {.a = &b->c->arena,
                     .d = b->d,
                     .s = s,
                     .to = r,
                     .match = &r->match,
                     .route = r,
                     .options = &r->options};

    r->name = s->name;
    r->at = s->at;
    r->section = s->title;
    r->dir = s->dir;
    return bind_section(&x);
}

static int
build_scope(struct builder *b, const struct section *s)
{
    struct conf_scope *p = &b->scopes[b->c->n_scopes++];
    struct bind x = {.a = &b->c->arena,
                     .d = b->d,
                     .s = s,
                     .to = p,
                     .match = &p->match,
                     .options = &p->options};

    p->name = s->name;
    p->at = s->at;
    p->section = s->title;
    p->dir = s->dir;
    return bind_section(&x);
}

static int
build_section(struct builder *b, const struct section *s)
{
    switch (s->kind) {
    case DIRECTIVE_LISTEN: return build_listen(b, s);
    case DIRECTIVE_PLUGIN: return build_plugin(b, s);
    case DIRECTIVE_ROUTE: return build_route(b, s);
    case DIRECTIVE_SCOPE: return build_scope(b, s);
    case DIRECTIVE_SERVER: /* the others hang on it: it was first */
    case DIRECTIVE_KINDS: break;
    }
    return 0;
}

/* One zeroed element more than n, so that none is an array too. */
static void *
array(struct builder *b, enum directive_kind kind, size_t size)
{
    return arena_zalloc(&b->c->arena, (b->set->n[kind] + 1) * size);
}

static int
build(struct builder *b, const struct bundle *bundle)
{
    const struct section *s;
    int rc = section_read(bundle, &b->c->arena, b->d, &b->set);

    if (rc)
        return rc;
    b->plugins = array(b, DIRECTIVE_PLUGIN, sizeof(*b->plugins));
    b->routes = array(b, DIRECTIVE_ROUTE, sizeof(*b->routes));
    b->scopes = array(b, DIRECTIVE_SCOPE, sizeof(*b->scopes));
    if (!b->plugins || !b->routes || !b->scopes)
        return ERR_NOMEM;
    rc = build_server(b, bundle);
    if (!rc)
        rc = build_server_listens(b);
    for (s = b->set->first; !rc && s; s = s->next)
        rc = build_section(b, s);
    b->c->plugins = b->plugins;
    b->c->routes = b->routes;
    b->c->scopes = b->scopes;
    b->c->listens = b->listens;
    b->c->n_listens = b->n_listens;
    return rc;
}

struct conf *
conf_parse_some(const struct bundle *bundle, struct diag *d)
{
    struct builder b = {.c = calloc(1, sizeof(*b.c)), .bundle = bundle, .d = d};
    int rc = ERR_NOMEM;

    if (b.c) {
        arena_init(&b.c->arena, NULL, 0, NULL, MAX_BYTES);
        rc = build(&b, bundle);
    }
    if (!rc) {
        link_check(b.c, d);
        return b.c;
    }
    diag_error(d, NULL, "not enough memory for the configuration");
    conf_free(b.c);
    return NULL;
}

struct conf *
conf_parse(const struct bundle *bundle, struct diag *d)
{
    struct conf *c = conf_parse_some(bundle, d);

    if (d->n_errors == 0)
        return c;
    conf_free(c);
    return NULL;
}

void
conf_free(struct conf *c)
{
    if (!c)
        return;
    bundle_free(c->bundle);
    arena_reset(&c->arena);
    free(c);
}

/* ---- looking at one -------------------------------------------------------*/

struct place
conf_place(const struct conf *c, const void *field)
{
    const struct directive_section *s = &directive_sections[DIRECTIVE_SERVER];
    size_t off = (size_t)((const char *)field - (const char *)&c->server);
    size_t i;

    for (i = 0; i < s->n; i++)
        if (s->rows[i].off == off)
            return c->server_at[i];
    CHECK(i < s->n); /* a field of conf_server */
    return (struct place){NULL, 0};
}

int
conf_listen_is_secure(const struct conf_listen *l)
{
    return l->n_pairs > 0 || l->tls_self_signed != CONF_SELF_SIGNED_NO;
}

const struct conf_plugin *
conf_find_plugin(const struct conf *c, et_str name)
{
    size_t i;

    for (i = 0; i < c->n_plugins; i++)
        if (str_eq(c->plugins[i].name, name))
            return &c->plugins[i];
    return NULL;
}

int
conf_apply_log(const struct conf *c)
{
    const struct conf_server *s = &c->server;
    int rc = log_server_open(s->log.n ? s->log.p : NULL);

    if (rc < 0)
        return rc;
    log_set_level((enum log_level)(s->log_level + 1));
    log_set_format(s->log_format == CONF_LOG_JSON ? LOG_JSON : LOG_TEXT);
    return 0;
}

static int
is_changed(const struct conf *old, const struct conf *now,
           const struct directive *row, enum directive_reload reload)
{
    return row->reload == reload &&
           !value_same(row->spec.type, (const char *)&old->server + row->off,
                       (const char *)&now->server + row->off);
}

static uint32_t
list_changed(const struct conf *old, const struct conf *now,
             enum directive_reload reload, const char **names, uint32_t cap)
{
    const struct directive_section *s = &directive_sections[DIRECTIVE_SERVER];
    uint32_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (!is_changed(old, now, &s->rows[i], reload))
            continue;
        if (n < cap)
            names[n] = s->rows[i].name;
        n++;
    }
    return n;
}

uint32_t
conf_changed_keys(const struct conf *old, const struct conf *now,
                  const char **names, uint32_t cap)
{
    return list_changed(old, now, DIRECTIVE_LIVE, names, cap);
}

uint32_t
conf_process_keys(const struct conf *old, const struct conf *now,
                  const char **names, uint32_t cap)
{
    return list_changed(old, now, DIRECTIVE_PROCESS, names, cap);
}

uint32_t
conf_needs_restart(const struct conf *old, const struct conf *now,
                   int is_supervised, struct diag *d)
{
    const struct directive_section *s = &directive_sections[DIRECTIVE_SERVER];
    const struct directive *row;
    const struct place *at;
    uint32_t n = 0;
    size_t i;

    for (i = 0; i < s->n; i++) {
        row = &s->rows[i];
        if (!is_changed(old, now, row, DIRECTIVE_RESTART) &&
            (is_supervised || !is_changed(old, now, row, DIRECTIVE_PROCESS)))
            continue;
        at = now->server_at[i].file ? &now->server_at[i] : &old->server_at[i];
        diag_error(d, at, "[server] %s: changed: needs a restart", row->name);
        n++;
    }
    return n;
}

int
conf_search(char *const *env, char *buf, size_t cap)
{
    const char *named = vars_env(env, (et_str){"ETUDE_CONF", 10});
    const char *tree = directive_tree();
    int n;

    if (named && *named)
        n = snprintf(buf, cap, "%s", named);
    else if (tree)
        n = snprintf(buf, cap, "%s/conf/etude.ini", tree);
    else
        n = snprintf(buf, cap, "%s/etude.ini", ETUDE_SYSCONFDIR);
    return n >= 0 && (size_t)n < cap ? 0 : ERR_LIMIT;
}
