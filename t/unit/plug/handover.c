/* SPDX-License-Identifier: BSD-2-Clause */
/* handover.c - states held by several generations, and handed over. */
/* tags: asan */
#include "plug/instance.h"

#include <string.h>

#include "plug/plugin.h"
#include "t/lib/unit.h"

struct counter {
    uint64_t n;
    char tail[100];
};

static int n_inits, n_exits, init_fails_at, load_fails, save_fails;
static uint32_t loaded_version;
static et_worker workers[2] = {{.index = 0, .n_workers = 2},
                               {.index = 1, .n_workers = 2}};

static int32_t
on_init(et_worker *w, const void *from, void *state, et_err *e)
{
    (void)w;
    (void)from;
    ck_assert_uint_eq((uintptr_t)state % 64, 0);
    ck_assert_uint_eq(((struct counter *)state)->n, 0);
    if (++n_inits != init_fails_at)
        return 0;
    e->n = 4;
    memcpy(e->p, "full", 4);
    return ET_ENOMEM;
}

static void
on_end(et_worker *w, void *state)
{
    (void)w;
    (void)state;
    n_exits++;
}

static int32_t
on_save(et_worker *w, const void *state, void *out,
        int32_t (*put)(void *out, const void *p, size_t n))
{
    const struct counter *c = state;
    static const char filling[1 << 20];

    (void)w;
    if (save_fails == 1)
        return ET_EINVAL;
    for (int i = 0; save_fails >= 2 && i <= 16; i++) {
        int32_t rc = put(out, filling, sizeof filling - 1);
        if (rc < 0 && save_fails == 2)
            return rc;
    }
    return put(out, &c->n, sizeof c->n);
}

static int32_t
on_load(et_worker *w, void *state, uint32_t version, const void *p, size_t n,
        et_err *e)
{
    struct counter *c = state;

    (void)w;
    ck_assert_uint_eq(n, sizeof c->n);
    loaded_version = version;
    memcpy(&c->n, p, n);
    if (!load_fails && version == 7)
        return 0;
    e->n = 3;
    memcpy(e->p, "old", 3);
    return ET_EINVAL;
}

static const et_statedef with_state = {.state_size = sizeof(struct counter),
                                       .version = 7,
                                       .init = on_init,
                                       .exit = on_end,
                                       .save = on_save,
                                       .load = on_load};

static struct instance *
new_instance(struct plugin *p, const et_statedef *def)
{
    struct instance *i;

    *p = (struct plugin){.magic = PLUGIN_MAGIC, .n_refs = 1, .state = def};
    i = instance_new(p, "limit", NULL, 2, NULL);
    ck_assert_ptr_nonnull(i);
    return i;
}

static struct counter *
state_of(const struct instance *i, uint32_t worker)
{
    return instance_self(i, worker);
}

START_TEST(the_first_makes_and_the_last_ends)
{
    struct plugin p;
    struct instance *i = new_instance(&p, &with_state);
    char why[64] = "";

    ck_assert_int_eq(instance_hold(i, &workers[1], why, sizeof why), 0);
    ck_assert_ptr_null(instance_self(i, 0));
    ck_assert_ptr_nonnull(instance_self(i, 1));
    ck_assert_int_eq(instance_hold(i, &workers[1], why, sizeof why), 0);
    ck_assert_int_eq(n_inits, 1);
    instance_drop(i, &workers[1]);
    ck_assert_int_eq(n_exits, 0);
    ck_assert_ptr_nonnull(instance_self(i, 1));
    instance_drop(i, &workers[1]);
    ck_assert_int_eq(n_exits, 1);
    ck_assert_ptr_null(instance_self(i, 1));
    instance_unref(i);
}
END_TEST

START_TEST(an_init_that_fails_holds_nothing)
{
    struct plugin p;
    struct instance *i = new_instance(&p, &with_state);
    char why[64] = "";

    init_fails_at = 1;
    ck_assert_int_eq(instance_hold(i, &workers[0], why, sizeof why), ET_ENOMEM);
    ck_assert_str_eq(why, "full");
    ck_assert_int_eq(n_exits, 0);
    ck_assert_int_eq(instance_hold(i, &workers[0], why, sizeof why), 0);
    instance_drop(i, &workers[0]);
    ck_assert_int_eq(n_exits, 1);
    instance_unref(i);
}
END_TEST

/* Two instances on worker 0; the old one has counted 5. */
static void
two(struct plugin p[2], struct instance *i[2])
{
    char why[64];

    for (int k = 0; k < 2; k++) {
        i[k] = new_instance(&p[k], &with_state);
        ck_assert_int_eq(instance_hold(i[k], &workers[0], why, sizeof why), 0);
    }
    state_of(i[0], 0)->n = 5;
}

