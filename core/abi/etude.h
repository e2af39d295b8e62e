/* SPDX-License-Identifier: BSD-2-Clause */
/* etude.h - what a plugin author writes with.
 *
 *     #include <etude.h>
 *
 *     ET_GET("/hello/:name", hello)
 *     {
 *         return et_text(r, 200, "Hello, %.*s!\n",
 *                        ET_STR(et_param(r, "name")));
 *     }
 *
 *     ET_PLUGIN("org.example.hello", "1.0.0");
 *
 * Build: cc -shared -fPIC -I<etude>/core/abi hello.c -o hello.so
 *
 * This is the comfort layer over etude_abi.h: macros that declare, and inline
 * functions that call through the interface a request carries.  It needs no
 * symbol of the server, defines no variable, and may be included by any number
 * of C11 or C++11 source files of one plugin.  It hides nothing: what has no
 * helper here is reached as r->http->... of etude_abi.h.
 *
 * Three rules hold throughout:
 *   - names (of a parameter, a header, a cookie) are C strings, values are
 *     et_str;
 *   - an et_str that was asked for and is not there has p == NULL;
 *   - when the request's memory runs out the answer is 500, never a cut one:
 *     a helper that allocates needs no check, because the server refuses every
 *     answer given after a failed allocation.
 *
 * All helpers that take a request run on the worker that owns it [worker]; the
 * others run anywhere [any].
 *
 * Contents: versions, declaring (plugin, routes, steps, options, objects,
 * metrics), counting, strings, dates, logging and errors, what outlives
 * generations, reading the request, its memory, answering, escaping.
 *
 * plugins/README.md builds a real plugin with it, step by step; etude_test.h
 * is a mock server for its unit tests; etude.hpp adds what C++ wants. */
#ifndef ETUDE_H
#define ETUDE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "etude_abi.h"

/* ---- versions ------------------------------------------------------------*/

/* The oldest minor of the contract this plugin runs on.  Define it before the
 * include to use what a later minor brought:
 *
 *     #define ET_NEED 7
 *     #include <etude.h>
 *
 * A helper of minor 8 is then not visible, and the ELF note says 7: what
 * compiles is what is declared, whichever header it is compiled with.  Every
 * source file of a plugin must use the same value as the one with ET_PLUGIN,
 * or a lower one. */
#ifndef ET_NEED
#define ET_NEED 0
#endif
#if ET_NEED > 1
#error "ET_NEED is newer than this etude.h: get the header of a newer server"
#endif

/* Macros are laid out by hand. */
/* clang-format off */

/* ---- machinery (not for direct use: names that end in _) -----------------*/

#define ET_UNUSED_ __attribute__((unused))
#define ET_FMT_(a, b) __attribute__((format(printf, a, b)))
#define ET_CAT2_(a, b) a##b
#define ET_CAT_(a, b) ET_CAT2_(a, b)

/* retain: without it the linker lld drops the section under --gc-sections. */
#define ET_KEEP_ __attribute__((section("et_items"), used))
#ifdef __has_attribute
#if __has_attribute(retain)
#undef ET_KEEP_
#define ET_KEEP_ __attribute__((section("et_items"), used, retain))
#endif
#endif

/* ET_IS_(T, f, ct) is 0 if field f of T has type ct, else a compile error. */
#ifdef __cplusplus
extern "C++" {
template <class A, class B> struct et_same_;
template <class A> struct et_same_<A, A> {
    enum { zero = 0 };
};
}
#define ET_IS_(T, f, ct) et_same_<decltype(((T *)0)->f), ct>::zero
#define ET_TEXT_(z) z
#define ET_C_ extern "C"
#define ET_ASSERT_(cond, text) static_assert(cond, text)
#else
#define ET_IS_(T, f, ct) _Generic(((T *)0)->f, ct: 0)
/* ET_TEXT_(z) is z if that is a string or NULL, else a compile error: C takes a
 * number for a pointer, C++ does not. */
#if __STDC_VERSION__ >= 202311L
#define ET_TEXT_(z)                                                            \
    _Generic((z), char *: (z), const char *: (z), void *: (z),                 \
             __typeof__(nullptr): (z))
#elif __STDC_VERSION__ >= 201112L
#define ET_TEXT_(z)                                                            \
    _Generic((z), char *: (z), const char *: (z), void *: (z))
#else
#define ET_TEXT_(z) z
#endif
#define ET_C_ extern
#define ET_ASSERT_(cond, text) _Static_assert(cond, text)
#endif

/* A declaration is a constant struct and one pointer to it in the section
 * et_items (pointers, so that alignment leaves no holes between them).  Their
 * order is the compiler's choice and means nothing. */
#define ET_ITEM_(name, object)                                                 \
    ET_KEEP_ static const void *const name = &(object)
#define ET_HEAD_(T, kind) { (uint32_t)sizeof(T), kind, __LINE__, 0, __FILE__ }

#define ET_FN_(fn)                                                             \
    static uint32_t fn(et_req *r ET_UNUSED_, void *self ET_UNUSED_)

