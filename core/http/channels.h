/* SPDX-License-Identifier: BSD-2-Clause */
/* channels.h - who on a worker hears what is published under a name.
 *
 *     channels_publish [any]
 *        | one message, one mail for each worker that may have somebody
 *        v
 *     mailbox of a worker --> topic by name --> deliver of each subscriber
 *
 * Channels have names and nothing else: they are there while somebody
 * subscribes to them, and belong to the process, not to a generation.  Each
 * worker has a table of its own, which no other thread looks at.  What others
 * see of it is how many topics it has by eight bits of their hash: a publish
 * goes by whom it does not concern.
 *
 * What one thread publishes arrives everywhere in that order, on the worker it
 * publishes from as on the others: by the mailbox, never from within the call.
 * A message goes to those who are subscribed when it is its turn, on a worker
 * that had somebody when it was published, and to nobody who comes while they
 * are told.  A deliver may do anything: subscribe, unsubscribe itself or
 * others, publish.  A turn of the loop has room for some hundred of them; what
 * is more waits for the next one, so that a channel with many subscribers does
 * not hold the worker.
 *
 * Names may be any bytes; they are looked for by a hash whose seed nobody
 * knows.  Not here: what a subscriber does with a message (subs.h, loops.h). */
#ifndef HTTP_CHANNELS_H
#define HTTP_CHANNELS_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/list.h"
#include "base/slab.h"
#include "io/mailbox.h"

struct clock;
struct message;
struct message_mail;
struct metrics;
struct topic;

/* Subscribers that are told something in a turn of the loop; of light ones so
 * many times as many: what comes at once for a stream is to leave in one send.
 */
#define CHANNELS_TURN 256u
#define CHANNELS_LIGHT 16u

struct channels {
    struct slab topics; /* with their names */
    struct topic **buckets;
    uint32_t mask; /* of them, a power of two less one */
    uint32_t max, n_subscribers;
    uint32_t worker;
    uint8_t is_open;
    uint8_t is_telling; /* the first message: visited and at mean something */
    uint8_t is_posted;  /* again is on its way */
    struct mailbox *mailbox;
    const struct clock *clock; /* of its turn */
    struct metrics *metrics;
    struct message_mail *first, *last; /* messages that are to be told */
    struct topic *visited;             /* that of the first one, or NULL */
    struct list *at;                   /* whom of it to tell next */
    struct mail again;                 /* to itself: there is more to tell */
    uint64_t turn_ns;                  /* since then it has told ... */
    uint32_t n_left;                   /* ... and may tell so many more light */
};

/* Whoever wants messages: embed it. */
struct subscriber {
    struct list link;
    struct topic *topic; /* NULL: it is subscribed to nothing */
    struct channels *channels;
    /* m was published; who keeps it takes a reference. [worker] */
    void (*deliver)(struct subscriber *s, struct message *m);
    uint8_t is_light; /* it only copies, or takes a reference: no code runs */
};

/* What is published and what cannot be is counted in metrics, by any thread,
 * until channels_close. [control] */
void channels_open(struct metrics *metrics);
/* No worker has channels any more; who publishes still is heard by nobody.
 * [control] */
void channels_close(void);
/* Messages are at most max_message bytes from now on, and all of them together
 * max_bytes. [control] */
void channels_limit(size_t max_message, size_t max_bytes);

/* The channels of a worker below 1,024, with that mailbox, for at most max
 * subscribers.  0 or ERR_NOMEM. [worker] */
MUST_USE int channels_init(struct channels *c, uint32_t worker, uint32_t max,
                           struct mailbox *mailbox, const struct clock *clock,
                           struct metrics *metrics);
/* Nobody posts to the mailbox any more, and nobody is told of what is in it: it
 * is to be delivered once more, and may be closed then. [worker] */
void channels_leave(struct channels *c);
/* Nobody is subscribed any more. [control] */
void channels_fini(struct channels *c);

/* Have s, whose deliver is set, told what is published under name: 0; ET_EINVAL
 * for a name of no bytes or more than 255; ET_ELIMIT: there are max already.
 * [worker] */
MUST_USE int32_t channels_subscribe(struct channels *c, struct subscriber *s,
                                    et_str name);
/* What s is subscribed to; absent: nothing. [worker] */
et_str channels_name(const struct subscriber *s);
/* s is told nothing any more; nothing if it is subscribed to nothing.
 * [worker] */
void channels_unsubscribe(struct subscriber *s);

/* Have all workers tell their subscribers of that name a copy of body: 0;
 * ET_EINVAL: a name as above, or more than max_message bytes; ET_ELIMIT: there
 * is no room in max_bytes, or a worker that it concerns has a quarter of that
 * before him; ET_ENOMEM.  Whatever it is, then nobody is told. [any] */
int32_t channels_publish(et_str name, et_str body);

#endif
