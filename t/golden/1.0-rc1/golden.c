/* SPDX-License-Identifier: BSD-2-Clause */
/* golden.c - a plugin for all future servers: compiled with the header that
 * lies beside it, as released with contract 1.0-rc1, and never edited.
 *
 *     GET  /golden/:name        "<word> <name> <worker's count> <name>=<value>"
 *     POST /golden              the sum of the form fields a and b
 *     any other, as a handler   method, path, query and body length in JSON
 *
 * Its request step refuses (401) what has no X-Golden field; its response step
 * adds X-Golden: <word> and the id kept in *r->mine. */
#include <etude.h>

struct options {
    et_str word;
    int64_t max;
    et_list header;
};

ET_OPTIONS(struct options, NULL, ET_OPT_STR(word, "golden", 0, "a word"),
           ET_OPT_INT(max, "100", 1, 1000, "largest a and b"),
           ET_OPT_HEADERS(header, 0, "fields of every answer"));

struct shared {
    const struct options *options;
    int32_t channel;
    const et_log *log;
};

static int32_t
open_shared(et_conf *c, const void *options, void *inst, et_err *e)
{
    struct shared *s = (struct shared *)inst;
    s->options = (const struct options *)options;
    s->log = et_iface(c, ET_IF_LOG, et_log, write);
    if (!s->log)
        return et_seterr(e, "no et.log/1");
    s->channel = s->log->open(c, et_s(""), e);
    return s->channel < 0 ? s->channel : 0;
}

ET_INSTANCE(struct shared, open_shared, NULL);

struct state {
    const struct shared *shared;
    int64_t count;
};

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    (void)w;
    (void)e;
    ((struct state *)state)->shared = (const struct shared *)from;
    return 0;
}

ET_STATE(struct state, init, NULL);
ET_NEED_IFACE(ET_IF_LOG, et_log, write);

ET_REQUEST(guard)
{
    et_str *id = (et_str *)et_alloc(r, sizeof *id);
    const et_str key = et_header(r, "x-golden");
    if (!key.n)
        return et_error(r, 401, "X-Golden?\n");
    if (!id)
        return ET_FAIL;
    *id = key;
    *r->mine = id;
    return ET_NEXT;
}

ET_RESPONSE(stamp)
{
    const struct options *o = ((struct state *)self)->shared->options;
    const et_str *id = (const et_str *)*r->mine;
    size_t i;
    et_set(r, "X-Golden", o->word);
    if (id)
        et_add(r, "X-Golden", *id);
    for (i = 0; i < o->header.n; i++) {
        const et_field f = et_to_field(o->header.v[i]);
        if (r->http->set(r, f.name, f.value, ET_ADD) < 0)
            return ET_FAIL;
    }
    return ET_NEXT;
}

ET_GET("/golden/:name", greet)
{
    struct state *s = (struct state *)self;
    const et_str word = s->shared->options->word;
    const et_str name = et_param(r, "name");
    return et_text(r, 200, "%.*s %.*s %d %s=%s\n", ET_STR(word), ET_STR(name),
                   (int)++s->count, et_url_escape(r, name),
                   et_url_escape(r, et_query(r, "value")));
}

ET_POST("/golden", add)
{
    const struct options *o = ((struct state *)self)->shared->options;
    int64_t a, b;
    if (et_to_int(et_form(r, "a"), 0, o->max, &a) < 0 ||
        et_to_int(et_form(r, "b"), 0, o->max, &b) < 0)
        return et_error(r, 400, "a and b are numbers up to %d\n", (int)o->max);
    return et_text(r, 200, "%d\n", (int)(a + b));
}

ET_HANDLER_BODY(show)
{
    return et_json(r, 200,
                   "{\"method\":%s,\"path\":%s,\"query\":%s,\"body\":%d}\n",
                   et_quote(r, r->method_s), et_quote(r, r->path),
                   et_quote(r, r->query), (int)et_body(r).n);
}

ET_LOG(note)
{
    const struct shared *s = ((struct state *)self)->shared;
    const et_str line = et_printf(r, "golden %u", r->status);
    if (line.p)
        s->log->write(r, s->channel, line.p, line.n);
    return ET_NEXT;
}

ET_PLUGIN_AS("org.etude.golden", "1.0.0-rc1", ET_P_UNMAP_OK,
             "compiled with the header of 1.0-rc1");