/* Both, and the new one has taken over what the old one had by then. */
static void
heir(struct plugin p[2], struct instance *i[2])
{
    char why[64] = "";

    two(p, i);
    ck_assert_int_eq(instance_inherit(i[1], i[0], &workers[0], why, sizeof why),
                     INSTANCE_TAKEN);
}

static void
give_back(struct instance *i[2])
{
    instance_drop(i[0], &workers[0]);
    instance_unref(i[0]);
    instance_unref(i[1]);
}

START_TEST(a_state_is_handed_over)
{
    struct plugin p[2];
    struct instance *i[2];

    heir(p, i);
    ck_assert_uint_eq(state_of(i[1], 0)->n, 5);
    ck_assert_uint_eq(state_of(i[0], 0)->n, 5);
    instance_drop(i[1], &workers[0]);
    give_back(i);
}
END_TEST

START_TEST(who_can_be_given_a_state)
{
    et_statedef silent = with_state, deaf = with_state;
    struct plugin p[2];
    struct instance *i[2];

    two(p, i);
    p[0].desc.id = "org.one";
    p[1].desc.id = "org.two";
    ck_assert_str_eq(instance_is_no_heir(i[1], i[0]),
                     "it was of another plugin before");
    p[1].desc.id = "org.one";
    ck_assert_ptr_null(instance_is_no_heir(i[1], i[0]));
    silent.save = NULL;
    deaf.load = NULL;
    p[0].state = &silent;
    ck_assert_str_eq(instance_is_no_heir(i[1], i[0]),
                     "its build before saves no state");
    p[0].state = &with_state;
    p[1].state = &deaf;
    ck_assert_str_eq(instance_is_no_heir(i[1], i[0]),
                     "this build of it takes no state");
    p[1].state = NULL;
    ck_assert_ptr_nonnull(instance_is_no_heir(i[1], i[0]));
    p[1].state = &with_state;
    instance_drop(i[1], &workers[0]);
    give_back(i);
}
END_TEST

START_TEST(what_was_counted_meanwhile_is_handed_over_too)
{
    struct plugin p[2];
    struct instance *i[2];
    char why[64] = "";

    heir(p, i);
    state_of(i[0], 0)->n = 8;
    ck_assert_int_eq(
        instance_catch_up(i[1], i[0], &workers[0], why, sizeof why), 0);
    ck_assert_uint_eq(state_of(i[1], 0)->n, 8);
    /* It serves now: what the old one still counts is its own. */
    state_of(i[0], 0)->n = 9;
    ck_assert_int_eq(
        instance_catch_up(i[1], i[0], &workers[0], why, sizeof why), 0);
    ck_assert_uint_eq(state_of(i[1], 0)->n, 8);
    instance_drop(i[1], &workers[0]);
    give_back(i);
}
END_TEST

START_TEST(who_has_not_taken_a_state_is_not_asked_again)
{
    struct plugin p[2];
    struct instance *i[2];
    char why[64] = "";

    two(p, i);
    load_fails = 1;
    ck_assert_int_eq(instance_inherit(i[1], i[0], &workers[0], why, sizeof why),
                     INSTANCE_NOT_TAKEN);
    load_fails = 0;
    ck_assert_int_eq(
        instance_catch_up(i[1], i[0], &workers[0], why, sizeof why), 0);
    ck_assert_uint_eq(state_of(i[1], 0)->n, 0);
    instance_drop(i[1], &workers[0]);
    give_back(i);
}
END_TEST

START_TEST(what_fails_at_the_last_moment_is_told)
{
    struct plugin p[2];
    struct instance *i[2];
    char why[64] = "";

    heir(p, i);
    state_of(i[0], 0)->n = 8;
    save_fails = 1;
    ck_assert_int_lt(
        instance_catch_up(i[1], i[0], &workers[0], why, sizeof why), 0);
    ck_assert_str_eq(why, "its state could not be saved (-4)");
    ck_assert_uint_eq(state_of(i[1], 0)->n, 5);
    ck_assert_int_eq(n_exits, 0);
    instance_drop(i[1], &workers[0]);
    give_back(i);
}
END_TEST

