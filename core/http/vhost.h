/* SPDX-License-Identifier: BSD-2-Clause */
/* vhost.h - which group of hosts a request's host belongs to.
 *
 * A group is one host as rules name it: "api.example.com", "*.example.com" or
 * none, which is group 0 and takes every host.  Each group knows the next less
 * specific one, so that all groups of a host are
 *
 *     g = vhost_find(v, host);  then g = v->groups[g].next  until VHOST_END
 *
 * exact first, then wildcards by falling length of suffix, at last group 0.
 * Hosts are in lower case, without port and final dot. */
#ifndef HTTP_VHOST_H
#define HTTP_VHOST_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "http/tree.h"

#define VHOST_END UINT32_MAX

struct vhost_group {
    et_str host; /* as rules name it; absent: group 0 */
    uint32_t next;
};

struct vhost {
    struct tree tree; /* hosts below exact, ".example.com" below wild */
    struct vhost_group *groups;
    uint32_t n_groups;
    uint32_t exact, wild; /* roots */
    size_t longest_wild;
};

/* True if host may stand in a rule. [any] */
int vhost_is_valid(et_str host);
/* Group 0 alone, with room for max_hosts further ones. 0 or ERR_NOMEM.
 * [control] */
MUST_USE int vhost_init(struct vhost *v, struct arena *a, uint32_t max_hosts);
/* The group of a host that rules name, made if there is none.  The text is
 * borrowed. [control] */
uint32_t vhost_add(struct vhost *v, et_str host);
/* The same, of one that has been added. [any] */
uint32_t vhost_of(const struct vhost *v, et_str host);
/* After the last vhost_add: give each group its next. [control] */
void vhost_link(struct vhost *v);
/* True if requests whose first group is g also belong to group other. [any] */
int vhost_includes(const struct vhost *v, uint32_t g, uint32_t other);

/* vhost_find where there are hosts. [any] */
uint32_t vhost_find_named(const struct vhost *v, et_str host);

/* The most specific group of a request's host. [any] */
static inline uint32_t
vhost_find(const struct vhost *v, et_str host)
{
    return v->n_groups == 1 ? 0 : vhost_find_named(v, host);
}

#endif