#define ET_STEP_(kind, fn, flags)                                              \
    ET_FN_(fn);                                                                \
    static const et_stepdef ET_CAT_(fn, _step_) = {                            \
        ET_HEAD_(et_stepdef, kind), #fn, fn, flags, 0 };                       \
    ET_ITEM_(ET_CAT_(fn, _item_), ET_CAT_(fn, _step_));                        \
    ET_FN_(fn)

/* ---- declaring: the plugin -----------------------------------------------*/

/* Exactly once per plugin, in any one of its source files, at file scope:
 *
 *     ET_PLUGIN("org.example.hello", "1.0.0");
 *
 * id: reverse DNS, at most 63 bytes, the same for ever; two plugins of one id
 * cannot be loaded together.  version: at most 31 bytes, for people. */
#define ET_PLUGIN(id, version) ET_PLUGIN_AS(id, version, 0, NULL)

/* The same with flags (ET_P_*, see etude_abi.h) and a summary line (or NULL)
 * for `etude plugins --json`, which also names the build if you compile with
 * -DET_BUILD='"abc123"'. */
#define ET_PLUGIN_AS(id, version, flags, summary)                              \
    ET_ASSERT_(sizeof(id) <= 64, "ET_PLUGIN: id is longer than 63 bytes");     \
    ET_ASSERT_(sizeof(version) <= 32, "ET_PLUGIN: version over 31 bytes");     \
    __attribute__((section(".note.etude"), used, aligned(4)))                  \
    static const et_note et_note_ = {                                          \
        6, (uint32_t)(sizeof(et_note) - offsetof(et_note, major)),             \
        ET_NOTE_TYPE, ET_NOTE_NAME, ET_ABI_MAJOR, ET_ABI_MINOR, ET_NEED,       \
        flags, ET_ABI_RC, 0, id, version };                                    \
    static const et_item et_first_ = ET_HEAD_(et_item, ET_I_NONE);             \
    ET_ITEM_(et_first_item_, et_first_); /* so the section always exists */    \
    ET_C_ __attribute__((visibility("hidden")))                                \
    const void *const __start_et_items[];                                      \
    ET_C_ __attribute__((visibility("hidden")))                                \
    const void *const __stop_et_items[];                                       \
    static const et_plugin et_plugin_ = {                                      \
        (uint32_t)sizeof(et_plugin), ET_ABI_MAJOR, ET_ABI_MINOR, flags,        \
        id, version, summary, ET_BUILD_,                                       \
        __start_et_items, __stop_et_items };                                   \
    ET_C_ __attribute__((visibility("default")))                               \
    const et_plugin *const et_plugins_v1[];                                    \
    const et_plugin *const et_plugins_v1[] = { &et_plugin_, NULL }

#ifdef ET_BUILD
#define ET_BUILD_ ET_BUILD
#else
#define ET_BUILD_ NULL
#endif

/* The plugin cannot do without interface id; last is the newest member of its
 * struct T that is used.  A server without it refuses the load by name.
 *
 *     ET_NEED_IFACE(ET_IF_LOG, et_log, write); */
#define ET_NEED_IFACE(id, T, last)                                             \
    static const et_needdef ET_CAT_(et_need_, __LINE__) = {                    \
        ET_HEAD_(et_needdef, ET_I_NEED), id, ET_UPTO_(T, last), 0 };           \
    ET_ITEM_(ET_CAT_(et_need_item_, __LINE__), ET_CAT_(et_need_, __LINE__))
#define ET_UPTO_(T, last) (uint32_t)(offsetof(T, last) + sizeof(((T *)0)->last))

/* The interface struct itself, as a const T *; NULL if this server has none.
 * x is a request, worker or conf.  Ask once, in open or init, and keep it. */
#define et_iface(x, id, T, last)                                               \
    ((const T *)(x)->ctx.host->iface((x)->ctx.host, id, ET_UPTO_(T, last)))

/* Ids of plugins which, where both are in a `use` list, must stand before
 * (outside of) this one, or after it.  A check of the ini, with both names in
 * the message; nothing is ever reordered.
 *
 *     ET_AFTER("org.etude.request-id"); */
#define ET_AFTER(...)                                                          \
    static const char *const et_after_[] = { __VA_ARGS__, NULL };              \
    static const et_orderdef et_after_def_ = {                                 \
        ET_HEAD_(et_orderdef, ET_I_ORDER), et_after_, NULL };                  \
    ET_ITEM_(et_after_item_, et_after_def_)
#define ET_BEFORE(...)                                                         \
    static const char *const et_before_[] = { __VA_ARGS__, NULL };             \
    static const et_orderdef et_before_def_ = {                                \
        ET_HEAD_(et_orderdef, ET_I_ORDER), NULL, et_before_ };                 \
    ET_ITEM_(et_before_item_, et_before_def_)

/* ---- declaring: routes and steps -----------------------------------------*/

/* Each of these is followed by a function body in which two names exist:
 *     et_req *r      the request
 *     void *self     what the plugin made: its ET_STATE, else its ET_INSTANCE,
 *                    else its ET_OPTIONS struct, else NULL
 * and which returns ET_NEXT, ET_DONE, ET_FAIL, ET_DROP or what a helper such
 * as et_text() returned.  fn is the function's name and the route's name in the
 * ini (`handler = hello:fn`). */

/* A route the plugin brings along; [plugin hello] in the ini mounts it.  path
 * may hold :parameters and end in a *rest.  GET serves HEAD too.  POST, PUT
 * and PATCH have the body collected before fn runs (et_body, et_form); GET,
 * DELETE and ANY do not look at it. */
#define ET_GET(path, fn) ET_ROUTE("GET", path, fn, ET_B_NONE, NULL)
#define ET_POST(path, fn) ET_ROUTE("POST", path, fn, ET_B_BUFFER, NULL)
#define ET_PUT(path, fn) ET_ROUTE("PUT", path, fn, ET_B_BUFFER, NULL)
#define ET_PATCH(path, fn) ET_ROUTE("PATCH", path, fn, ET_B_BUFFER, NULL)
#define ET_DELETE(path, fn) ET_ROUTE("DELETE", path, fn, ET_B_NONE, NULL)
#define ET_ANY(path, fn) ET_ROUTE("*", path, fn, ET_B_NONE, NULL)
#define ET_GET_TASK(path, fn) ET_ROUTE("GET", path, fn, ET_F_TASK, NULL)
#define ET_POST_TASK(path, fn)                                                 \
    ET_ROUTE("POST", path, fn, ET_F_TASK | ET_B_STREAM, NULL)
#define ET_PUT_TASK(path, fn)                                                  \
    ET_ROUTE("PUT", path, fn, ET_F_TASK | ET_B_STREAM, NULL)

/* Any of them in full: method "GET", "GET,POST" or "*"; flags ET_B_NONE or
 * ET_B_BUFFER; doc one line for `etude routes`, or NULL. */
#define ET_ROUTE(method, path, fn, flags, doc)                                 \
    ET_FN_(fn);                                                                \
    ET_ALSO(method, path, fn, flags, doc);                                     \
    ET_FN_(fn)

/* One more route to a function that is already there.  Ends in a semicolon:
 *
 *     ET_ALSO("GET", "/hi/:name", hello, ET_B_NONE, "the same, shorter"); */
#define ET_ALSO(method, path, fn, flags, doc)                                  \
    static const et_route ET_CAT_(fn##_route_, __LINE__) = {                   \
        ET_HEAD_(et_route, ET_I_ROUTE), flags, 0, method, path, #fn, doc,      \
        fn };                                                                  \
    ET_ITEM_(ET_CAT_(fn##_route_item_, __LINE__),                              \
             ET_CAT_(fn##_route_, __LINE__))

/* A middleware's request step: runs when the head is complete, in the order of
 * `use`.  At most one per plugin.  ET_NEXT goes on; an answer ends the request
 * here, before the body was read.  The _BODY form runs once the body is there.
 */
#define ET_REQUEST(fn) ET_STEP_(ET_I_REQUEST, fn, ET_B_NONE)
#define ET_REQUEST_BODY(fn) ET_STEP_(ET_I_REQUEST, fn, ET_B_BUFFER)
#define ET_REQUEST_TASK(fn) ET_STEP_(ET_I_REQUEST, fn, ET_F_TASK)

/* A middleware's response step: runs when the response is decided and not yet
 * sent (r->status is set), in reverse order, if the request reached this
 * plugin.  At most one per plugin. */
#define ET_RESPONSE(fn) ET_STEP_(ET_I_RESPONSE, fn, ET_B_NONE)

/* A middleware's body step, which its response step asks for with et_filter:
 * sees each piece of the answer's body, and passes on with et_emit what goes to
 * the client instead.  At most one per plugin.  Names in the body: et_req *r,
 * void *self, const char *p, size_t n, uint32_t flags (ET_BODY_FLUSH, _LAST).
 * Returns 0, or below 0: the answer is cut off.
 *
 *     ET_RESPONSE(ask) { return et_filter(r) < 0 ? ET_FAIL : ET_NEXT; }
 *     ET_BODY(upper)
 *     {
 *         char *q = (char *)memcpy(buffer, p, n);
 *         ...
 *         return et_emit(r, q, n, flags);
 *     } */
#define ET_BODY(fn)                                                            \
    ET_BODY_FN_(fn);                                                           \
    static const et_bodydef ET_CAT_(fn, _body_) = {                            \
        ET_HEAD_(et_bodydef, ET_I_BODY), #fn, fn, 0, 0 };                      \
    ET_ITEM_(ET_CAT_(fn, _body_item_), ET_CAT_(fn, _body_));                   \
    ET_BODY_FN_(fn)
#define ET_BODY_FN_(fn)                                                        \
    static int32_t fn(et_req *r ET_UNUSED_, void *self ET_UNUSED_,             \
                      const char *p ET_UNUSED_, size_t n ET_UNUSED_,           \
                      uint32_t flags ET_UNUSED_)

/* What `[route x] handler = NAME` runs: answers any method and path the route
 * matches.  At most one per plugin.  The _BODY form has the body collected. */
#define ET_HANDLER(fn) ET_STEP_(ET_I_HANDLER, fn, ET_B_NONE)
#define ET_HANDLER_BODY(fn) ET_STEP_(ET_I_HANDLER, fn, ET_B_BUFFER)
#define ET_HANDLER_TASK(fn) ET_STEP_(ET_I_HANDLER, fn, ET_F_TASK)

/* Runs after the answer is sent or lost; what it returns is ignored (write
 * ET_NEXT).  At most one per plugin. */
#define ET_LOG(fn) ET_STEP_(ET_I_LOG, fn, ET_B_NONE)

/* An order of the administrator to an instance, called fn: runs on each worker
 * in turn; put(out, p, n) appends to the answer.  Names in the body: et_worker
 * *w, void *self, et_str args, out, put.  Returns 0 or ET_E*. */
#define ET_COMMAND(fn, help)                                                   \
    ET_COMMAND_FN_(fn);                                                        \
    static const et_commanddef ET_CAT_(fn, _command_) = {                      \
        ET_HEAD_(et_commanddef, ET_I_COMMAND), #fn, help, fn };                \
    ET_ITEM_(ET_CAT_(fn, _command_item_), ET_CAT_(fn, _command_));             \
    ET_COMMAND_FN_(fn)
#define ET_COMMAND_FN_(fn)                                                     \
    static int32_t fn(et_worker *w ET_UNUSED_, void *self ET_UNUSED_,          \
                      et_str args ET_UNUSED_, void *out ET_UNUSED_,            \
                      int32_t (*put)(void *out, const void *p, size_t n)       \
                          ET_UNUSED_)

/* ---- declaring: options --------------------------------------------------*/

/* Options stand beside the struct they fill; the server parses, checks and
 * documents them, and hands the struct over complete:
 *
 *     struct conf { et_str word; int64_t times; };
 *
 *     ET_OPTIONS(struct conf, NULL,
 *         ET_OPT_STR(word, "Hello", 0, "the word before the name"),
 *         ET_OPT_INT(times, "1", 1, 10, "how often it is said"));
 *
 * At most once per plugin.  check(conf, e) [control] may refuse a combination
 * (et_seterr says why) or be NULL.  The key in the ini is the field's name.  A
 * field of the wrong C type does not compile. */
#define ET_OPTIONS(T, check, ...)                                              \
    typedef T et_options_;                                                     \
    static const et_opt et_opts_[] = { __VA_ARGS__ };                          \
    static const et_optdef et_optdef_ = {                                      \
        ET_HEAD_(et_optdef, ET_I_OPTIONS), et_opts_,                           \
        (uint32_t)(sizeof et_opts_ / sizeof et_opts_[0]),                      \
        (uint32_t)sizeof(T), check };                                          \
    ET_ITEM_(et_optdef_item_, et_optdef_)

/* A row in full, for a key that is no C name or flags the short forms lack.
 * ct: the field's C type; type: ET_O_STR ... | ET_O_REQUIRED, ET_O_SECRET. */
#define ET_OPT(key, f, ct, type, dflt, min, max, choices, help)                \
    { (uint32_t)sizeof(et_opt), (type) & 0xffu,                                \
      (uint32_t)(offsetof(et_options_, f) + ET_IS_(et_options_, f, ct)),       \
      (type) & ~0xffu, key, ET_TEXT_(dflt), ET_TEXT_(help),                    \
      ET_TEXT_(choices), min, max }

/* dflt is a string as it would stand in the ini ("5"; 5 does not compile), or
 * NULL: then the field is zero (absent) unless the ini says something.  flags:
 * 0, ET_O_REQUIRED, ET_O_SECRET, ET_O_TREE, ET_O_WRITE.  min and max both 0:
 * unbounded. */

/* et_str f: any text. */
#define ET_OPT_STR(f, dflt, flags, help)                                       \
    ET_OPT(#f, f, et_str, ET_O_STR | (flags), dflt, 0, 0, NULL, help)
/* int64_t f: a whole number. */
#define ET_OPT_INT(f, dflt, min, max, help)                                    \
    ET_OPT(#f, f, int64_t, ET_O_INT, dflt, min, max, NULL, help)
/* int64_t f: 1 for yes, on, true; 0 for no, off, false. */
#define ET_OPT_BOOL(f, dflt, help)                                             \
    ET_OPT(#f, f, int64_t, ET_O_BOOL, dflt, 0, 0, NULL, help)
/* int64_t f, in bytes: "64k", "10m". */
#define ET_OPT_SIZE(f, dflt, min, max, help)                                   \
    ET_OPT(#f, f, int64_t, ET_O_SIZE, dflt, min, max, NULL, help)
/* int64_t f, in milliseconds: "250ms", "5s", "1h". */
#define ET_OPT_TIME(f, dflt, min, max, help)                                   \
    ET_OPT(#f, f, int64_t, ET_O_TIME, dflt, min, max, NULL, help)
/* et_str f: a path made absolute against the ini's folder; f.p[f.n] is NUL. */
#define ET_OPT_PATH(f, dflt, flags, help)                                      \
    ET_OPT(#f, f, et_str, ET_O_PATH | (flags), dflt, 0, 0, NULL, help)
/* et_rate f: "100/s". */
#define ET_OPT_RATE(f, dflt, help)                                             \
    ET_OPT(#f, f, et_rate, ET_O_RATE, dflt, 0, 0, NULL, help)
/* int64_t f: 0 for the first name of choices ("common|combined|json"), ... */
#define ET_OPT_CHOICE(f, dflt, choices, help)                                  \
    ET_OPT(#f, f, int64_t, ET_O_CHOICE, dflt, 0, 0, choices, help)
/* et_list f: the key may be repeated; values in that order. */
#define ET_OPT_LIST(f, flags, help)                                            \
    ET_OPT(#f, f, et_list, ET_O_LIST | (flags), NULL, 0, 0, NULL, help)
/* et_field f: "Name: value", checked. */
#define ET_OPT_HEADER(f, dflt, flags, help)                                    \
    ET_OPT(#f, f, et_field, ET_O_HEADER | (flags), dflt, 0, 0, NULL, help)
/* et_list f of "Name: value", checked; the key may be repeated.  et_to_field
 * takes one apart. */
#define ET_OPT_HEADERS(f, flags, help)                                         \
    ET_OPT(#f, f, et_list, ET_O_HEADERS | (flags), NULL, 0, 0, NULL, help)

/* ---- declaring: objects --------------------------------------------------*/

/* options -> instance -> state: each is optional, each is built from the one
 * before, and the last one declared is the self of every step. */

/* One T per instance (a [plugin x] section with its values), shared by all
 * workers and read-only after open.  Slow work belongs here.  At most once.
 *     int32_t open(et_conf *c, const void *options, void *inst, et_err *e);
 *     void close(void *inst);
 * Both [control].  inst is zeroed.  open returns 0 or et_seterr(e, ...), and
 * then close is not called: open undoes what it had done.  close may be NULL.
 */
#define ET_INSTANCE(T, open, close)                                            \
    static const et_instancedef et_instancedef_ = {                            \
        ET_HEAD_(et_instancedef, ET_I_INSTANCE), (uint32_t)sizeof(T), 0,       \
        open, close };                                                         \
    ET_ITEM_(et_instancedef_item_, et_instancedef_)

/* One T per instance and worker, seen by no other thread: counters, caches, no
 * locks.  At most once.
 *     int32_t init(et_worker *w, const void *from, void *state, et_err *e);
 *     void exit(et_worker *w, void *state);
 * Both [worker], each may be NULL; from is the instance, else the options;
 * state is zeroed, on cache lines of its own.  init has 1 ms; if it fails, exit
 * is not called. */
#define ET_STATE(T, init, exit) ET_STATE_SAVED(T, 0, init, exit, NULL, NULL)

/* The same, handed over when the plugin or its options are replaced: save puts
 * a snapshot, whose layout version names, and load of the new one takes it -
 * twice: while the new one is made, and at the moment it takes over. */
#define ET_STATE_SAVED(T, version, init, exit, save, load)                     \
    static const et_statedef et_statedef_ = {                                  \
        ET_HEAD_(et_statedef, ET_I_STATE), (uint32_t)sizeof(T), version,       \
        init, exit, save, load };                                              \
    ET_ITEM_(et_statedef_item_, et_statedef_)

/* Once per loaded file: load before everything, unload after everything.
 *     int32_t load(const et_host *h, et_err *e);   void unload(void);
 * Both [control], each may be NULL.  Few plugins need it. */
#define ET_IMAGE(load, unload)                                                 \
    static const et_imagedef et_imagedef_ = {                                  \
        ET_HEAD_(et_imagedef, ET_I_IMAGE), load, unload };                     \
    ET_ITEM_(et_imagedef_item_, et_imagedef_)

/* ---- declaring: metrics --------------------------------------------------*/

/* A figure that the server shows to its operator, [server] metrics = /path:
 *
 *     ET_COUNTER(refused, NULL, "requests without a key");
 *     ET_GAUGE(waiting, NULL, "requests that wait now");
 *     ET_HISTOGRAM(answer, "bytes", "length of answers", 100, 1000, 10000);
 *
 * m becomes a variable of the file, to be named in et_count and its kin, and
 * the name: <last part of the plugin's id>_<m>[_<unit>][_total].  unit is a
 * plural ("bytes", "milliseconds") or NULL.  The labels instance and route are
 * the server's.  bounds: 1 to 64 whole numbers, ascending, each inclusive; a
 * last one, infinite, is added. */
#define ET_COUNTER(m, unit, help)                                              \
    ET_METRIC_(et_counter, m, ET_METRIC_COUNTER, NULL, 0, unit, help)
#define ET_GAUGE(m, unit, help)                                                \
    ET_METRIC_(et_gauge, m, ET_METRIC_GAUGE, NULL, 0, unit, help)
#if ET_NEED >= 1
/* A gauge of what an instance has (entries, bytes of its state), whatever route
 * leads to it: one for all of them, without the label route. */
#define ET_INSTANCE_GAUGE(m, unit, help)                                       \
    ET_METRIC_(et_gauge, m, ET_METRIC_INSTANCE_GAUGE, NULL, 0, unit, help)
#endif
#define ET_HISTOGRAM(m, unit, help, ...)                                       \
    static const int64_t ET_CAT_(m, _bounds_)[] = { __VA_ARGS__ };             \
    ET_METRIC_(et_histogram, m, ET_METRIC_HISTOGRAM, ET_CAT_(m, _bounds_),     \
               (uint32_t)(sizeof ET_CAT_(m, _bounds_) / sizeof(int64_t)),      \
               unit, help)
#define ET_METRIC_(T, m, kind, bounds, n, unit, help)                          \
    static T m;                                                                \
    static const et_metricdef ET_CAT_(m, _metric_) = {                         \
        ET_HEAD_(et_metricdef, ET_I_METRIC), kind, n, #m, unit, help, bounds,  \
        &m.handle };                                                           \
    ET_ITEM_(ET_CAT_(m, _metric_item_), ET_CAT_(m, _metric_))

/* clang-format on */

/* Three types, so that what does not suit a metric does not compile. */
typedef struct et_counter {
    uint32_t handle;
} et_counter;
typedef struct et_gauge {
    uint32_t handle;
} et_gauge;
typedef struct et_histogram {
    uint32_t handle;
} et_histogram;

/* ---- counting ------------------------------------------------------------*/

/* Within a step; an addition in memory of the worker, so count freely. */

/* A counter grows by n >= 0.
 *
 *     et_count(r, refused, 1); */
#define et_count(r, m, n) et_count_(r, &(m), n)
/* A gauge goes up or down by n, or becomes value.  It has a value for each
 * worker, instance and route, and what is shown of a route is the sum over the
 * workers: what counts something now is added to and taken from.  set is for
 * what this worker has for this route alone.  What a state has, on however many
 * routes it is, is told by adding what has changed since it was told last: with
 * set each route would show all of it, as it was at its last request. */
#define et_gauge_add(r, m, n) et_gauge_add_(r, &(m), n)
#define et_gauge_set(r, m, value) et_gauge_set_(r, &(m), value)
/* A histogram has one more value. */
#define et_observe(r, m, value) et_observe_(r, &(m), value)

static inline void
et_count_(et_req *r, const et_counter *m, int64_t n)
{
    r->worker->metrics->add(r, m->handle, n);
}

static inline void
et_gauge_add_(et_req *r, const et_gauge *m, int64_t n)
{
    r->worker->metrics->add(r, m->handle, n);
}

static inline void
et_gauge_set_(et_req *r, const et_gauge *m, int64_t value)
{
    r->worker->metrics->set(r, m->handle, value);
}

static inline void
et_observe_(et_req *r, const et_histogram *m, int64_t value)
{
    r->worker->metrics->observe(r, m->handle, value);
}

/* ---- strings -------------------------------------------------------------*/

/* An et_str as the two arguments of "%.*s".  Evaluates its argument twice, so
 * give it a variable or a cheap call. */
#define ET_STR(s) (int)(s).n, (s).p

/* The bytes of a C string, without its NUL; NULL is "absent". */
static inline et_str
et_s(const char *z)
{
    et_str s;
    s.p = z;
    s.n = z ? strlen(z) : 0;
    return s;
}

/* n bytes at p. */
static inline et_str
et_sn(const void *p, size_t n)
{
    et_str s;
    s.p = (const char *)p;
    s.n = n;
    return s;
}

/* 1 if both hold the same bytes (two absent ones do). */
static inline int
et_eq(et_str a, et_str b)
{
    return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

/* An ASCII letter in lower case, any other byte as it is. */
static inline char
et_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* As et_eq, ASCII letters compared without case. */
static inline int
et_eq_nocase(et_str a, et_str b)
{
    size_t i = 0;
    if (a.n != b.n)
        return 0;
    while (i < a.n && et_lower(a.p[i]) == et_lower(b.p[i]))
        i++;
    return i == a.n;
}

/* s without the spaces and tabs around it. */
static inline et_str
et_trim(et_str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* What is in front of the first c of *list, or all of it, trimmed; *list is
 * what is behind that, absent if there is no more:
 *
 *     while (list.p)
 *         ... et_cut(&list, ',') ... */
static inline et_str
et_cut(et_str *list, char c)
{
    const et_str all = *list;
    const char *at = all.n ? (const char *)memchr(all.p, c, all.n) : NULL;
    const size_t n = at ? (size_t)(at - all.p) : all.n;
    *list = at ? et_sn(at + 1, all.n - n - 1) : et_s(NULL);
    return et_trim(et_sn(all.p, n));
}

/* How much an element of Accept or Accept-Encoding is liked, in thousandths:
 * the q of "level=1;q=0.5", which is what stands behind its name; 1000 without
 * one, and if it is malformed (RFC 9110 12.4.2). */
static inline int32_t
et_weight(et_str params)
{
    while (params.p) {
        const et_str one = et_cut(&params, ';');
        int32_t q = 0, unit = 1000;
        size_t i;
        if (one.n < 2 || et_lower(one.p[0]) != 'q' || one.p[1] != '=')
            continue;
        if (one.n == 2 || one.n > 7 || one.p[2] < '0' || one.p[2] > '1' ||
            (one.n > 3 && one.p[3] != '.'))
            return 1000;
        for (i = 2; i < one.n; i += i == 2 ? 2 : 1, unit /= 10) {
            if (one.p[i] < '0' || one.p[i] > '9')
                return 1000;
            q += (one.p[i] - '0') * unit;
        }
        return q > 1000 ? 1000 : q;
    }
    return 1000;
}

/* "Name: value" taken apart and trimmed; without a colon both are absent. */
static inline et_field
et_to_field(et_str s)
{
    et_field f = {{NULL, 0}, {NULL, 0}};
    const char *colon = s.n ? (const char *)memchr(s.p, ':', s.n) : NULL;
    if (!colon)
        return f;
    f.name = et_trim(et_sn(s.p, (size_t)(colon - s.p)));
    f.value = et_trim(et_sn(colon + 1, s.n - (size_t)(colon - s.p) - 1));
    return f;
}

/* A decimal number with an optional '-' and nothing else around it; 0, or
 * ET_EINVAL if it is none or outside min..max (*out is then unchanged). */
static inline int32_t
et_to_int(et_str s, int64_t min, int64_t max, int64_t *out)
{
    size_t i = s.n && s.p[0] == '-';
    const uint64_t limit = (uint64_t)INT64_MAX + (uint64_t)i;
    const size_t first = i;
    uint64_t u = 0;
    int64_t v;
    for (; i < s.n; i++) {
        const uint64_t digit = (uint64_t)((unsigned char)s.p[i] - '0');
        if (digit > 9 || u > (limit - digit) / 10)
            return ET_EINVAL;
        u = u * 10 + digit;
    }
    if (i == first)
        return ET_EINVAL;
    v = !first ? (int64_t)u : u ? -(int64_t)(u - 1) - 1 : 0;
    if (v < min || v > max)
        return ET_EINVAL;
    *out = v;
    return 0;
}

/* 1 if given is the secret.  Takes the same time wherever they differ (it does
 * tell the length).  Nothing equals an absent or empty secret. */
static inline int
et_same_secret(et_str given, et_str secret)
{
    volatile unsigned char differ = 0;
    size_t i;
    if (!secret.n || given.n != secret.n)
        return 0;
    for (i = 0; i < secret.n; i++)
        differ = (unsigned char)(differ | (given.p[i] ^ secret.p[i]));
    return differ == 0;
}

/* ---- dates of HTTP (RFC 9110 5.6.7): seconds since 1970, and text --------*/

#define ET_DATE_LEN 29

struct et_day_ {
    int64_t year, month, day; /* month and day from 1 on */
};

/* Days since 1970 of a day of the year 1 or later, and back.  A year begins in
 * March here, so that the leap day is its last (H. Hinnant, "chrono-compatible
 * low-level date algorithms"). */
static inline int64_t
et_days_to_(struct et_day_ d)
{
    const int64_t year = d.year - (d.month <= 2), era = year / 400;
    const int64_t of_era = year % 400;
    const int64_t of_year = (153 * ((d.month + 9) % 12) + 2) / 5 + d.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static inline struct et_day_
et_day_of_(int64_t days)
{
    const int64_t z = days + 719468, era = z / 146097, n = z % 146097;
    const int64_t year = (n - n / 1460 + n / 36524 - n / 146096) / 365;
    const int64_t of_year = n - (365 * year + year / 4 - year / 100);
    const int64_t march = (5 * of_year + 2) / 153;
    struct et_day_ d;
    d.day = of_year - (153 * march + 2) / 5 + 1;
    d.month = march < 10 ? march + 3 : march - 9;
    d.year = year + era * 400 + (d.month <= 2);
    return d;
}

static inline const char *
et_months_(void)
{
    return "JanFebMarAprMayJunJulAugSepOctNovDec";
}

static inline void
et_put_digits_(char *p, int64_t n, int digits)
{
    for (; digits > 0; n /= 10)
        p[--digits] = (char)('0' + n % 10);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL, for Expires and its kin; what is
 * not of the years 1970 to 9999 is shown as the nearest that is. */
static inline void
et_date_to(char out[ET_DATE_LEN + 1], int64_t t)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 on */
    const int64_t last = INT64_C(253402300799);
    const int64_t at = t < 0 ? 0 : t > last ? last : t, s = at % 86400;
    const struct et_day_ d = et_day_of_(at / 86400);
    memcpy(out, "ddd, DD mmm YYYY HH:MM:SS GMT", ET_DATE_LEN + 1);
    memcpy(out, days + at / 86400 % 7 * 3, 3);
    et_put_digits_(out + 5, d.day, 2);
    memcpy(out + 8, et_months_() + (d.month - 1) * 3, 3);
    et_put_digits_(out + 12, d.year, 4);
    et_put_digits_(out + 17, s / 3600, 2);
    et_put_digits_(out + 20, s / 60 % 60, 2);
    et_put_digits_(out + 23, s % 60, 2);
}

/* 1 if s looks like form, where 'd' is a digit, '_' a digit or a blank, 'a' any
 * byte, and any other byte itself. */
static inline int
et_looks_like_(et_str s, const char *form)
{
    size_t i;
    if (s.n != strlen(form))
        return 0;
    for (i = 0; i < s.n; i++) {
        const char f = form[i], c = s.p[i];
        const int is_digit = c >= '0' && c <= '9';
        if (f == 'd'   ? !is_digit
            : f == '_' ? !is_digit && c != ' '
                       : f != 'a' && f != c)
            return 0;
    }
    return 1;
}

static inline int
et_is_weekday_(et_str s, int is_long)
{
    static const char *const days[] = {"Sunday",    "Monday",   "Tuesday",
                                       "Wednesday", "Thursday", "Friday",
                                       "Saturday"};
    size_t i;
    for (i = 0; i < 7; i++)
        if (et_eq(s, is_long ? et_s(days[i]) : et_sn(days[i], 3)))
            return 1;
    return 0;
}

/* n digits; a blank is a 0. */
static inline int64_t
et_digits_(const char *p, int n)
{
    int64_t v = 0;
    for (; n > 0; n--, p++)
        v = v * 10 + (*p == ' ' ? 0 : *p - '0');
    return v;
}

/* 1 to 12, or 0. */
static inline int64_t
et_month_(const char *p)
{
    int64_t i;
    for (i = 0; i < 12; i++)
        if (memcmp(p, et_months_() + i * 3, 3) == 0)
            return i + 1;
    return 0;
}

/* Of the years that end in those two digits the last that is no more than 50
 * years from now. */
static inline int64_t
et_full_year_(int64_t yy)
{
    const int64_t latest = et_day_of_((int64_t)time(NULL) / 86400).year + 50;
    const int64_t year = latest - latest % 100 + yy;
    return year > latest ? year - 100 : year;
}

/* A date in any of the three formats, and nothing else around it:
 * "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
 * "Sun Nov  6 08:49:37 1994".  The day's name need not fit the day, which must
 * be a real one.  0, or ET_EINVAL if it is none (*t is then unchanged). */
static inline int32_t
et_to_date(et_str s, int64_t *t)
{
    static const struct {
        const char *like;
        uint8_t day, month, year, clock; /* where they stand */
    } forms[] = {{", dd aaa dddd dd:dd:dd GMT", 2, 5, 9, 14},
                 {", dd-aaa-dd dd:dd:dd GMT", 2, 5, 9, 12},
                 {" aaa _d dd:dd:dd dddd", 5, 1, 17, 8}};
    size_t n = 0, i = 0;
    struct et_day_ d;
    int64_t h, m, sec, days;
    const char *p;
    while (n < s.n && s.p[n] != ',' && s.p[n] != ' ')
        n++;
    if (n == s.n)
        return ET_EINVAL;
    p = s.p + n; /* behind the day's name */
    while (i < 3 && !et_looks_like_(et_sn(p, s.n - n), forms[i].like))
        i++;
    if (i == 3 || !et_is_weekday_(et_sn(s.p, n), i == 1))
        return ET_EINVAL;
    d.day = et_digits_(p + forms[i].day, 2);
    d.month = et_month_(p + forms[i].month);
    d.year = i == 1 ? et_full_year_(et_digits_(p + forms[i].year, 2))
                    : et_digits_(p + forms[i].year, 4);
    h = et_digits_(p + forms[i].clock, 2);
    m = et_digits_(p + forms[i].clock + 3, 2);
    sec = et_digits_(p + forms[i].clock + 6, 2); /* 60: a leap second */
    if (!d.year || !d.month || h > 23 || m > 59 || sec > 60)
        return ET_EINVAL;
    days = et_days_to_(d);
    if (et_day_of_(days).day != d.day) /* the 31st of November */
        return ET_EINVAL;
    *t = days * 86400 + h * 3600 + m * 60 + sec;
    return 0;
}

/* ---- logging and errors --------------------------------------------------*/

/* Write one record; x is a request, worker or conf, the rest as printf.  Cut
 * at 1,000 bytes.  Costs a comparison when the server's log_level is lower.
 * (The one for level error has a longer name because et_error answers.)
 *
 *     et_info(r, "cache filled: %zu entries", n); */
#define et_log_error(x, ...) et_logf_(&(x)->ctx, ET_L_ERROR, __VA_ARGS__)
#define et_warn(x, ...) et_logf_(&(x)->ctx, ET_L_WARN, __VA_ARGS__)
#define et_info(x, ...) et_logf_(&(x)->ctx, ET_L_INFO, __VA_ARGS__)
#define et_debug(x, ...) et_logf_(&(x)->ctx, ET_L_DEBUG, __VA_ARGS__)

ET_FMT_(3, 4)
static inline void
et_logf_(const et_ctx *c, uint32_t level, const char *format, ...)
{
    char line[1000];
    va_list ap;
    int n;
    /* a reload may change it at this moment */
    if (level > __atomic_load_n(&c->host->log_level, __ATOMIC_RELAXED))
        return;
    va_start(ap, format);
    n = vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    if (n > 0)
        (c->host->log)(c, level, line,
                       (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* Say why check, open, init or load refuses; for use with return:
 *
 *     return et_seterr(e, "%.*s: not a folder", ET_STR(o->root));
 *
 * Always ET_EINVAL.  The server adds file:line, section and plugin.  In check
 * and open a text that begins with an option's key and a colon, "root: not a
 * folder", or with that of one value of a list, counted from 0, "set[1]: ...",
 * is reported at that line. */
ET_FMT_(2, 3)
static inline int32_t
et_seterr(et_err *e, const char *format, ...)
{
    va_list ap;
    int n;
    va_start(ap, format);
    n = vsnprintf(e->p, e->cap, format, ap);
    va_end(ap);
    e->n = n < 0 || !e->cap ? 0 : (size_t)n < e->cap ? (size_t)n : e->cap - 1;
    return ET_EINVAL;
}

/* RFC 9110 5.6.2: what can be the name of a field, a method, a cookie. */
static inline int
et_is_token(et_str s)
{
    size_t i;
    for (i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return 0;
    }
    return s.n > 0;
}

/* RFC 9110 5.5: what can be the value of a field: no control bytes, no blanks
 * around it. */
static inline int
et_is_value(et_str s)
{
    size_t i;
    for (i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return 0;
    }
    return et_trim(s).n == s.n;
}

/* Fields of the response that only the host sets: they frame the message or
 * belong to the connection. */
static inline int
et_is_hosts(et_str name)
{
    static const char *const hosts[] = {
        "Connection", "Content-Length",   "Date",
        "Keep-Alive", "Proxy-Connection", "TE",
        "Trailer",    "Upgrade",          "Transfer-Encoding",
    };
    size_t i;
    for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (et_eq_nocase(name, et_s(hosts[i])))
            return 1;
    return 0;
}

/* For open: what set would refuse of field i of the list that option key gives
 * is refused there.  0, or ET_EINVAL with the reason in e.
 *
 *     rc = et_check_field(e, "header", i, et_to_field(o->header.v[i])); */
static inline int32_t
et_check_field(et_err *e, const char *key, size_t i, et_field f)
{
    if (!et_is_token(f.name))
        return et_seterr(e, "%s[%zu]: \"%.*s\" is no header name", key, i,
                         ET_STR(f.name));
    if (et_is_hosts(f.name))
        return et_seterr(e, "%s[%zu]: %.*s belongs to the server", key, i,
                         ET_STR(f.name));
    if (!et_is_value(f.value))
        return et_seterr(e, "%s[%zu]: not a header value", key, i);
    return 0;
}

/* Give up on this request: the reason goes to the log, the client sees a 500.
 *
 *     return et_fail(r, "table %s is gone", name); */
ET_FMT_(2, 3)
static inline uint32_t
et_fail(et_req *r, const char *format, ...)
{
    char line[1000];
    va_list ap;
    int n;
    va_start(ap, format);
    n = vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    /* In parentheses, because check.h has a macro called fail(). */
    return (r->http->fail)(
        r, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* Give up on this request from any depth below its step, and never return: the
 * reason goes to the log, the client sees a 500, the server goes on.  For what
 * cannot be, where there is no way back to say so; et_fail is the better one
 * wherever it will do, because nothing is released on the way out: no lock, no
 * memory, and in C++ no destructor runs.  Neither the response nor the log step
 * of this plugin is called for this request any more.
 *
 *     et_panic(r, "row %zu of %zu", i, n); */
ET_FMT_(2, 3)
__attribute__((noreturn)) static inline void
et_panic(et_req *r, const char *format, ...)
{
    char line[1000];
    va_list ap;
    int n;
    va_start(ap, format);
    n = vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    if ((size_t)n >= sizeof line)
        n = (int)sizeof line - 1;
    if (ET_HAS(r->http, et_http, panic))
        r->http->panic(r, line, (size_t)n);
    else
        (r->http->fail)(r, line, (size_t)n);
    abort(); /* a server that is older than this */
}

/* ---- what outlives generations -------------------------------------------*/

/* Numbers and small values that the server keeps over reloads, new builds of
 * the plugin, changed options and the death of the process that serves;
 * ET_IF_STORE in etude_abi.h says exactly how.  et_store_count and what is
 * below it are about cells, exact for the whole server: for limits.  With
 * et_store_add each worker counts for itself, et_store_total is the sum: for
 * what all of them count all the time.
 *
 *     struct state { et_store *seen; };
 *
 *     static int32_t
 *     init(et_worker *w, const void *from, void *state, et_err *e)
 *     {
 *         struct state *s = (struct state *)state;
 *         s->seen = et_store_open(w, "seen");
 *         return s->seen ? 0 : et_seterr(e, "no store");
 *     }
 *
 *     ET_STATE(struct state, init, NULL);
 *
 *     ET_REQUEST(limit)
 *     {
 *         et_store *seen = ((struct state *)self)->seen;
 *         if (et_store_count(seen, et_peer(r), 1, 60000) > 100)
 *             return et_error(r, 429, "a hundred a minute, please\n");
 *         return ET_NEXT;
 *     } */

/* In the init of an ET_STATE only; NULL if this server has no stores, or no
 * room for one more.  Open until the state's exit has returned. */
static inline et_store *
et_store_open(et_worker *w, const char *name)
{
    const et_store_api *api = et_iface(w, ET_IF_STORE, et_store_api, del);
    return api ? api->open(w, et_s(name)) : NULL;
}

/* Add to this worker's counter; what it is then (0 or more), or ET_EINVAL (the
 * key is longer than 255 bytes) or ET_ELIMIT ([server] store_memory is full).
 * ttl_ms from the add that begins it, 0 for ever. */
static inline int64_t
et_store_add(et_store *s, et_str key, int64_t delta, uint64_t ttl_ms)
{
    return s->api->add(s, key, delta, ttl_ms);
}

/* What all workers have counted for that key. */
static inline int64_t
et_store_total(et_store *s, et_str key)
{
    return s->api->total(s, key);
}

/* The number of that key, one for the whole server: *value is 0 if there is
 * none.  0, ET_EINVAL, or ET_ENOTSUP: this server has no cells. */
static inline int32_t
et_store_cell(et_store *s, et_str key, int64_t *value)
{
    if (!ET_HAS(s->api, et_store_api, swap))
        return ET_ENOTSUP;
    return s->api->cell(s, key, value);
}

/* Make it `to` if it is *was: 1; if it is not: 0, and *was is what it is; or
 * ET_EINVAL, ET_ELIMIT, ET_ENOTSUP.  It ends ttl_ms from now (0: never;
 * ET_STORE_SAME_END: as it would have). */
static inline int32_t
et_store_swap(et_store *s, et_str key, int64_t *was, int64_t to,
              uint64_t ttl_ms)
{
    if (!ET_HAS(s->api, et_store_api, swap))
        return ET_ENOTSUP;
    return s->api->swap(s, key, was, to, ttl_ms);
}

/* Add to the number of that key; what it is then, within 0 and INT64_MAX, or
 * ET_EINVAL, ET_ELIMIT, ET_ENOTSUP.  It ends ttl_ms after the call that began
 * it from 0, which makes that the length of a window; 0: never. */
static inline int64_t
et_store_count(et_store *s, et_str key, int64_t delta, uint64_t ttl_ms)
{
    int64_t was = 0, to;
    int32_t rc = et_store_cell(s, key, &was);

    if (rc < 0)
        return rc;
    do {
        if (delta > 0 && was > INT64_MAX - delta)
            to = INT64_MAX;
        else
            to = was + delta > 0 ? was + delta : 0;
        rc = et_store_swap(s, key, &was, to,
                           was == 0 ? ttl_ms : ET_STORE_SAME_END);
    } while (rc == 0);
    return rc < 0 ? rc : to;
}

/* Keep a copy of a value of at most 1 KiB, for the whole server; 0, ET_EINVAL
 * or ET_ELIMIT. */
static inline int32_t
et_store_put(et_store *s, et_str key, et_str value, uint64_t ttl_ms)
{
    return s->api->put(s, key, value, ttl_ms);
}

/* A copy of the value, until the next get on this store; absent if there is
 * none. */
static inline et_str
et_store_get(et_store *s, et_str key)
{
    return s->api->get(s, key);
}

/* Forget this worker's counter and the value of that key. */
static inline int32_t
et_store_del(et_store *s, et_str key)
{
    return s->api->del(s, key);
}

/* ---- waiting -------------------------------------------------------------*/

/* A step that has to wait for something says so and lets go of its worker:
 *
 *     static uint32_t asked(et_req *r, void *self, int32_t rc)
 *     {
 *         (void)self;
 *         return et_text(r, 200, "%d\n", (int)rc);
 *     }
 *
 *     ET_GET("/ask", ask)
 *     {
 *         if (!et_suspend(r, asked, NULL, 5000)) return et_fail(r, "full");
 *         ... give the token to whoever has the answer
 *         return ET_WAIT;
 *     } */

/* Have the step wait, at most timeout_ms (0: `wait_timeout`): it is to return
 * ET_WAIT, and then either resume or cancel (or NULL) is called, once.  The
 * token to wake it with, or 0: more wait than may, or no step of r runs. */
static inline et_token
et_suspend(et_req *r, et_resume_fn resume, et_cancel_fn cancel,
           uint32_t timeout_ms)
{
    return r->worker->async->suspend(r, resume, cancel, timeout_ms);
}

/* Wake what waits with that token, with rc for its resume: 0, or ET_ESTALE: it
 * does not wait any more.  Of any thread; async is r->worker->async, which
 * stays as long as the plugin does. */
static inline int32_t
et_resume(const et_async *async, et_token token, int32_t rc)
{
    return async->resume(token, rc);
}

/* Have job(arg) run on a thread that may block, and the step wait for it: what
 * it returns is the rc of resume, ET_ECRASH if it crashed.  r and its memory
 * stay until then, whatever becomes of the client.  0, and the step is to
 * return ET_WAIT; or ET_ELIMIT: too many wait already, ET_ENOMEM, ET_EPHASE,
 * ET_ERETIRE: the server ends. */
static inline int32_t
et_offload_then(et_req *r, int32_t (*job)(void *arg), void *arg,
                et_resume_fn resume, et_cancel_fn cancel)
{
    return r->worker->async->offload(r, job, arg, ET_PRIO_LOW, resume, cancel);
}

/* ---- waiting: what belongs to no request ---------------------------------*/

/* A state has a loop on its worker, in which its callbacks are called until it
 * has ended, each one once:
 *
 *     static void tick(et_loop *l, void *arg)
 *     {
 *         struct state *s = (struct state *)arg;
 *         ...
 *         (void)et_loop_timer(l, 1000, tick, s);
 *     }
 *
 * in its init:
 *
 *         s->loop = et_loop_open(w);
 *         return s->loop && et_loop_timer(s->loop, 0, tick, s) ? 0 : ET_ENOMEM;
 *
 * Only in the init of a state; else NULL, and if there is no memory. */
static inline et_loop *
et_loop_open(et_worker *w)
{
    return w->async->open(w);
}

/* fn is called ms milliseconds from now, or up to 16 later.  What cancels it;
 * 0: too many wait (max_waits).  On the loop's worker, as the next two. */
static inline et_token
et_loop_timer(et_loop *l, uint64_t ms, void (*fn)(et_loop *l, void *arg),
              void *arg)
{
    return l->async->timer(l, ms, fn, arg);
}

/* fn is called when fd is ready for one of events (ET_FD_*), or has failed.  It
 * stays open until then, or until that is cancelled.  0: as timer, or there are
 * no such events. */
static inline et_token
et_loop_watch(et_loop *l, int32_t fd, uint32_t events,
              void (*fn)(et_loop *l, int32_t fd, uint32_t events, void *arg),
              void *arg)
{
    return l->async->watch(l, fd, events, fn, arg);
}

/* A timer, a watch or what et_listen has begun is over: 0; ET_ESTALE: it was
 * already, or has been called. */
static inline int32_t
et_loop_cancel(et_loop *l, et_token token)
{
    return l->async->cancel(l, token);
}

/* Have fn(l, arg) called by the loop with that token (l->token): 0; ET_ESTALE:
 * its state has ended; ET_ENOMEM.  Of any thread; async is l->async, which
 * stays as long as the plugin does. */
static inline int32_t
et_loop_post(const et_async *async, et_token loop,
             void (*fn)(et_loop *l, void *arg), void *arg)
{
    return async->post(loop, fn, arg);
}

/* ---- waiting: tasks ------------------------------------------------------*/

/* A step that is declared as a task (ET_GET_TASK ...) waits where it stands;
 * the worker serves others meanwhile:
 *
 *     ET_GET_TASK("/later", later)
 *     {
 *         (void)self;
 *         if (et_sleep(r, 1000) < 0)
 *             return ET_DONE;
 *         return et_text(r, 200, "a second later\n");
 *     }
 *
 * Below 0, whichever call it is, means that the task is to end: ET_ECANCEL, the
 * client has gone; ET_ETIME, its time is over; what it returns then is of no
 * importance after ET_ECANCEL.  Outside of a task they are ET_EPHASE. */

/* For so many milliseconds. */
static inline int32_t
et_sleep(et_req *r, uint64_t ms)
{
    return r->worker->task->sleep(r, ms);
}

/* Until fd is ready (ET_FD_IN, ET_FD_OUT), at most timeout_ms: the events of
 * poll(2), or ET_ETIME. */
static inline int32_t
et_wait_fd(et_req *r, int32_t fd, uint32_t events, uint64_t timeout_ms)
{
    return r->worker->task->wait_fd(r, fd, events, timeout_ms);
}

/* Until job(arg) has run on a thread that may block: what it returned,
 * ET_ECRASH, or ET_ELIMIT, ET_ENOMEM: it could not be begun. */
static inline int32_t
et_offload(et_req *r, int32_t (*job)(void *arg), void *arg)
{
    return r->worker->task->offload(r, job, arg, ET_PRIO_LOW);
}

/* A token for et_resume, and waiting until it is used, at most timeout_ms: the
 * rc it is used with, or ET_ETIME. */
static inline et_token
et_arm(et_req *r)
{
    return r->worker->task->arm(r);
}

static inline int32_t
et_await(et_req *r, uint64_t timeout_ms)
{
    return r->worker->task->await(r, timeout_ms);
}

/* Until n functions have run beside each other, each with waits of its own;
 * what they returned is in parts. */
static inline int32_t
et_join(et_req *r, et_part *parts, uint32_t n)
{
    return r->worker->task->join(r, parts, n);
}

/* From so many milliseconds from now on every call that waits is ET_ETIME; 0:
 * never. */
static inline int32_t
et_timeout(et_req *r, uint64_t ms)
{
    return r->worker->task->timeout(r, ms);
}

/* The next bytes of the request's body, at most n: how many; 0: that was all;
 * below 0: it does not come whole. */
static inline int64_t
et_read_body(et_req *r, void *p, size_t n)
{
    return r->worker->task->read_body(r, p, n);
}

/* 1: a newer generation serves, or the server is to stop: what goes on for long
 * comes to its end now, or is given up with ET_ERETIRE. */
static inline int
et_retiring(const et_req *r)
{
    return r->http->number(r, ET_N_RETIRING) == 1;
}

/* Have fn(arg) run when the step, or the part, is over. */
static inline int32_t
et_defer(et_req *r, void (*fn)(void *arg), void *arg)
{
    return r->worker->task->defer(r, fn, arg);
}

/* ---- channels ------------------------------------------------------------*/

/* Publish to a channel, and whoever is subscribed to it hears of it, whichever
 * worker serves him.  A task subscribes:
 *
 *     ET_GET_TASK("/news", news)
 *     {
 *         et_sub *s = et_subscribe(r, et_s("news"), 16, ET_CH_DROP_OLDEST);
 *         et_str message;
 *         (void)self;
 *         if (et_next(s, 30000, &message) < 0)
 *             return et_text(r, 200, "no news\n");
 *         return et_text(r, 200, "%.*s\n", ET_STR(message));
 *     }
 *
 *     ET_POST("/news", tell)
 *     {
 *         (void)self;
 *         if (et_publish(r, et_s("news"), et_body(r)) < 0)
 *             return et_error(r, 503, "try again\n");
 *         return et_text(r, 202, "told\n");
 *     } */

/* Of any thread, whose host is x->ctx.host of any handle: 0, even if nobody
 * listens; ET_EINVAL: a name of no bytes or more than 255, or a message of more
 * than `channel_max_message`; ET_ELIMIT, ET_ENOMEM: no room, try again later;
 * ET_ENOTSUP: this server has no channels. */
static inline int32_t
et_publish_from(const et_host *host, et_str channel, et_str message)
{
    const et_channel_api *api = (const et_channel_api *)host->iface(
        host, ET_IF_CHANNEL, ET_UPTO_(et_channel_api, publish));
    return api ? api->publish(host, channel, message.p, message.n) : ET_ENOTSUP;
}

/* The same with a handle: a request, worker, loop ... */
#define et_publish(x, channel, message)                                        \
    et_publish_from((x)->ctx.host, channel, message)

/* Messages of a channel wait for the calling task from now on, at most
 * max_queue of them (0: 64); who is slower loses the oldest (ET_CH_DROP_OLDEST)
 * or is told nothing any more (ET_CH_DROP_SELF).  It ends with the step or part
 * that calls. NULL: there is no room, or no such name. */
static inline et_sub *
et_subscribe(et_req *r, et_str channel, uint32_t max_queue, uint32_t policy)
{
    const et_channel_api *api =
        et_iface(r, ET_IF_CHANNEL, et_channel_api, listen);
    return api ? api->subscribe(r, channel, max_queue, policy) : NULL;
}

/* The next message, at most timeout_ms from now: 0, and it is valid until the
 * next call for s; ET_ETIME: none has come, and the task goes on unless its own
 * time is over; ET_ELIMIT: it was too slow, or s is NULL; else the task is to
 * end. */
static inline int32_t
et_next(et_sub *s, uint64_t timeout_ms, et_str *message)
{
    return s ? s->api->next(s, timeout_ms, message) : ET_ELIMIT;
}

/* It ends now; NULL does nothing. */
static inline void
et_unsubscribe(et_sub *s)
{
    if (s)
        s->api->unsubscribe(s);
}

/* How many messages it has lost; of NULL none. */
static inline uint64_t
et_dropped(const et_sub *s)
{
    return s ? s->api->dropped(s) : 0;
}

/* For a state, by its loop (et_loop_open): fn is called for every message,
 * until et_loop_cancel.  0: there is no room, or no such name. */
static inline et_token
et_listen(et_loop *l, et_str channel,
          void (*fn)(et_loop *l, void *arg, et_str channel, et_str message),
          void *arg)
{
    const et_channel_api *api =
        et_iface(l, ET_IF_CHANNEL, et_channel_api, listen);
    return api ? api->listen(l, channel, fn, arg) : 0;
}

/* A WebSocket is sent every message of a channel from now on, as ET_WS_TEXT or
 * ET_WS_BINARY, until it ends; the host does it, the plugin is not called.
 * Whose client is slow loses the oldest that wait (more: et_channel_api).  0;
 * ET_EINVAL: no such name or type; ET_ELIMIT: no room; ET_ECANCEL: it is
 * closing; ET_ENOTSUP: this server cannot. */
static inline int32_t
et_ws_subscribe(et_ws *s, et_str channel, uint32_t type)
{
    const et_channel_api *api =
        et_iface(s, ET_IF_CHANNEL, et_channel_api, subscribe_ws);
    return api ? api->subscribe_ws(s, channel, type, 0, ET_CH_DROP_OLDEST)
               : ET_ENOTSUP;
}

/* It is not any more. */
static inline void
et_ws_unsubscribe(et_ws *s, et_str channel)
{
    const et_channel_api *api =
        et_iface(s, ET_IF_CHANNEL, et_channel_api, unsubscribe_ws);
    if (api)
        api->unsubscribe_ws(s, channel);
}

/* ---- asking other servers -------------------------------------------------*/

/* A task asks as it waits, where it stands:
 *
 *     et_fetch_ask ask = et_ask("GET", et_s("http://10.0.0.7:8080/users/7"));
 *     et_reply *reply;
 *     if (et_fetch(r, &ask, &reply) < 0)
 *         return et_error(r, 502, "nobody knows\n");
 *     return et_text(r, 200, "%.*s", ET_STR(reply->body));
 *
 * or reads the reply piece by piece: et_fetch_open, et_fetch_read.  Any other
 * step has a token resumed when the reply is there: et_fetch_start. */

/* What to ask; fields, body, times and bounds are the caller's to add. */
static inline et_fetch_ask
et_ask(const char *method, et_str url)
{
    et_fetch_ask ask;
    memset(&ask, 0, sizeof ask);
    ask.size = (uint32_t)sizeof ask;
    ask.method = et_s(method);
    ask.url = url;
    return ask;
}

/* Until all of the reply is there: 0, or ET_ECONN, ET_EPROTO, ET_ETIME ... */
static inline int32_t
et_fetch(et_req *r, const et_fetch_ask *ask, et_reply **reply)
{
    return r->worker->fetch->fetch(r, ask, reply);
}

/* Until its head is there; with ET_FETCH_STREAM, until the body may be sent. */
static inline int32_t
et_fetch_open(et_req *r, const et_fetch_ask *ask, et_reply **reply)
{
    return r->worker->fetch->open(r, ask, reply);
}

/* The next bytes of its body, at most n: how many; 0: that was all. */
static inline int64_t
et_fetch_read(et_req *r, et_reply *reply, void *p, size_t n)
{
    return r->worker->fetch->read(r, reply, p, n);
}

/* The next bytes of the request's body (ET_FETCH_STREAM); head: that was all of
 * it, until the reply's head is there. */
static inline int32_t
et_fetch_send(et_req *r, et_reply *reply, const void *p, size_t n)
{
    return r->worker->fetch->send(r, reply, p, n);
}

static inline int32_t
et_fetch_head(et_req *r, et_reply *reply)
{
    return r->worker->fetch->head(r, reply);
}

/* Before the step is over, which does the same. */
static inline void
et_fetch_close(et_req *r, et_reply *reply)
{
    r->worker->fetch->close(r, reply);
}

/* In any step: token (et_suspend, et_arm) is resumed when all of the reply is
 * there, or has failed: with 0, or why. */
static inline int32_t
et_fetch_start(et_req *r, const et_fetch_ask *ask, et_token token,
               et_reply **reply)
{
    return r->worker->fetch->start(r, ask, token, reply);
}

/* The first field of that name in a reply, compared without case. */
static inline et_str
et_reply_field(const et_reply *reply, const char *name)
{
    size_t i;
    for (i = 0; i < reply->n_fields; i++)
        if (et_eq_nocase(reply->fields[i].name, et_s(name)))
            return reply->fields[i].value;
    return et_s(NULL);
}

/* ---- WebSocket -----------------------------------------------------------*/

/* A handler makes the connection of its request a WebSocket, whose callbacks go
 * on with it:
 *
 *     static void
 *     on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
 *     {
 *         (void)self;
 *         et_ws_send(s, type, p, n);
 *     }
 *     static const et_ws_calls calls = {ET_WS_CALLS, .message = on_message};
 *
 *     ET_GET("/echo", echo)
 *     {
 *         (void)self;
 *         return et_ws_accept(r, &calls, NULL, NULL);
 *     }
 *
 * What they may be told, and when, is in etude_abi.h (et_ws_calls). */

/* How a struct et_ws_calls, or et_ws_ask, begins. */
#define ET_WS_CALLS sizeof(et_ws_calls), 0
#define ET_WS_ASK sizeof(et_ws_ask), 0

/* What the handler returns.  ask: what it is to be like, or NULL; data: what
 * s->data is at first. */
static inline uint32_t
et_ws_accept(et_req *r, const et_ws_calls *calls, const et_ws_ask *ask,
             void *data)
{
    return r->worker->ws ? r->worker->ws->accept(r, calls, ask, data) : ET_FAIL;
}

/* Send n bytes as one message of that type: 0; ET_ELIMIT: the client is slow,
 * nothing was taken, and writable will be called; ET_ECANCEL: it is closing;
 * ET_EINVAL: a text that is not UTF-8. */
static inline int32_t
et_ws_send(et_ws *s, uint32_t type, const void *p, size_t n)
{
    return s->ws->send(s, type, p, n);
}

/* A text of at most 4,095 bytes, as printf; a longer one is ET_EINVAL. */
ET_FMT_(2, 3)
static inline int32_t
et_ws_text(et_ws *s, const char *format, ...)
{
    char text[4096];
    va_list ap;
    int n;
    va_start(ap, format);
    n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text)
        return ET_EINVAL;
    return s->ws->send(s, ET_WS_TEXT, text, (size_t)n);
}

/* Close it, with 1000 if all is well, and a reason or NULL: 0, ET_ECANCEL,
 * ET_EINVAL. */
static inline int32_t
et_ws_close(et_ws *s, uint32_t code, const char *reason)
{
    return s->ws->close(s, code, et_s(reason ? reason : ""));
}

/* What other threads know s by, and having fn(s, arg) called on its worker from
 * any of them: 0, or ET_ESTALE: it is over.  ws is s->ws. */
static inline et_token
et_ws_token(et_ws *s)
{
    return s->ws->token(s);
}

static inline int32_t
et_ws_post(const et_ws_api *ws, et_token t, void (*fn)(et_ws *s, void *arg),
           void *arg)
{
    return ws->post(t, fn, arg);
}

/* The linear form: a task that goes on.
 *
 *     ET_GET_TASK("/echo", echo)
 *     {
 *         et_ws *s;
 *         et_ws_message m;
 *         const uint32_t rc = et_ws_open(r, NULL, &s);
 *         (void)self;
 *         if (!s)
 *             return rc;
 *         while (et_ws_recv(r, s, UINT64_MAX, &m) == 0)
 *             if (et_ws_put(r, s, m.type, m.text.p, m.text.n) < 0)
 *                 break;
 *         return ET_DONE;
 *     }
 *
 * It holds its stack and its request for as long as it lives, which the form
 * above does not. */

/* 0, and *s is open until the step is over; or *s is NULL, and the step returns
 * what this does: it is no handshake, or refused. */
static inline uint32_t
et_ws_open(et_req *r, const et_ws_ask *ask, et_ws **s)
{
    const et_ws_api *ws = r->worker->ws;
    *s = NULL;
    return ws && ET_HAS(ws, et_ws_api, open) ? ws->open(r, ask, s) : ET_FAIL;
}

/* The next message: 0, and it is in m until the next call; 1: it is closed,
 * with m->code, because of m->text; below 0: it did not come in time
 * (ET_ETIME), or the task is given up. */
static inline int32_t
et_ws_recv(et_req *r, et_ws *s, uint64_t timeout_ms, et_ws_message *m)
{
    m->size = (uint32_t)sizeof *m;
    return s->ws->recv(r, s, timeout_ms, m);
}

/* et_ws_send, but instead of ET_ELIMIT it waits until there is room. */
static inline int32_t
et_ws_put(et_req *r, et_ws *s, uint32_t type, const void *p, size_t n)
{
    return s->ws->put(r, s, type, p, n);
}

/* ---- reading the request -------------------------------------------------*/

/* Method, path, query string and so on are fields of et_req (etude_abi.h).
 * What these return lives until the log step has run. */

/* A parameter of the route's path, decoded: "name" of /hello/:name. */
static inline et_str
et_param(const et_req *r, const char *name)
{
    return r->http->param(r, et_s(name));
}

/* The first value of a key of the query string, decoded. */
static inline et_str
et_query(et_req *r, const char *name)
{
    return r->http->query(r, et_s(name), 0);
}

/* The same of a form body; the route needs ET_B_BUFFER, as ET_POST has it. */
static inline et_str
et_form(et_req *r, const char *name)
{
    return r->http->form(r, et_s(name), 0);
}

/* A cookie the client sent. */
static inline et_str
et_cookie(const et_req *r, const char *name)
{
    return r->http->cookie(r, et_s(name));
}

/* The first field of that name, compared without case. */
static inline et_str
et_header(const et_req *r, const char *name)
{
    return r->http->header(r, et_s(name), 0);
}

/* The whole decoded body; the step or route needs ET_B_BUFFER. */
static inline et_str
et_body(const et_req *r)
{
    return r->http->body(r);
}

/* The first field of that name behind the body, once that was read to its end.
 */
static inline et_str
et_trailer(const et_req *r, const char *name)
{
    return r->http->trailer(r, et_s(name), 0);
}

/* The client's address, "203.0.113.7", after the trusted_proxies rules. */
static inline et_str
et_peer(et_req *r)
{
    return r->http->text(r, ET_T_PEER);
}

/* Who the client is by the certificate it has shown, if the listener asks for
 * one (tls.client) and it was verified; else absent.  The SHA-256 of the
 * certificate names it and no other one. */
static inline et_str
et_client_subject(et_req *r)
{
    return r->http->text(r, ET_T_CLIENT_SUBJECT);
}

static inline et_str
et_client_sha256(et_req *r)
{
    return r->http->text(r, ET_T_CLIENT_SHA256);
}

static inline et_str
et_client_names(et_req *r)
{
    return r->http->text(r, ET_T_CLIENT_NAMES);
}

/* ---- the request's memory ------------------------------------------------*/

/* n bytes, aligned to 16, freed by the server after the log step. */
static inline void *
et_alloc(et_req *r, size_t n)
{
    return r->http->alloc(r, n);
}

/* printf straight into the request's memory; a NUL follows the result.  Absent
 * without memory. */
ET_FMT_(2, 0)
static inline et_str
et_vprintf(et_req *r, const char *format, va_list ap)
{
    size_t cap = 0;
    char *p = r->http->reserve(r, 256, &cap);
    va_list again;
    int n;
    if (!p)
        return et_s(NULL);
    va_copy(again, ap);
    n = vsnprintf(p, cap, format, ap);
    if (n >= 0 && (size_t)n >= cap) {
        p = r->http->reserve(r, (size_t)n + 1, &cap);
        if (p)
            n = vsnprintf(p, cap, format, again);
    }
    va_end(again);
    if (!p || n < 0)
        return et_s(NULL);
    r->http->commit(r, (size_t)n + 1);
    return et_sn(p, (size_t)n);
}

ET_FMT_(2, 3)
static inline et_str
et_printf(et_req *r, const char *format, ...)
{
    va_list ap;
    et_str s;
    va_start(ap, format);
    s = et_vprintf(r, format, ap);
    va_end(ap);
    return s;
}

/* A copy that ends in NUL, for C functions that want one.  NULL without
 * memory, and when s holds a NUL itself: it would be cut there. */
static inline char *
et_cstr(et_req *r, et_str s)
{
    char *z = NULL;
    if (!s.n || !memchr(s.p, 0, s.n))
        z = (char *)et_alloc(r, s.n + 1);
    if (!z)
        return NULL;
    if (s.n)
        memcpy(z, s.p, s.n);
    z[s.n] = 0;
    return z;
}

/* ---- answering: header fields --------------------------------------------*/

/* Set (replace), add (append one more) or delete a field of the response;
 * both strings are copied.  0; ET_EINVAL for a name that is no token, a CR, LF,
 * NUL or other control byte in the value, or a field the server owns
 * (Content-Length, Connection ...); ET_ELIMIT for a value above 64 KiB;
 * ET_EPHASE once the answer is on its way. */
static inline int32_t
et_set(et_req *r, const char *name, et_str value)
{
    return r->http->set(r, et_s(name), value, ET_SET);
}

static inline int32_t
et_add(et_req *r, const char *name, et_str value)
{
    return r->http->set(r, et_s(name), value, ET_ADD);
}

/* n fields that need no copy, because their strings stay until the log step has
 * returned: an instance's, literals.  All of them or none. */
static inline int32_t
et_add_static(et_req *r, const et_field *fields, size_t n)
{
    return r->http->add(r, fields, n);
}

static inline int32_t
et_del(et_req *r, const char *name)
{
    return r->http->set(r, et_s(name), et_s(NULL), ET_DEL);
}

/* 1 if every byte of s may stand in a cookie's value (RFC 6265, 4.1.1). */
static inline int
et_is_cookie_value_(et_str s)
{
    size_t i;
    for (i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\",;\\", s.p[i]))
            return 0;
    return 1;
}

/* Add a Set-Cookie field.  attributes as in "Path=/; Max-Age=3600"; NULL: a
 * careful "Path=/; HttpOnly; SameSite=Lax", and Secure when the request came by
 * https.  An absent value deletes the cookie (Max-Age=0 is added).  ET_EINVAL
 * for a value with bytes a cookie cannot hold: et_url_escape it first. */
static inline int32_t
et_set_cookie(et_req *r, const char *name, et_str value, const char *attributes)
{
    const char *secure = "";
    et_str line;
    if (!*name || strpbrk(name, "=; \t") || !et_is_cookie_value_(value))
        return ET_EINVAL;
    if (!attributes) {
        attributes = "Path=/; HttpOnly; SameSite=Lax";
        secure = et_eq(r->scheme, et_s("https")) ? "; Secure" : "";
    }
    line = et_printf(r, "%s=%.*s%s%s%s%s", name, (int)value.n,
                     value.p ? value.p : "", *attributes ? "; " : "",
                     attributes, secure, value.p ? "" : "; Max-Age=0");
    return line.p ? et_add(r, "Set-Cookie", line) : ET_ENOMEM;
}

/* ---- answering -----------------------------------------------------------*/

/* All of these decide the response and return what the step returns:
 *
 *     return et_text(r, 200, "%zu bytes\n", et_body(r).n);
 *
 * Status 200..599.  Fields set before stay; an answer given before is
 * replaced.  The length, Date and connection fields are the server's. */

ET_FMT_(4, 0)
static inline uint32_t
et_vreply_(et_req *r, uint32_t status, const char *type, const char *format,
           va_list ap, uint32_t flags)
{
    const et_str s = et_vprintf(r, format, ap);
    if (!s.p)
        return ET_FAIL;
    return r->http->reply(r, status, et_s(type), s.p, s.n, flags);
}

/* Plain text, as printf. */
ET_FMT_(3, 4)
static inline uint32_t
et_text(et_req *r, uint32_t status, const char *format, ...)
{
    uint32_t result;
    va_list ap;
    va_start(ap, format);
    result = et_vreply_(r, status, "text/plain; charset=utf-8", format, ap, 0);
    va_end(ap);
    return result;
}

/* JSON, as printf; strings go through et_quote:
 *
 *     return et_json(r, 200, "{\"hello\":%s}", et_quote(r, name)); */
ET_FMT_(3, 4)
static inline uint32_t
et_json(et_req *r, uint32_t status, const char *format, ...)
{
    uint32_t result;
    va_list ap;
    va_start(ap, format);
    result = et_vreply_(r, status, "application/json", format, ap, 0);
    va_end(ap);
    return result;
}

/* HTML, as printf; what came from outside goes through et_html_escape. */
ET_FMT_(3, 4)
static inline uint32_t
et_html(et_req *r, uint32_t status, const char *format, ...)
{
    uint32_t result;
    va_list ap;
    va_start(ap, format);
    result = et_vreply_(r, status, "text/html; charset=utf-8", format, ap, 0);
    va_end(ap);
    return result;
}

/* An error the client is to see: a line of plain text, which the server (or a
 * plugin for error pages) may dress by what the client accepts. */
ET_FMT_(3, 4)
static inline uint32_t
et_error(et_req *r, uint32_t status, const char *format, ...)
{
    uint32_t result;
    va_list ap;
    va_start(ap, format);
    result = et_vreply_(r, status, "text/plain; charset=utf-8", format, ap,
                        ET_R_DRESS);
    va_end(ap);
    return result;
}

/* Bytes of any kind, copied; type "" sends no Content-Type. */
static inline uint32_t
et_bytes(et_req *r, uint32_t status, et_str type, et_str body)
{
    return r->http->reply(r, status, type, body.p, body.n, ET_R_COPY);
}

/* The same without a copy: body must live until the log step.  Right for
 * literals, an instance's memory, the request's own bytes and memory. */
static inline uint32_t
et_bytes_static(et_req *r, uint32_t status, et_str type, et_str body)
{
    return r->http->reply(r, status, type, body.p, body.n, 0);
}

/* n bytes of an open file from off on.  fd is the server's from here on. */
static inline uint32_t
et_file(et_req *r, uint32_t status, et_str type, int32_t fd, uint64_t off,
        uint64_t n)
{
    return r->http->reply_file(r, status, type, fd, off, n);
}

/* n pieces, one behind another: memory, and parts of files that stay open and
 * may be shared.
 *
 *     const et_piece two[] = {et_piece_mem(et_s("of 9 bytes: ")),
 *                             et_piece_file(fd, 100, 9)};
 *     return et_pieces(r, 200, et_s("text/plain"), two, 2);
 *
 * What they point to, and the fd, stay until the log step has returned, or
 * until the piece's release(arg) is called, if it is given one: exactly once,
 * even on failure. */
static inline uint32_t
et_pieces(et_req *r, uint32_t status, et_str type, const et_piece *pieces,
          size_t n)
{
    return r->http->reply_pieces(r, status, type, pieces, n);
}

static inline et_piece
et_piece_mem(et_str bytes)
{
    et_piece piece;
    memset(&piece, 0, sizeof piece);
    piece.p = bytes.n ? bytes.p : "";
    piece.n = bytes.n;
    piece.fd = -1;
    return piece;
}

/* n bytes of an open file from off on; it stays open. */
static inline et_piece
et_piece_file(int32_t fd, uint64_t off, uint64_t n)
{
    et_piece piece;
    memset(&piece, 0, sizeof piece);
    piece.fd = fd;
    piece.off = off;
    piece.n = n;
    return piece;
}

/* A status and nothing else: et_status(r, 204). */
static inline uint32_t
et_status(et_req *r, uint32_t status)
{
    return r->http->reply(r, status, et_s(""), "", 0, 0);
}

/* 301, 302, 303, 307 or 308 to another place; 500 if `to` cannot stand in a
 * header. */
static inline uint32_t
et_redirect(et_req *r, uint32_t status, et_str to)
{
    if (et_set(r, "Location", to) < 0)
        return et_fail(r, "redirect: not a header value");
    return et_status(r, status);
}

/* ---- answering piece by piece ---------------------------------------------*/

/* From a task:
 *
 *     if (et_begin(r, 200, "text/csv", ET_ANY_LENGTH) < 0)
 *         return ET_FAIL;
 *     while (next_row(&row))
 *         if (et_writef(r, "%d,%s\n", row.id, row.name) < 0)
 *             return ET_FAIL;
 *     return ET_DONE;
 *
 * Pieces are copied and go together; a writer waits while the client is behind.
 * Below 0: nobody takes any more, as in the other calls that wait.  What a step
 * returns instead of ET_DONE cuts the answer off. */

/* The status, the fields set so far and that media type (NULL or "": none) go,
 * once the response steps have seen them.  length: of all that will be written,
 * or ET_ANY_LENGTH. */
static inline int32_t
et_begin(et_req *r, uint32_t status, const char *type, uint64_t length)
{
    return r->worker->task->begin(r, status, et_s(type), length);
}

static inline int32_t
et_write(et_req *r, const void *p, size_t n)
{
    return r->worker->task->write(r, p, n);
}

/* A C string. */
static inline int32_t
et_puts(et_req *r, const char *text)
{
    return et_write(r, text, strlen(text));
}

/* printf.  Uses no memory of the request, so it may be called for ever. */
ET_FMT_(2, 3)
static inline int32_t
et_writef(et_req *r, const char *format, ...)
{
    char small[512], *p = small;
    int32_t rc = ET_EINVAL;
    va_list ap;
    int n;
    va_start(ap, format);
    n = vsnprintf(small, sizeof small, format, ap);
    va_end(ap);
    if (n >= (int)sizeof small) {
        p = (char *)malloc((size_t)n + 1);
        if (!p)
            return ET_ENOMEM;
        va_start(ap, format);
        n = vsnprintf(p, (size_t)n + 1, format, ap);
        va_end(ap);
    }
    if (n >= 0)
        rc = et_write(r, p, (size_t)n);
    if (p != small)
        free(p);
    return rc;
}

/* Wait until the kernel has all that is written. */
static inline int32_t
et_flush(et_req *r)
{
    return r->worker->task->flush(r);
}

/* A field behind the body. */
static inline int32_t
et_set_trailer(et_req *r, const char *name, et_str value)
{
    return r->worker->task->trailer(r, et_s(name), value);
}

/* In a response step: the body step is to see this answer's body.  0, or
 * ET_EPHASE, ET_ENOMEM. */
static inline int32_t
et_filter(et_req *r)
{
    return r->http->filter(r);
}

#if ET_NEED >= 1
/* In a request step of a GET without content: the same once more, for nobody,
 * from this step on, but for the n fields named in without.  0; or ET_EPHASE,
 * ET_ELIMIT, ET_ERETIRE, and there is none. */
static inline int32_t
et_repeat(et_req *r, const et_str *without, size_t n)
{
    return r->http->repeat(r, without, n);
}

/* This request is one that this step has asked for. */
static inline int
et_is_repeat(const et_req *r)
{
    return r->http->number(r, ET_N_REPEATED) == 1;
}

/* In a response step: bytes of the answer's body, or -1: nobody knows. */
static inline int64_t
et_answer_bytes(const et_req *r)
{
    return r->http->number(r, ET_N_ANSWER_BYTES);
}

/* In a response step: 0: no stack is left for who filters this answer, which
 * were 503 then; so who can do without leaves it as it is. */
static inline int
et_may_filter(const et_req *r)
{
    return r->http->number(r, ET_N_MAY_FILTER) != 0;
}

/* In a response step: the answer's body, where it is one span of memory, until
 * another answer is decided; else absent. */
static inline et_str
et_answer_body(const et_req *r)
{
    return r->http->answer_body(r);
}
#endif

/* In a body step: n bytes go on towards the client; flags: those that the step
 * was called with, in its last call of it. */
static inline int32_t
et_emit(et_req *r, const void *p, size_t n, uint32_t flags)
{
    return r->http->emit(r, p, n, flags);
}

#if ET_NEED >= 1
/* In a response step: the body step is to see this answer's body go by, as it
 * is: it emits nothing, and the length stays.  0, or ET_EPHASE, ET_ENOMEM. */
static inline int32_t
et_watch(et_req *r)
{
    return r->http->watch(r);
}

/* Field i of the response, from 0, but for Content-Type: 1; 0: no more.
 *
 *     for (i = 0; et_answer_field(r, i, &f); i++)
 *         ... f.name, f.value ... */
static inline int
et_answer_field(const et_req *r, uint32_t i, et_field *f)
{
    return r->http->answer_field(r, i, &f->name, &f->value) == 0;
}
#endif

/* ---- server-sent events (WHATWG HTML, 9.2) --------------------------------*/

/* From a task:
 *
 *     if (et_sse_begin(r) < 0)
 *         return ET_FAIL;
 *     while (rc == 0 && !et_retiring(r)) {
 *         et_event e = { et_s("tick"), et_s(NULL), et_s(text), 0 };
 *         rc = et_sse_send(r, &e);
 *         if (rc == 0)
 *             rc = et_sse_sleep(r, 1000);
 *     }
 *     return rc == 0 || rc == ET_ERETIRE ? ET_DONE : ET_FAIL;
 *
 * A browser that has lost its connection comes again, and says which event it
 * has seen last: et_sse_last_id. */

typedef struct et_event {
    et_str event;     /* its type; absent: "message" */
    et_str id;        /* absent: the last one stays */
    et_str data;      /* of any number of lines; absent: none is sent */
    int64_t retry_ms; /* the browser waits so long before it comes again; 0: as
                         it likes */
} et_event;

/* How often et_sse_sleep says that the connection is there. */
#define ET_SSE_KEEP_MS 15000u

static inline int32_t
et_sse_begin(et_req *r)
{
    if (et_set(r, "Cache-Control", et_s("no-store")) < 0 ||
        et_set(r, "X-Accel-Buffering", et_s("no")) < 0)
        return ET_EINVAL;
    return et_begin(r, 200, "text/event-stream", ET_ANY_LENGTH);
}

/* The id of the last event that this client has seen; absent: none. */
static inline et_str
et_sse_last_id(const et_req *r)
{
    return et_header(r, "Last-Event-ID");
}

/* 1 if s is one line. */
static inline int
et_is_line_(et_str s)
{
    return !s.n || (!memchr(s.p, '\n', s.n) && !memchr(s.p, '\r', s.n) &&
                    !memchr(s.p, 0, s.n));
}

/* "name: value" and the line's end; nothing if it is absent. */
static inline int32_t
et_sse_line_(et_req *r, const char *name, et_str value)
{
    int32_t rc = 0;
    if (!value.p)
        return 0;
    rc = et_puts(r, name);
    if (rc == 0)
        rc = et_write(r, value.p, value.n);
    return rc < 0 ? rc : et_puts(r, "\n");
}

/* Each line of the data, whichever way it ends. */
static inline int32_t
et_sse_data_(et_req *r, et_str data)
{
    int32_t rc = 0;
    for (;;) {
        size_t n = 0;
        while (n < data.n && data.p[n] != '\n' && data.p[n] != '\r')
            n++;
        rc = et_sse_line_(r, "data: ", et_sn(data.p, n));
        if (rc < 0 || n == data.n)
            return rc;
        n += n + 1 < data.n && data.p[n] == '\r' && data.p[n + 1] == '\n';
        data.p += n + 1;
        data.n -= n + 1;
    }
}

/* One event.  ET_EINVAL, and nothing is sent of it: a line's end or NUL in its
 * type or id. */
static inline int32_t
et_sse_send(et_req *r, const et_event *e)
{
    int32_t rc = 0;
    if (!et_is_line_(e->event) || !et_is_line_(e->id))
        return ET_EINVAL;
    if (e->retry_ms > 0)
        rc = et_writef(r, "retry: %lld\n", (long long)e->retry_ms);
    if (rc == 0)
        rc = et_sse_line_(r, "event: ", e->event);
    if (rc == 0)
        rc = et_sse_line_(r, "id: ", e->id);
    if (rc == 0 && e->data.p)
        rc = et_sse_data_(r, e->data);
    if (rc == 0)
        rc = et_puts(r, "\n");
    return rc < 0 ? rc : et_flush(r);
}

/* A comment, which nobody sees, so that nobody in between takes the connection
 * for dead. */
static inline int32_t
et_sse_ping(et_req *r)
{
    const int32_t rc = et_puts(r, ":\n\n");
    return rc < 0 ? rc : et_flush(r);
}

/* et_sleep, and a ping every ET_SSE_KEEP_MS. */
static inline int32_t
et_sse_sleep(et_req *r, uint64_t ms)
{
    int32_t rc = 0;
    while (rc == 0 && ms > ET_SSE_KEEP_MS) {
        rc = et_sleep(r, ET_SSE_KEEP_MS);
        if (rc == 0)
            rc = et_sse_ping(r);
        ms -= ET_SSE_KEEP_MS;
    }
    return rc < 0 ? rc : et_sleep(r, ms);
}

/* ---- escaping ------------------------------------------------------------*/

/* These return NUL-terminated strings in the request's memory, for "%s".
 * Without memory they return "" and the answer will be 500. */

/* How many of the n > 0 bytes at p are one well-formed UTF-8 sequence; else
 * 0. */
static inline size_t
et_utf8_(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t k, i;
    if (u[0] < 0x80)
        return 1;
    k = u[0] >= 0xc2 && u[0] <= 0xdf   ? 2
        : (u[0] & 0xf0) == 0xe0        ? 3
        : u[0] >= 0xf0 && u[0] <= 0xf4 ? 4
                                       : 0;
    if (!k || k > n)
        return 0;
    for (i = 1; i < k; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
        (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
        return 0; /* overlong, surrogate, above U+10FFFF */
    return k;
}

/* The character (code point) at the front of s, which moves behind it; -1: s is
 * empty, or goes on with no UTF-8 (RFC 3629), and stays. */
static inline int32_t
et_next_char(et_str *s)
{
    const size_t k = s->n > 0 ? et_utf8_(s->p, s->n) : 0;
    int32_t c;
    size_t i;
    if (k == 0)
        return -1;
    c = (unsigned char)s->p[0];
    if (k > 1)
        c &= 0x7f >> k;
    for (i = 1; i < k; i++)
        c = c << 6 | (s->p[i] & 0x3f);
    s->p += k;
    s->n -= k;
    return c;
}

/* The escape of the byte at *s for JSON in e (or the bytes as they are), and
 * *s moved behind them; how many bytes it is. */
static inline size_t
et_quote_one_(char e[8], et_str *s)
{
    static const char hex[] = "0123456789abcdef";
    const char *special = "\"\\\b\f\n\r\t", *letter = "\"\\bfnrt";
    const char *hit = s->p[0] ? strchr(special, s->p[0]) : NULL;
    const size_t used = et_utf8_(s->p, s->n);
    size_t n = 2;
    e[0] = '\\';
    if (hit) {
        e[1] = letter[hit - special];
    } else if (!used) {
        memcpy(e, "\xef\xbf\xbd", n = 3); /* U+FFFD */
    } else if ((unsigned char)s->p[0] < 0x20) {
        memcpy(e, "\\u00", 4);
        e[4] = hex[s->p[0] >> 4];
        e[5] = hex[s->p[0] & 15];
        n = 6;
    } else {
        memcpy(e, s->p, n = used);
    }
    s->p += used ? used : 1;
    s->n -= used ? used : 1;
    return n;
}

/* The same for HTML text and attributes. */
static inline size_t
et_html_one_(char e[8], et_str *s)
{
    const char c = s->p[0];
    const char *t = c == '&'    ? "&amp;"
                    : c == '<'  ? "&lt;"
                    : c == '>'  ? "&gt;"
                    : c == '"'  ? "&quot;"
                    : c == '\'' ? "&#39;"
                    : !c        ? "\xef\xbf\xbd"
                                : NULL;
    const size_t n = t ? strlen(t) : 1;
    memcpy(e, t ? t : &c, n);
    s->p++;
    s->n--;
    return n;
}

/* The same for a URL: all but letters, digits and -._~ become %XX. */
static inline size_t
et_url_one_(char e[8], et_str *s)
{
    static const char hex[] = "0123456789ABCDEF";
    const unsigned char c = (unsigned char)s->p[0];
    const unsigned char low = (unsigned char)(c | 0x20);
    s->p++;
    s->n--;
    e[0] = (char)c;
    if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
        (c && strchr("-._~", (char)c)))
        return 1;
    e[0] = '%';
    e[1] = hex[c >> 4];
    e[2] = hex[c & 15];
    return 3;
}

/* s through one of the three, with `edge` before and after it. */
static inline const char *
et_escape_(et_req *r, et_str s, const char *edge,
           size_t (*one)(char e[8], et_str *s))
{
    const size_t edge_len = strlen(edge);
    size_t n = 2 * edge_len;
    et_str rest = s;
    char e[8], *out, *at;
    while (rest.n)
        n += one(e, &rest);
    at = out = (char *)et_alloc(r, n + 1);
    if (!out)
        return "";
    memcpy(at, edge, edge_len);
    at += edge_len;
    while (s.n) {
        n = one(e, &s);
        memcpy(at, e, n);
        at += n;
    }
    memcpy(at, edge, edge_len + 1);
    return out;
}

/* A JSON string with its quotes.  Bytes that are no UTF-8 become U+FFFD. */
static inline const char *
et_quote(et_req *r, et_str s)
{
    return et_escape_(r, s, "\"", et_quote_one_);
}

/* The same without a request: into cap >= 2 bytes at out, no NUL.  What does
 * not fit is left out at a whole character, so the result is always a JSON
 * string.  Returns its length.  [any] */
static inline size_t
et_quote_to(char *out, size_t cap, et_str s)
{
    size_t n = 1, k;
    char e[8];
    out[0] = '"';
    while (s.n) {
        k = et_quote_one_(e, &s);
        if (n + k + 1 > cap)
            break;
        memcpy(out + n, e, k);
        n += k;
    }
    out[n] = '"';
    return n + 1;
}

/* Safe as HTML text and inside a quoted attribute. */
static inline const char *
et_html_escape(et_req *r, et_str s)
{
    return et_escape_(r, s, "", et_html_one_);
}

/* Safe as one path segment, query key or query value. */
static inline const char *
et_url_escape(et_req *r, et_str s)
{
    return et_escape_(r, s, "", et_url_one_);
}

#endif
