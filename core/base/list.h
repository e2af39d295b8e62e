/* SPDX-License-Identifier: BSD-2-Clause */
/* list.h - an intrusive doubly linked list.
 *
 *     head <-> first <-> ... <-> last <-> head
 *
 * Links are embedded in what is listed (CONTAINER_OF leads back); the list
 * allocates and frees nothing.  A removed link points to itself, so removing
 * it again does nothing and list_is_empty(link) tells that it is in no list.
 * Invariant: l->next->prev == l == l->prev->next.  One owner at a time. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/check.h"

struct list {
    struct list *next, *prev;
};

/* An empty list, or a link in no list. [owner] */
static inline void
list_init(struct list *l)
{
    l->next = l->prev = l;
}

/* No link in the list; or, of a link: in no list. [owner] */
static inline int
list_is_empty(const struct list *l)
{
    return l->next == l;
}

/* Put link, which must be in no list, behind at. [owner] */
static inline void
list_insert(struct list *at, struct list *link)
{
    link->prev = at;
    link->next = at->next;
    at->next->prev = link;
    at->next = link;
}

/* Put link first. [owner] */
static inline void
list_push(struct list *head, struct list *link)
{
    list_insert(head, link);
}

/* Put link last. [owner] */
static inline void
list_push_back(struct list *head, struct list *link)
{
    list_insert(head->prev, link);
}

/* Take link out of whatever list it is in. [owner] */
static inline void
list_remove(struct list *link)
{
    link->next->prev = link->prev;
    link->prev->next = link->next;
    list_init(link);
}

/* Take out the first link; NULL if there is none. [owner] */
static inline struct list *
list_pop(struct list *head)
{
    struct list *first = head->next;

    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

/* Walk from the first to the last; link itself may be removed on the way, and
 * freed, but not the one after it. */
#define LIST_FOR_EACH_SAFE(link, head)                                         \
    for (struct list *link = (head)->next, *link##_next_ = link->next;         \
         link != (head); link = link##_next_, link##_next_ = link->next)

#endif
