/* SPDX-License-Identifier: BSD-2-Clause */
/* router.h - from host, method and path to what serves them.
 *
 * Built once on the control thread into the generation's arena, immutable from
 * then on, shared by all workers: finding takes no lock and no memory.
 *
 *     request -> host group -> static path (hash)  -> end: one rule a method
 *                  |  next     tree of segments    -> end
 *                  v less specific group, at last the rules without host
 *
 * Patterns are pattern.h's: "/users/:id", "/files/ *rest" (without the blank).
 * They are matched against the normalised path (uri.h): "/users" and "/users/"
 * differ, repeated slashes are kept, so "//a" is not "/a".
 *
 * Which rule wins.  A request is matched by host, method and path together; of
 * all rules that match all three the most specific one is found:
 *   1. host: exact before "*.example.com" (the longest suffix first; it stands
 *      for one label or more, not for example.com) before none.  Without a
 *      match in one group the next one is tried;
 *   2. path: at the leftmost segment where two patterns differ, text before
 *      :name before *name;
 *   3. method, at the same pattern: named before HEAD-by-GET before "*".
 * So GET /a/:x is found for GET /a/b although POST /a/b is more specific, and
 * 405 is the answer only if rules match host and path but none the method.
 *
 * Scopes do not choose rules, they add to them.  Every scope whose prefix
 * covers the request's path and whose hosts cover its host applies, outermost
 * first, also to misses.  Which scopes apply to a rule is settled when the
 * router is built; only where a rule's pattern is wider than a scope (a rule
 * "/ *all" and a scope "/private/ *") the path decides while finding.
 *
 * Bounds: a lookup looks at each path byte a constant number of times.  At
 * most ROUTER_MAX_WAYS tree nodes per segment are tried in one group; routes
 * that overlap more than that are refused by router_build. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"

struct arena;
struct router;

#define ROUTER_MAX_WAYS 64u
/* No other form by the final slash is looked for in longer paths. */
#define ROUTER_SLASH_MAX_BYTES 4096u

/* What leads to target. */
struct router_rule {
    et_str methods; /* "GET", "GET,POST,PURGE" or "*"; GET brings HEAD along.
                       All rules together may name 22 that are not ET_M_* */
    et_str pattern;
    et_list hosts; /* lower case, without port and final dot; none: any */
    void *target;
    struct place at;
    const char *name; /* "[route users]": for messages */
    /* Filled in by router_add: the names of the pattern's parameters, and
     * whether the last one is a tail. */
    const et_str *params;
    uint32_t n_params;
    uint8_t has_tail;
};

/* A prefix all of whose paths share something.  "/api/ *" covers /api, /api/
 * and all below; "/ *" covers everything.  No parameters. */
struct router_scope {
    et_str pattern;
    et_list hosts;
    void *target;
    struct place at;
    const char *name; /* "[scope api]" */
};

/* An empty router in a. Texts of rules and scopes are copied, save at.file and
 * name, which must outlive it.  NULL: out of memory. [control] */
MUST_USE struct router *router_new(struct arena *a);
/* Add a rule or a scope; what is wrong with it is reported in d (and the rest
 * of it left out). [control] */
void router_add(struct router *r, const struct router_rule *rule,
                struct diag *d);
void router_add_scope(struct router *r, const struct router_scope *scope,
                      struct diag *d);

/* Called once for each combination a request can meet: the rule's target
 * (NULL: a path nobody serves) with the targets of the scopes that apply,
 * outermost first (valid during the call).  Returns what router_find is to hand
 * out as m->target; NULL fails the build, and the callback has said why. */
typedef void *router_bind(void *arg, void *target, void *const *scopes,
                          uint32_t n_scopes);

/* Make the router ready, once.  bind NULL: targets are the rules' own, NULL for
 * misses.  All duplicates and overlaps are reported in d, with both places;
 * what could be added is bound all the same, so that bind's callback finds its
 * faults too; the router is of no use then.  0, ERR_INVALID (see d) or
 * ERR_NOMEM (also in d). [control] */
MUST_USE int router_build(struct router *r, router_bind *bind, void *arg,
                          struct diag *d);

enum router_result {
    ROUTER_FOUND,
    ROUTER_NOT_FOUND,
    ROUTER_METHOD, /* the path exists, not with this method: see allow */
    ROUTER_SLASH,  /* not found, but a rule has this path with (without) one
                      final slash, for this method and host */
};

struct router_match {
    et_str *values; /* in: room for router_max_params entries; out, if found:
                       slices of the path, in the order of rule->params */
    uint32_t n_values;
    uint32_t allow;     /* ROUTER_METHOD: the methods that would be found (HEAD
                           wherever GET is): method_bit(ET_M_*), and further
                           bits for other tokens that only router_allow knows */
    uint32_t n_visited; /* tree nodes tried, in all groups */
    const struct router_rule *rule; /* NULL unless found */
    void *target; /* what bind returned for this rule and these scopes; if not
                     found, for no rule and the scopes that apply */
};

/* Find what serves host, method, method_s and path of q (no other field is
 * read; method_s only of ET_M_OTHER).  OPTIONS is a method like any other:
 * answering it from allow is the caller's.  A path that does not begin with
 * '/' is not found. [any] */
enum router_result router_find(const struct router *r, const et_req *q,
                               struct router_match *m);

/* The most parameters a rule has. [any] */
uint32_t router_max_params(const struct router *r);
/* The value of the parameter called name; absent if the rule has none. [any] */
et_str router_param(const struct router_rule *rule, const et_str *values,
                    et_str name);

#define ROUTER_ALLOW_MAX_BYTES 2048
/* The value of an Allow field: "GET, HEAD, PURGE"; returns its length.  Longer
 * than cap is cut at a comma. [any] */
size_t router_allow(const struct router *r, uint32_t mask, char *out,
                    size_t cap);

/* Rule i in the order in which they were added (those with faults left out),
 * NULL beyond the last. [any] */
const struct router_rule *router_rule_at(const struct router *r, uint32_t i);

#endif
