/* SPDX-License-Identifier: BSD-2-Clause */
/* headers.c - a middleware that removes, sets and adds response headers, in
 * that order.
 *
 * The lists are taken apart and judged once, when the instance is opened: what
 * the server would refuse in a request is an error of the ini. */
#include <etude.h>
#include <stdlib.h>

struct options {
    et_list set, add, remove;
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_HEADERS(set, 0, "\"Name: value\": replaces all of that name"),
           ET_OPT_HEADERS(add, 0, "\"Name: value\": one more of that name"),
           ET_OPT_LIST(remove, 0, "name of a field to take out"));

/* One change, in the order of the walk. */
struct change {
    et_field field;
    uint32_t mode; /* ET_SET, ET_ADD, ET_DEL */
};

struct headers {
    struct change *changes;
    size_t n;
};

static int32_t
put_all(struct headers *h, const char *key, const et_list *list, uint32_t mode,
        et_err *e)
{
    int32_t rc = 0;
    size_t i;
    for (i = 0; i < list->n && rc == 0; i++) {
        et_field f = {et_trim(list->v[i]), {NULL, 0}};
        if (mode != ET_DEL)
            f = et_to_field(list->v[i]);
        rc = et_check_field(e, key, i, f);
        h->changes[h->n].field = f;
        h->changes[h->n].mode = mode;
        h->n++;
    }
    return rc;
}

static int32_t
headers_open(et_conf *c, const void *options, void *inst, et_err *e)
{
    const struct options *o = (const struct options *)options;
    const size_t max = o->remove.n + o->set.n + o->add.n;
    struct headers *h = (struct headers *)inst;
    int32_t rc;
    (void)c;
    h->changes = (struct change *)calloc(max + 1, sizeof *h->changes);
    if (!h->changes)
        return et_seterr(e, "out of memory");
    rc = put_all(h, "remove", &o->remove, ET_DEL, e);
    if (rc == 0)
        rc = put_all(h, "set", &o->set, ET_SET, e);
    if (rc == 0)
        rc = put_all(h, "add", &o->add, ET_ADD, e);
    if (rc != 0)
        free(h->changes); /* close is not called after a failed open */
    return rc;
}

static void
headers_close(void *inst)
{
    free(((struct headers *)inst)->changes);
}

ET_INSTANCE(struct headers, headers_open, headers_close);

ET_RESPONSE(change)
{
    const struct headers *h = (const struct headers *)self;
    size_t i;
    for (i = 0; i < h->n; i++) {
        const et_field *f = &h->changes[i].field;
        if (r->http->set(r, f->name, f->value, h->changes[i].mode) < 0)
            return et_fail(r, "%.*s was refused", ET_STR(f->name));
    }
    return ET_NEXT;
}

ET_PLUGIN_AS("org.etude.headers", "1.0.0", ET_P_UNMAP_OK,
             "removes, sets and adds response headers");
