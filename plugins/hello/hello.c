/* SPDX-License-Identifier: BSD-2-Clause */
/* hello.c - the tutorial plugin: four routes, three options, one counter.
 *
 * It shows what a plugin is made of, in the order in which the server meets
 * it: options, the object each worker owns, routes, the descriptor.  Read it
 * beside plugins/README.md.  [plugin hello] in the ini mounts the routes. */
#include <etude.h>

/* 1. Options.  The server fills this struct from [plugin hello] (or from a
 * route's own hello.word = ...) and refuses what does not fit a row. */
struct options {
    et_str word;
    int64_t times;
    int64_t shout;
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_STR(word, "Hello", 0, "the word before the name"),
           ET_OPT_INT(times, "1", 1, 10, "how often it is said"),
           ET_OPT_BOOL(shout, "no", "end in three exclamation marks"));

/* 2. What each worker owns.  No other thread ever sees it, so no locks: this
 * is the `self` of every function below. */
struct hello {
    const struct options *options;
    uint64_t greeted;
};

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct hello *hello = (struct hello *)state;
    (void)w;
    (void)e;
    hello->options = (const struct options *)from;
    return 0;
}

ET_STATE(struct hello, init, NULL);

/* "Hello, you!\n", as often as the options say, in the request's memory. */
static et_str
greeting(et_req *r, const struct options *o, et_str name)
{
    const et_str line = et_printf(r, "%.*s, %.*s%s\n", ET_STR(o->word),
                                  ET_STR(name), o->shout ? "!!!" : "!");
    const size_t times = (size_t)o->times;
    char *text = (char *)et_alloc(r, line.n * times);
    size_t i;
    if (!line.p || !text)
        return et_s(NULL);
    for (i = 0; i < times; i++)
        memcpy(text + i * line.n, line.p, line.n);
    return et_sn(text, line.n * times);
}

static uint32_t
greet(et_req *r, struct hello *hello, et_str name)
{
    const et_str text = greeting(r, hello->options, name);
    if (!text.p)
        return ET_FAIL; /* out of memory: a 500 */
    hello->greeted++;
    /* it is in the request's memory already: no copy needed */
    return et_bytes_static(r, 200, et_s("text/plain; charset=utf-8"), text);
}

/* 3. Routes.  Inside, `r` is the request and `self` what init filled. */
ET_GET("/hello/:name", hello)
{
    return greet(r, (struct hello *)self, et_param(r, "name"));
}

/* A second way to the same function. */
ET_ALSO("GET", "/hi/:name", hello, ET_B_NONE, "the same, shorter");

/* A form: curl -d name=you http://127.0.0.1:8080/hello */
ET_POST("/hello", hello_form)
{
    const et_str name = et_form(r, "name");
    if (!name.n)
        return et_error(r, 400, "the form has no name\n");
    return greet(r, (struct hello *)self, name);
}

/* JSON, a query parameter with a range, and a line in the log. */
ET_GET("/hello/:name/json", hello_json)
{
    struct hello *hello = (struct hello *)self;
    const et_str name = et_param(r, "name");
    const et_str asked = et_query(r, "stars");
    int64_t stars = 0;
    if (asked.p && et_to_int(asked, 0, 5, &stars) < 0)
        return et_error(r, 400, "stars is a number from 0 to 5\n");
    et_debug(r, "json for %.*s", ET_STR(name));
    hello->greeted++;
    return et_json(r, 200,
                   "{\"hello\":%s,\"stars\":%d,\"greeted_by_this_worker\":%llu}"
                   "\n",
                   et_quote(r, name), (int)stars,
                   (unsigned long long)hello->greeted);
}

/* 4. The descriptor: id, version, and that nothing stops the server from
 * unmapping this file when a newer build replaces it. */
ET_PLUGIN_AS("org.etude.hello", "1.0.0", ET_P_UNMAP_OK,
             "greets: the tutorial plugin");