START_TEST(what_is_not_taken_leaves_a_fresh_state)
{
    static const struct {
        int load, save;
        const char *why;
    } rows[] = {
        {1, 0, "old"},
        {0, 1, "its state could not be saved (-4)"},
        {0, 2, "its state is larger than 16 MiB"}, /* beyond the bound */
        {0, 3, "its state is larger than 16 MiB"}, /* and does not tell */
    };
    struct plugin p[2];
    struct instance *i[2];
    char why[64] = "";

    two(p, i);
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        load_fails = rows[k].load;
        save_fails = rows[k].save;
        ck_assert_int_eq(
            instance_inherit(i[1], i[0], &workers[0], why, sizeof why),
            INSTANCE_NOT_TAKEN);
        ck_assert_str_eq(why, rows[k].why);
        ck_assert_uint_eq(state_of(i[1], 0)->n, 0);
    }
    ck_assert_int_eq(n_inits, 3);
    ck_assert_int_eq(n_exits, 1); /* the half loaded one */
    instance_drop(i[1], &workers[0]);
    give_back(i);
}
END_TEST

/* It is told in which layout the old one saves, whatever its own is. */
START_TEST(the_layout_is_that_of_who_saved_it)
{
    et_statedef other = with_state;
    struct plugin p[2];
    struct instance *i[2];
    char why[64] = "";

    two(p, i);
    p[0].state = &other;
    for (other.version = 6; other.version <= 8; other.version += 2) {
        ck_assert_int_eq(
            instance_inherit(i[1], i[0], &workers[0], why, sizeof why),
            INSTANCE_NOT_TAKEN);
        ck_assert_uint_eq(loaded_version, other.version);
        ck_assert_str_eq(why, "old");
        ck_assert_uint_eq(state_of(i[1], 0)->n, 0);
    }
    instance_drop(i[1], &workers[0]);
    give_back(i);
}
END_TEST

START_TEST(a_second_init_that_fails_lets_go)
{
    struct plugin p[2];
    struct instance *i[2];
    char why[64] = "";

    two(p, i);
    load_fails = 1;
    init_fails_at = 3;
    ck_assert_int_eq(instance_inherit(i[1], i[0], &workers[0], why, sizeof why),
                     ET_ENOMEM);
    ck_assert_str_eq(why, "full");
    ck_assert_ptr_null(instance_self(i[1], 0));
    give_back(i);
    ck_assert_int_eq(n_exits, 2);
}
END_TEST

/* ---- what is lent to a state ---------------------------------------------*/

static struct instance_loan loans[2];
static int n_given_back;

static void
on_given_back(struct instance_loan *l)
{
    ck_assert_ptr_eq(l, &loans[1 - n_given_back]); /* the newest first */
    n_given_back++;
}

static int32_t
borrow(et_worker *w, const void *from, void *state, et_err *e)
{
    ck_assert_ptr_nonnull(instance_in_init());
    n_given_back = 0;
    for (int i = 0; i < 2; i++) {
        loans[i].give_back = on_given_back;
        instance_lend(&loans[i]);
    }
    return on_init(w, from, state, e);
}

static void
end_with_loans(et_worker *w, void *state)
{
    ck_assert_ptr_null(instance_in_init());
    ck_assert_int_eq(n_given_back, 0);
    on_end(w, state);
}

static const et_statedef with_loans = {.state_size = sizeof(struct counter),
                                       .init = borrow,
                                       .exit = end_with_loans};

START_TEST(what_is_lent_comes_back_behind_the_exit_or_a_failed_init)
{
    struct plugin p;
    struct instance *i = new_instance(&p, &with_loans);
    char why[64] = "";

    ck_assert_ptr_null(instance_in_init());
    init_fails_at = 1;
    ck_assert_int_eq(instance_hold(i, &workers[0], why, sizeof why), ET_ENOMEM);
    ck_assert_int_eq(n_given_back, 2);
    for (int held = 0; held < 2; held++)
        ck_assert_int_eq(instance_hold(i, &workers[0], why, sizeof why), 0);
    instance_drop(i, &workers[0]);
    ck_assert_int_eq(n_given_back, 0);
    instance_drop(i, &workers[0]);
    ck_assert_int_eq(n_given_back, 2);
    instance_unref(i);
}
END_TEST

UNIT_MAIN(handover, the_first_makes_and_the_last_ends,
          an_init_that_fails_holds_nothing, a_state_is_handed_over,
          who_can_be_given_a_state,
          what_was_counted_meanwhile_is_handed_over_too,
          who_has_not_taken_a_state_is_not_asked_again,
          what_fails_at_the_last_moment_is_told,
          what_is_not_taken_leaves_a_fresh_state,
          the_layout_is_that_of_who_saved_it, a_second_init_that_fails_lets_go,
          what_is_lent_comes_back_behind_the_exit_or_a_failed_init)
