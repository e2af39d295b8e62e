/* SPDX-License-Identifier: BSD-2-Clause */
/* ws-echo.c - a handler whose connections are WebSockets that send back each
 * message as it came: for tests of clients and proxies, and to read.
 *
 * A client that does not read its answers has one of them kept here, and sends
 * in vain until it has read all that were sent. */
#include <etude.h>

struct options {
    et_list origin, protocol;
    int64_t max, ping;
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_LIST(origin, 0,
                       "whose pages may use it, \"https://example.org\" or "
                       "\"*\"; none: those of the same host; may repeat"),
           ET_OPT_LIST(protocol, 0,
                       "subprotocols it says it speaks; may repeat"),
           ET_OPT_SIZE(max, "0", 0, 15 << 20,
                       "largest message; 0: as [server] ws_max_message"),
           ET_OPT_TIME(ping, "0", 0, 86400000,
                       "silence before a ping; 0: as [server] ws_ping"));

ET_NEED_IFACE(ET_IF_WS, et_ws_api, close);

/* An answer that there was no room for. */
struct kept {
    size_t n;
    uint32_t type;
    char p[];
};

static void
keep(et_ws *s, uint32_t type, const char *p, size_t n)
{
    struct kept *k = (struct kept *)malloc(sizeof *k + n);

    if (!k) {
        (void)et_ws_close(s, 1013, "no memory");
        return;
    }
    k->n = n;
    k->type = type;
    memcpy(k->p, p, n);
    s->data = k;
}

static void
on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
{
    const int32_t rc = et_ws_send(s, type, p, n);

    (void)self;
    if (rc == ET_ELIMIT)
        keep(s, type, p, n); /* the only one: no message comes until then */
    else if (rc == ET_ENOMEM)
        (void)et_ws_close(s, 1013, "no memory");
}

static void
on_writable(et_ws *s, void *self)
{
    struct kept *k = (struct kept *)s->data;

    s->data = NULL;
    if (k)
        on_message(s, self, k->type, k->p, k->n);
    free(k);
}

static void
on_close(et_ws *s, void *self, uint32_t code, et_str reason)
{
    (void)self;
    (void)code;
    (void)reason;
    free(s->data);
}

static const et_ws_calls calls = {ET_WS_CALLS, NULL /* open */,     on_message,
                                  on_writable, NULL /* retiring */, on_close};

ET_HANDLER(ws_echo)
{
    const struct options *o = (const struct options *)self;
    et_ws_ask ask = {ET_WS_ASK, NULL, 0, NULL, 0, 0, 0, 0, 0};

    ask.origins = o->origin.v;
    ask.n_origins = o->origin.n;
    ask.protocols = o->protocol.v;
    ask.n_protocols = o->protocol.n;
    ask.max_message = (uint64_t)o->max;
    ask.ping_ms = (uint32_t)o->ping;
    return et_ws_accept(r, &calls, &ask, NULL);
}

ET_PLUGIN_AS("org.etude.ws-echo", "1.0.0", ET_P_UNMAP_OK,
             "a WebSocket that sends back what it is sent");
