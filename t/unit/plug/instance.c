/* SPDX-License-Identifier: BSD-2-Clause */
/* instance.c - one section's objects: made in order, undone in reverse, and
 * what is said when a step of that fails.
 *
 * The plugin is a table of functions of this file: nothing is loaded. */
/* tags: asan */
/* ldflags: -Wl,--wrap=plugin_ref,--wrap=plugin_unref */
/* ldflags: -Wl,--wrap=malloc,--wrap=calloc,--wrap=aligned_alloc */
#include "plug/instance.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plug/plugin.h"
#include "t/lib/unit.h"

static int n_held;          /* references to the plugin */
static int fail_at = -1;    /* the allocation that fails; -1: none */
static int32_t open_result; /* what open and init return */
static const char *refusal; /* and say */
static char said[64], happened[128];

struct plugin *__wrap_plugin_ref(struct plugin *p);
void __wrap_plugin_unref(struct plugin *p);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

struct plugin *
__wrap_plugin_ref(struct plugin *p)
{
    n_held++;
    return p;
}

void
__wrap_plugin_unref(struct plugin *p)
{
    (void)p;
    n_held--;
}

static int
fails(void)
{
    return fail_at >= 0 && fail_at-- == 0;
}

void *
__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(align, n);
}

/* ---- the plugin -------------------------------------------------------*/

static void
note(const char *what)
{
    strcat(happened, what);
    strcat(happened, " ");
}

static int32_t
outcome(et_err *e)
{
    if (refusal) {
        e->n = strlen(refusal);
        memcpy(e->p, refusal, e->n < e->cap ? e->n : e->cap);
    }
    return open_result;
}

static int32_t
on_open(et_conf *c, const void *options, void *inst, et_err *e)
{
    note("open");
    ck_assert_ptr_null(options);
    ck_assert_uint_eq(c->n_workers, 2);
    memset(inst, 'i', 100);
    return outcome(e);
}

static void
on_close(void *inst)
{
    note("close");
    ck_assert_int_eq(*(const char *)inst, 'i');
}

static int32_t
on_init(et_worker *w, const void *from, void *state, et_err *e)
{
    note(w->index ? "init1" : "init0");
    ck_assert_ptr_nonnull(instance_speaking());
    ck_assert_str_eq(instance_speaking(), "limit@users");
    ck_assert_int_eq(*(const char *)from, 'i');
    ck_assert_uint_eq((uintptr_t)state % 64, 0);
    ck_assert_int_eq(*(const char *)state, 0);
    memset(state, 's', 70);
    return outcome(e);
}

static void
on_exit_of(et_worker *w, void *state)
{
    note(w->index ? "exit1" : "exit0");
    ck_assert_str_eq(instance_speaking(), "limit@users");
    ck_assert_int_eq(*(const char *)state, 's');
}

static const et_instancedef instance_def = {
    .inst_size = 100, .open = on_open, .close = on_close};
static const et_statedef state_def = {
    .state_size = 70, .init = on_init, .exit = on_exit_of};
static struct plugin plugin = {.instance = &instance_def, .state = &state_def};
static struct plugin bare;

/* An object that needs memory of its own. */
static const et_instancedef large_def = {
    .inst_size = 1 << 20, .open = on_open, .close = on_close};
static struct plugin large = {.instance = &large_def, .state = &state_def};

static struct instance *
make(struct plugin *p)
{
    return instance_new(p, "limit", "users", 2, NULL);
}

/* ---- the tests --------------------------------------------------------*/

START_TEST(it_is_made_in_order_and_undone_in_reverse)
{
    struct instance *i = make(&plugin);
    et_worker w[2] = {{.index = 0}, {.index = 1}};

    ck_assert_ptr_nonnull(i);
    ck_assert_str_eq(i->name, "limit@users");
    ck_assert_int_eq(instance_open(i, said, sizeof said), 0);
    ck_assert_int_eq(instance_hold(i, &w[0], said, sizeof said), 0);
    ck_assert_int_eq(instance_hold(i, &w[1], said, sizeof said), 0);
    ck_assert_ptr_null(instance_speaking());
    ck_assert_ptr_ne(instance_self(i, 0), instance_self(i, 1));
    ck_assert_ptr_eq(instance_ref(i), i);
    instance_unref(i);
    instance_drop(i, &w[1]);
    instance_drop(i, &w[0]);
    ck_assert_ptr_null(instance_speaking());
    instance_unref(i);
    ck_assert_str_eq(happened, "open init0 init1 exit1 exit0 close ");
    ck_assert_int_eq(n_held, 0);
}
END_TEST

START_TEST(what_declares_nothing_is_given_its_options)
{
    struct instance *i = make(&bare);
    et_worker w = {.index = 0};
    int options;

    i->options = &options;
    ck_assert_int_eq(instance_open(i, said, sizeof said), 0);
    ck_assert_int_eq(instance_hold(i, &w, said, sizeof said), 0);
    ck_assert_ptr_eq(instance_self(i, 0), &options);
    instance_drop(i, &w);
    instance_unref(i);
    ck_assert_int_eq(n_held, 0);
}
END_TEST

/* What open failed to make is not closed. */
START_TEST(a_refusal_says_why_or_that_it_did_not)
{
    struct instance *i = make(&plugin);
    et_worker w = {.index = 0};
    char narrow[8];

    open_result = ET_EINVAL;
    ck_assert_int_eq(instance_open(i, said, sizeof said), ET_EINVAL);
    ck_assert_str_eq(said, "its open() failed without saying why");
    refusal = "no such table";
    ck_assert_int_eq(instance_open(i, said, sizeof said), ET_EINVAL);
    ck_assert_str_eq(said, "no such table");
    refusal = "seven b";
    ck_assert_int_eq(instance_open(i, narrow, sizeof narrow), ET_EINVAL);
    ck_assert_str_eq(narrow, "seven b");
    open_result = 0;
    refusal = NULL;
    ck_assert_int_eq(instance_open(i, said, sizeof said), 0);
    open_result = ET_EINVAL;
    ck_assert_int_eq(instance_hold(i, &w, said, sizeof said), ET_EINVAL);
    ck_assert_str_eq(said, "its worker init failed without saying why");
    ck_assert_ptr_null(instance_self(i, 0));
    ck_assert_ptr_null(instance_speaking());
    instance_unref(i);
    ck_assert_str_eq(happened, "open open open open init0 close ");
}
END_TEST

START_TEST(without_memory_at_any_point_it_is_as_before)
{
    struct instance *i = NULL;
    et_worker w = {.index = 0};
    int n;

    for (n = 0; !i; n++) {
        fail_at = n;
        i = make(&large);
        ck_assert_int_eq(n_held, i != NULL);
    }
    ck_assert_int_ge(n, 3); /* itself, its states, its arena */
    fail_at = 0;
    ck_assert_int_eq(instance_open(i, said, sizeof said), ET_ENOMEM);
    ck_assert_str_eq(said, "out of memory");
    fail_at = 0;
    ck_assert_int_eq(instance_hold(i, &w, said, sizeof said), ET_ENOMEM);
    ck_assert_str_eq(said, "out of memory");
    ck_assert_ptr_null(instance_self(i, 0));
    fail_at = -1;
    instance_unref(i);
    ck_assert_str_eq(happened, "");
    ck_assert_int_eq(n_held, 0);
}
END_TEST

UNIT_MAIN(instance, it_is_made_in_order_and_undone_in_reverse,
          what_declares_nothing_is_given_its_options,
          a_refusal_says_why_or_that_it_did_not,
          without_memory_at_any_point_it_is_as_before)
