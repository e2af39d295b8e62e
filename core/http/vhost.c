/* SPDX-License-Identifier: BSD-2-Clause */
/* vhost.c - groups of hosts; see vhost.h. */
#include "http/vhost.h"

#include "base/arena.h"
#include "base/err.h"

static int
is_wild(et_str host)
{
    return host.n > 0 && host.p[0] == '*';
}

/* ".example.com" of "*.example.com". */
static et_str
suffix_of(et_str host)
{
    return (et_str){host.p + 1, host.n - 1};
}

int
vhost_is_valid(et_str host)
{
    if (is_wild(host)) {
        if (host.n < 3 || host.p[1] != '.')
            return 0;
        host = (et_str){host.p + 2, host.n - 2};
    }
    return host.n > 0 && host.p[0] != '.' && !memchr(host.p, '*', host.n) &&
           !memchr(host.p, '/', host.n);
}

int
vhost_init(struct vhost *v, struct arena *a, uint32_t max_hosts)
{
    memset(v, 0, sizeof *v);
    v->groups = arena_zalloc(a, ((size_t)max_hosts + 1) * sizeof *v->groups);
    if (!v->groups || tree_init(&v->tree, a, max_hosts + 2) < 0)
        return ERR_NOMEM;
    v->exact = tree_add_root(&v->tree);
    v->wild = tree_add_root(&v->tree);
    v->groups[0].next = VHOST_END;
    v->n_groups = 1;
    return 0;
}

uint32_t
vhost_add(struct vhost *v, et_str host)
{
    int wild = is_wild(host);
    et_str key = wild ? suffix_of(host) : host;
    uint32_t node = tree_add_child(&v->tree, wild ? v->wild : v->exact, key);
    uint32_t *group = &v->tree.nodes[node].end;

    if (*group == 0) {
        *group = v->n_groups++;
        v->groups[*group] = (struct vhost_group){.host = host};
    }
    if (wild && key.n > v->longest_wild)
        v->longest_wild = key.n;
    return *group;
}

uint32_t
vhost_of(const struct vhost *v, et_str host)
{
    uint32_t node = is_wild(host)
                        ? tree_child(&v->tree, v->wild, suffix_of(host))
                        : tree_child(&v->tree, v->exact, host);

    CHECK(node != 0);
    return v->tree.nodes[node].end;
}

/* The group of the longest suffix that begins at a dot behind the first byte;
 * 0 if there is none. */
static uint32_t
find_wild(const struct vhost *v, et_str host)
{
    size_t from = host.n > v->longest_wild ? host.n - v->longest_wild : 1;

    for (size_t i = from; i < host.n; i++) {
        et_str suffix = {host.p + i, host.n - i};
        uint32_t node;
        if (host.p[i] != '.')
            continue;
        node = tree_child(&v->tree, v->wild, suffix);
        if (node != 0)
            return v->tree.nodes[node].end;
    }
    return 0;
}

void
vhost_link(struct vhost *v)
{
    for (uint32_t g = 1; g < v->n_groups; g++) {
        et_str host = v->groups[g].host;
        if (is_wild(host)) /* what it stands for ends in its own suffix */
            host = (et_str){host.p + 2, host.n - 2};
        v->groups[g].next = find_wild(v, host);
    }
}

int
vhost_includes(const struct vhost *v, uint32_t g, uint32_t other)
{
    while (g != VHOST_END && g != other)
        g = v->groups[g].next;
    return g == other;
}

uint32_t
vhost_find_named(const struct vhost *v, et_str host)
{
    uint32_t node;

    if (host.n == 0)
        return 0;
    node = tree_child(&v->tree, v->exact, host);
    return node != 0 ? v->tree.nodes[node].end : find_wild(v, host);
}
