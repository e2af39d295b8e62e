/* SPDX-License-Identifier: BSD-2-Clause */
/* etude.hpp - what a plugin in C++ wants on top of etude.h.
 *
 *     #include <etude.hpp>
 *
 *     struct counter {
 *         explicit counter(et_worker *, const void *options) ...
 *         std::map<std::string, int> seen;
 *     };
 *     ET_STATE(counter, et::state<counter>::init, et::state<counter>::exit);
 *
 *     ET_GET("/seen/:name", seen)
 *     {
 *         return et::guard(r, [&] {
 *             auto &c = *static_cast<counter *>(self);
 *             const int n = ++c.seen.at(et::str(et_param(r, "name")));
 *             return et_text(r, 200, "%d\n", n);
 *         });
 *     }
 *
 * One rule makes all of it necessary: nothing may be thrown into the server.
 * guard turns what a step throws into a 500 with the reason in the log; state
 * and instance turn what a constructor throws into a refused load.  C++11,
 * exceptions on, no symbol of the server.
 *
 * Compile with -fno-gnu-unique and keep objects with constructors out of static
 * storage: what is static survives the replacement of the plugin. */
#ifndef ETUDE_HPP
#define ETUDE_HPP

#include <exception>
#include <new>
#include <string>
#include <type_traits>

#include "etude.h"

namespace et
{

/* An owned copy; absent becomes empty.  May throw. [any] */
inline std::string
str(et_str s)
{
    return s.n ? std::string(s.p, s.n) : std::string();
}

/* A view of a string that lives long enough. [any] */
inline et_str
view(const std::string &s)
{
    return et_sn(s.data(), s.size());
}

/* Return what f() returns; if it throws, log that and return ET_FAIL.
 * [worker] */
template <class F>
uint32_t
guard(et_req *r, F &&f) noexcept
{
    try {
        return f();
    } catch (const std::exception &e) {
        return et_fail(r, "exception: %s", e.what());
    } catch (...) {
        return et_fail(r, "exception of an unknown type");
    }
}

/* The same for callbacks that return 0 or ET_E* and explain themselves in e:
 * check, open, init, load. */
template <class F>
int32_t
guard(et_err *e, F &&f) noexcept
{
    try {
        return f();
    } catch (const std::exception &x) {
        return et_seterr(e, "exception: %s", x.what());
    } catch (...) {
        return et_seterr(e, "exception of an unknown type");
    }
}

namespace detail
{

/* T(context, from) if there is such a constructor, else T(). */
template <class T, class C>
void
make(void *at, C *context, const void *from, std::true_type)
{
    new (at) T(context, from);
}

template <class T, class C>
void
make(void *at, C *, const void *, std::false_type)
{
    new (at) T();
}

template <class T, class C>
int32_t
construct(void *at, C *context, const void *from, et_err *e) noexcept
{
    return guard(e, [&]() -> int32_t {
        make<T>(at, context, from,
                std::is_constructible<T, C *, const void *>());
        return 0;
    });
}

} // namespace detail

/* The two functions ET_STATE wants, for a class: T(et_worker *, const void
 * *from) or T(), and its destructor, which must not throw. [worker] */
template <class T> struct state {
    static_assert(alignof(T) <= 64, "the server aligns states to 64 bytes");

    static int32_t init(et_worker *w, const void *from, void *state, et_err *e)
    {
        return detail::construct<T>(state, w, from, e);
    }

    static void exit(et_worker *, void *state)
    {
        static_cast<T *>(state)->~T();
    }
};

/* The two functions ET_INSTANCE wants: T(et_conf *, const void *options) or
 * T(), and its destructor. [control] */
template <class T> struct instance {
    static_assert(alignof(T) <= 16, "the server aligns instances to 16 bytes");

    static int32_t open(et_conf *c, const void *options, void *inst, et_err *e)
    {
        return detail::construct<T>(inst, c, options, e);
    }

    static void close(void *inst)
    {
        static_cast<T *>(inst)->~T();
    }
};

} // namespace et

#endif
