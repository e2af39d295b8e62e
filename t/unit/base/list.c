/* SPDX-License-Identifier: BSD-2-Clause */
/* list.c - the intrusive list: order, removal anywhere, removal on the way. */
#include "base/list.h"

#include "t/lib/unit.h"

struct item {
    int v;
    struct list link;
};

static int
value(struct list *link)
{
    return CONTAINER_OF(link, struct item, link)->v;
}

/* The values as one decimal number, and the links both ways. */
static int
digits(struct list *head)
{
    int forward = 0, n = 0, back = 0, scale = 1;

    LIST_FOR_EACH_SAFE(link, head)
    {
        ck_assert_ptr_eq(link->next->prev, link);
        ck_assert_ptr_eq(link->prev->next, link);
        forward = forward * 10 + value(link);
        n++;
    }
    for (struct list *l = head->prev; l != head; l = l->prev) {
        back += value(l) * scale;
        scale *= 10;
    }
    ck_assert_int_eq(forward, back);
    return forward;
}

START_TEST(a_new_list_is_empty)
{
    struct list head;

    list_init(&head);
    ck_assert(list_is_empty(&head));
    ck_assert_ptr_null(list_pop(&head));
    ck_assert_int_eq(digits(&head), 0);
}
END_TEST

START_TEST(pushed_first_or_last)
{
    struct item i[4] = {{.v = 1}, {.v = 2}, {.v = 3}, {.v = 4}};
    struct list head;

    list_init(&head);
    list_push(&head, &i[0].link);
    list_push(&head, &i[1].link);
    list_push_back(&head, &i[2].link);
    list_insert(&i[0].link, &i[3].link);
    ck_assert_int_eq(digits(&head), 2143);
    ck_assert_int_eq(value(list_pop(&head)), 2);
    ck_assert_int_eq(digits(&head), 143);
}
END_TEST

START_TEST(removed_from_anywhere_and_again)
{
    struct item i[3] = {{.v = 1}, {.v = 2}, {.v = 3}};
    struct list head;

    for (int first = 0; first < 3; first++) {
        list_init(&head);
        for (int k = 0; k < 3; k++)
            list_push_back(&head, &i[k].link);
        list_remove(&i[first].link);
        ck_assert(list_is_empty(&i[first].link));
        list_remove(&i[first].link);
        ck_assert_int_eq(digits(&head), first == 0 ? 23 : first == 1 ? 13 : 12);
        list_remove(&i[(first + 1) % 3].link);
        list_remove(&i[(first + 2) % 3].link);
        ck_assert(list_is_empty(&head));
    }
}
END_TEST

START_TEST(the_current_one_may_be_removed_on_the_way)
{
    struct item i[5] = {{.v = 1}, {.v = 2}, {.v = 3}, {.v = 4}, {.v = 5}};
    struct list head;

    list_init(&head);
    for (int k = 0; k < 5; k++)
        list_push_back(&head, &i[k].link);
    LIST_FOR_EACH_SAFE(link, &head)
    {
        if (value(link) % 2)
            list_remove(link);
    }
    ck_assert_int_eq(digits(&head), 24);
    LIST_FOR_EACH_SAFE(link, &head)
    list_remove(link);
    ck_assert(list_is_empty(&head));
}
END_TEST

UNIT_MAIN(list, a_new_list_is_empty, pushed_first_or_last,
          removed_from_anywhere_and_again,
          the_current_one_may_be_removed_on_the_way)
