/* SPDX-License-Identifier: BSD-2-Clause */
/* respond.c - a handler that gives one fixed answer: status, media type,
 * header fields and body from the ini.
 *
 * The answer is taken apart once, when the instance is opened; a request sets
 * the fields and points at the body, which is never copied. */
#include <etude.h>
#include <stdlib.h>

struct options {
    int64_t status;
    et_str type, body;
    et_list header;
};

static int
may_have_body(int64_t status)
{
    return status != 204 && status != 205 && status != 304;
}

static int32_t
check(void *conf, et_err *e)
{
    const struct options *o = (const struct options *)conf;
    if (o->body.n && !may_have_body(o->status))
        return et_seterr(e, "body: an answer with status %d has none",
                         (int)o->status);
    if (!et_is_value(o->type))
        return et_seterr(e, "type: not a header value");
    return 0;
}

ET_OPTIONS(struct options, check,
           ET_OPT_INT(status, "200", 200, 599, "status of the answer"),
           ET_OPT_STR(type, "text/plain; charset=utf-8", 0,
                      "its Content-Type; empty: none is sent"),
           ET_OPT_HEADERS(header, 0,
                          "a field of the answer, \"Name: value\"; may repeat"),
           ET_OPT_STR(body, "", 0, "its body"));

struct respond {
    const struct options *options;
    et_field *fields;
    size_t n_fields;
};

static int32_t
respond_open(et_conf *c, const void *options, void *inst, et_err *e)
{
    const struct options *o = (const struct options *)options;
    struct respond *respond = (struct respond *)inst;
    int32_t rc = 0;
    size_t i;
    (void)c;
    respond->options = o;
    respond->n_fields = o->header.n;
    respond->fields = (et_field *)calloc(o->header.n + 1, sizeof(et_field));
    if (!respond->fields)
        return et_seterr(e, "out of memory");
    for (i = 0; i < o->header.n && rc == 0; i++) {
        respond->fields[i] = et_to_field(o->header.v[i]);
        rc = et_check_field(e, "header", i, respond->fields[i]);
    }
    if (rc != 0)
        free(respond->fields); /* close is not called after a failed open */
    return rc;
}

static void
respond_close(void *inst)
{
    free(((struct respond *)inst)->fields);
}

ET_INSTANCE(struct respond, respond_open, respond_close);

ET_HANDLER(respond)
{
    const struct respond *respond = (const struct respond *)self;
    const struct options *o = respond->options;
    size_t i;
    for (i = 0; i < respond->n_fields; i++) {
        const et_field *f = &respond->fields[i];
        if (r->http->set(r, f->name, f->value, ET_ADD) < 0)
            return et_fail(r, "header %.*s refused", ET_STR(f->name));
    }
    if (!may_have_body(o->status))
        return et_status(r, (uint32_t)o->status);
    return et_bytes_static(r, (uint32_t)o->status, o->type, o->body);
}

ET_PLUGIN_AS("org.etude.respond", "1.0.0", ET_P_UNMAP_OK,
             "one fixed answer from the ini");
