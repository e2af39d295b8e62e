/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* store.c - the store: what is kept and thrown out, memory, purges. */
#define _GNU_SOURCE
#include "plugins/cache/store.h"
#include "plugins/cache/t/keys.h"
#include "t/lib/unit.h"

static struct store store;

static struct entry *
make(const char *target, const char *selected, size_t body)
{
    static const char zeros[1 << 16];
    char room[256];
    const struct key k = key_of(room, "x", target);
    struct head h;
    struct entry *e;

    memset(&h, 0, sizeof h);
    h.key = &k;
    h.status = 200;
    h.vary = et_s(*selected ? "a," : "");
    h.selected = et_s(selected);
    e = store_new(&store, &h);
    if (e && body && store_append(&store, e, zeros, body) < 0) {
        store_unref(e);
        return NULL;
    }
    return e;
}

static int
keep(const char *target, const char *selected, size_t body)
{
    struct entry *e = make(target, selected, body);

    if (!e)
        return -1;
    store_keep(&store, e);
    store_unref(e);
    return 0;
}

static struct entry *
find(const char *target)
{
    char room[256];
    const struct key k = key_of(room, "x", target);

    return store_find(&store, &k, NULL);
}

START_TEST(what_is_kept_is_found_and_counted)
{
    ck_assert_int_eq(store_init(&store, 1 << 20, 4), 0);
    ck_assert_int_eq(keep("/a", "", 10), 0);
    ck_assert_int_eq(keep("/b", "", 0), 0);
    ck_assert_ptr_nonnull(find("/a"));
    ck_assert_uint_eq(find("/a")->body_n, 10);
    ck_assert_uint_eq(find("/a")->body_cap, 10);
    ck_assert_ptr_null(find("/c"));
    ck_assert_uint_eq(store.n, 2);
    ck_assert_uint_eq(store.bytes, find("/a")->bytes + find("/b")->bytes);
    ck_assert_uint_eq(store.kept, store.bytes);
    ck_assert_int_eq(keep("/a", "", 20), 0); /* instead */
    ck_assert_uint_eq(store.n, 2);
    ck_assert_uint_eq(find("/a")->body_n, 20);
    store_drop(&store, find("/a"));
    store_drop(&store, find("/b"));
    ck_assert_uint_eq(store.n + store.bytes + store.kept, 0);
    store_fini(&store);
}
END_TEST

START_TEST(the_variants_of_one_key_are_bounded)
{
    char room[256];
    const struct key k = key_of(room, "x", "/a");

    ck_assert_int_eq(store_init(&store, 1 << 20, 3), 0);
    ck_assert_int_eq(keep("/b", "", 0), 0);
    for (char c = 'a'; c < 'k'; c++)
        ck_assert_int_eq(keep("/a", (char[2]){c, 0}, 1), 0);
    ck_assert_uint_eq(store.n, 4);
    ck_assert(et_eq(find("/a")->selected, et_s("j")));
    ck_assert_int_eq(keep("/a", "i", 1), 0); /* is there already */
    ck_assert_uint_eq(store.n, 4);
    ck_assert_uint_eq(store_drop_key(&store, &k), 3);
    ck_assert_ptr_nonnull(find("/b"));
    store_fini(&store);
}
END_TEST

/* What may be thrown out is; what is held, or comes, may take half. */
START_TEST(bytes_never_exceed_what_there_may_be)
{
    struct entry *held[64];
    char target[16];
    size_t n = 0;

    ck_assert_int_eq(store_init(&store, 1 << 16, 4), 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(target, sizeof target, "/%d", i);
        ck_assert_int_eq(keep(target, "", (size_t)(i * 37 % 3000)), 0);
        ck_assert_uint_le(store.bytes, 1 << 16);
    }
    ck_assert_uint_gt(store.evictions, 0);
    while (n < 64 && (held[n] = make("/held", "", 2000)))
        n++;
    ck_assert_uint_lt(n, 64);
    ck_assert_uint_gt(n, 8);
    ck_assert_uint_le(store.bytes - store.kept, 1 << 15);
    ck_assert_uint_gt(store.n, 0); /* nobody has emptied it */
    ck_assert_uint_le(store.bytes, 1 << 16);
    while (n > 0)
        store_unref(held[--n]);
    ck_assert_uint_eq(store.bytes, store.kept);
    ck_assert_ptr_null(make("/large", "", 40000));
    ck_assert_uint_eq(store.bytes, store.kept);
    store_fini(&store);
    ck_assert_uint_eq(store.bytes, 0);
}
END_TEST

START_TEST(what_is_thrown_out_stays_for_who_holds_it)
{
    struct entry *e;

    ck_assert_int_eq(store_init(&store, 1 << 20, 4), 0);
    ck_assert_int_eq(keep("/a", "", 100), 0);
    e = store_ref(find("/a"));
    store_drop(&store, e);
    ck_assert_ptr_null(find("/a"));
    ck_assert_uint_eq(store.kept, 0);
    ck_assert_uint_eq(store.bytes, e->bytes);
    ck_assert_uint_eq(e->body_n, 100);
    store_unref(e);
    ck_assert_uint_eq(store.bytes, 0);
    store_fini(&store);
}
END_TEST

