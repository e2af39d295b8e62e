/* SPDX-License-Identifier: BSD-2-Clause */
/* request-id.c - a middleware that gives every request an id.
 *
 * A well-formed id the client (or the proxy in front) sent is taken, else one
 * is made: 32 hex digits, unique without a lock and without a system call.  It
 * stands in the response under the same name; steps further in read it with
 * r->http->get().  The response step puts it back if a handler replaced it. */
#include <etude.h>
#include <sys/random.h>

#define ID_MAX_BYTES 128
#define ID_HEX_DIGITS 32

struct options {
    et_str name;
    int64_t take;
};

static int
is_letter_or_digit(char c)
{
    const char low = et_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
}

/* Every byte of s is a letter, a digit or one of also. */
static int
is_made_of(et_str s, const char *also)
{
    size_t i;
    for (i = 0; i < s.n; i++)
        if (!is_letter_or_digit(s.p[i]) && (!s.p[i] || !strchr(also, s.p[i])))
            return 0;
    return 1;
}

static int32_t
check(void *conf, et_err *e)
{
    const struct options *o = (const struct options *)conf;
    if (!o->name.n || !is_made_of(o->name, "!#$%&'*+-.^_`|~"))
        return et_seterr(e, "\"%.*s\" is no header name", ET_STR(o->name));
    return 0;
}

ET_OPTIONS(struct options, check,
           ET_OPT_STR(name, "X-Request-Id", 0, "header that holds the id"),
           ET_OPT_BOOL(take, "yes", "take the id of the client if it has one"));

/* Two random numbers chosen at start tell workers and runs apart; count makes
 * each id of a worker different. */
struct ids {
    const struct options *options;
    uint64_t prefix, seed, count;
};

static int32_t
ids_init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct ids *ids = (struct ids *)state;
    uint64_t random[2];
    (void)w;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return et_seterr(e, "no random numbers from the kernel");
    ids->options = (const struct options *)from;
    ids->prefix = random[0];
    ids->seed = random[1];
    return 0;
}

ET_STATE(struct ids, ids_init, NULL);

/* A bijection (splitmix64's): different in, different out, and the count does
 * not show. */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void
put_hex(char *out, uint64_t x)
{
    static const char digits[] = "0123456789abcdef";
    int i;
    for (i = 15; i >= 0; i--, x >>= 4)
        out[i] = digits[x & 15];
}

static et_str
make_id(et_req *r, struct ids *ids)
{
    char *id = (char *)et_alloc(r, ID_HEX_DIGITS);
    if (!id)
        return et_s(NULL);
    put_hex(id, ids->prefix);
    put_hex(id + 16, mix(ids->seed + ids->count++));
    return et_sn(id, ID_HEX_DIGITS);
}

/* The id the client sent, or absent: it goes into logs and headers, so it is
 * short and plain. */
static et_str
client_id(const et_req *r, const struct options *o)
{
    const et_str id = o->take ? r->http->header(r, o->name, 0) : et_s(NULL);
    if (!id.n || id.n > ID_MAX_BYTES || !is_made_of(id, "-_.:+/=@"))
        return et_s(NULL);
    return id;
}

ET_REQUEST(take_or_make)
{
    struct ids *ids = (struct ids *)self;
    et_str *kept = (et_str *)et_alloc(r, sizeof *kept);
    et_str id = client_id(r, ids->options);
    if (!id.p)
        id = make_id(r, ids);
    if (!kept || !id.p)
        return ET_FAIL;
    *kept = id;
    *r->mine = kept; /* for the response step of the same request */
    if (r->http->set(r, ids->options->name, id, ET_SET) < 0)
        return et_fail(r, "%.*s cannot be set", ET_STR(ids->options->name));
    return ET_NEXT;
}

ET_RESPONSE(put_back)
{
    const struct ids *ids = (const struct ids *)self;
    const et_str *kept = (const et_str *)*r->mine;
    if (kept && r->http->set(r, ids->options->name, *kept, ET_SET) < 0)
        return et_fail(r, "%.*s cannot be set", ET_STR(ids->options->name));
    return ET_NEXT;
}

ET_PLUGIN_AS("org.etude.request-id", "1.0.0", ET_P_UNMAP_OK,
             "an id for every request");