START_TEST(what_was_seen_stays_longest)
{
    char target[16];

    ck_assert_int_eq(store_init(&store, 1 << 16, 4), 0);
    ck_assert_int_eq(keep("/hot", "", 100), 0);
    for (int i = 0; i < 5000; i++) {
        snprintf(target, sizeof target, "/%d", i);
        ck_assert_int_eq(keep(target, "", 100), 0);
        ck_assert_ptr_nonnull(find("/hot"));
        find("/hot")->is_seen = 1;
    }
    ck_assert_ptr_null(find("/0"));
    store_fini(&store);
}
END_TEST

START_TEST(purges_drop_what_matches)
{
    ck_assert_int_eq(store_init(&store, 1 << 20, 4), 0);
    ck_assert_int_eq(keep("/a/1", "", 1), 0);
    ck_assert_int_eq(keep("/a/1?q", "", 1), 0);
    ck_assert_int_eq(keep("/a/2", "", 1), 0);
    ck_assert_int_eq(keep("/b", "", 1), 0);
    ck_assert_uint_eq(store_purge(&store, et_s("/a/1")), 2);
    ck_assert_uint_eq(store_purge(&store, et_s("y/*")), 0);
    ck_assert_uint_eq(store_purge(&store, et_s("/a/*")), 1);
    ck_assert_uint_eq(store_purge(&store, et_s("*")), 1);
    ck_assert_uint_eq(store.n, 0);
    ck_assert(!store_bury(&store));
    ck_assert_uint_eq(store.bytes + store.kept, 0);
    store_fini(&store);
}
END_TEST

/* All are found no more at once, and freed little by little. */
START_TEST(a_large_purge_is_freed_in_pieces)
{
    static const char *const patterns[] = {"*", "/1*"};
    char target[16];
    uint64_t before;

    ck_assert_int_eq(store_init(&store, 1 << 24, 4), 0);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(target, sizeof target, "/1%d", i);
            ck_assert_int_eq(keep(target, "", 10), 0);
        }
        before = store.bytes;
        ck_assert_uint_eq(store_purge(&store, et_s(patterns[k])), 5000);
        ck_assert_ptr_null(find("/10"));
        ck_assert_ptr_null(find("/14999"));
        ck_assert_uint_eq(store.n, 0);
        ck_assert_uint_eq(store.kept, before);
        ck_assert(store_bury(&store));
        ck_assert_uint_gt(store.bytes, before / 2);
        ck_assert_int_eq(keep("/b", "", 10), 0);
        while (store_bury(&store))
            ck_assert_uint_lt(store.bytes, before);
        ck_assert_uint_eq(store.bytes, find("/b")->bytes);
        ck_assert_uint_eq(store.kept, store.bytes);
        store_drop(&store, find("/b"));
    }
    store_fini(&store);
    ck_assert_uint_eq(store.bytes, 0);
}
END_TEST

/* What is purged is in nobody's way; but for who sends it. */
START_TEST(what_is_purged_makes_room)
{
    char target[16];
    struct entry *e;

    ck_assert_int_eq(store_init(&store, 1 << 16, 4), 0);
    ck_assert_int_eq(keep("/held", "", 1000), 0);
    e = store_ref(find("/held"));
    for (int i = 0; i < 20; i++) {
        snprintf(target, sizeof target, "/%d", i);
        ck_assert_int_eq(keep(target, "", 2000), 0);
    }
    ck_assert_uint_eq(store.evictions, 0);
    ck_assert_uint_eq(store_purge(&store, et_s("*")), 21);
    for (int i = 0; i < 20; i++) { /* more than there is beside the dead */
        snprintf(target, sizeof target, "/%d", i);
        ck_assert_int_eq(keep(target, "", 2000), 0);
        ck_assert_uint_le(store.bytes, 1 << 16);
    }
    ck_assert_uint_eq(store.evictions, 0);
    ck_assert_uint_eq(store.n, 20);
    ck_assert(!store_bury(&store));
    ck_assert_uint_eq(store.bytes, store.kept + e->bytes);
    ck_assert_uint_eq(e->body_n, 1000);
    store_unref(e);
    ck_assert_uint_eq(store.bytes, store.kept);
    store_fini(&store);
}
END_TEST

UNIT_MAIN(store, what_is_kept_is_found_and_counted,
          the_variants_of_one_key_are_bounded,
          bytes_never_exceed_what_there_may_be,
          what_is_thrown_out_stays_for_who_holds_it,
          what_was_seen_stays_longest, purges_drop_what_matches,
          a_large_purge_is_freed_in_pieces, what_is_purged_makes_room)
