/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.h - per-thread counters from one table.
 *
 * Each worker writes its own block of cache lines with relaxed stores; a
 * reader sums the blocks (base/figures.h).  A row is (name, kind, help); names
 * are what an exposition prints after "etude_", and the kind says what the
 * blocks of processes that have ended still count for:
 *
 *     counter  all, for ever: a total never goes back
 *     gauge    nothing: it is about what is alive
 *     level    all: of things that outlive a process, some come by one and go
 *              by another
 *     latest   nothing, and of those alive the largest is the one */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* clang-format off */
#define METRICS_TABLE(X)                                                       \
    X(connections_accepted, counter, "connections taken over by a worker")     \
    X(connections_active,   gauge,   "connections open now")                   \
    X(connections_refused,  counter, "connections closed for want of a slot")  \
    X(requests,             counter, "requests whose head was complete")       \
    X(requests_repeated,    counter, "more of them, which plugins made of those, for nobody") \
    X(tls_handshakes,       counter, "TLS handshakes that were completed")     \
    X(tls_resumed,          counter, "of those: that went on with a session")  \
    X(tls_kernel,           counter, "of those: whose records the kernel makes") \
    X(tls_offloads,         counter, "signatures of TLS handshakes made by the pool") \
    X(tls_offloads_active,  gauge,   "handshakes that wait for one")           \
    X(tls_failed,           counter, "TLS handshakes that were begun and not") \
    X(tls_floods,           counter, "TLS connections closed, for new keys too often") \
    X(requests_bad,         counter, "requests refused as malformed")          \
    X(responses_2xx,        counter, "responses by class")                     \
    X(responses_3xx,        counter, "responses by class")                     \
    X(responses_4xx,        counter, "responses by class")                     \
    X(responses_5xx,        counter, "responses by class")                     \
    X(timeouts,             counter, "connections closed by a deadline")       \
    X(bytes_in,             counter, "bytes received")                         \
    X(bytes_out,            counter, "bytes handed to the kernel")             \
    X(bodies_spilled,       counter, "request bodies written to a file")       \
    X(requests_active,      gauge,   "requests between head and log")          \
    X(turns,                counter, "turns of the event loop")                \
    X(reloads,              counter, "reloads that were carried out")          \
    X(reloads_failed,       counter, "reloads that changed nothing")           \
    X(generation,           latest,  "number of the generation that serves")   \
    X(generations_active,   gauge,   "generations that still have requests")   \
    X(images_mapped,        gauge,   "builds of plugins mapped")               \
    X(images_retired,       gauge,   "of these: no longer in use")             \
    X(store_entries,        level,   "numbers and values in stores")           \
    X(store_evictions,      counter, "of them given up early, to make room")   \
    X(store_refusals,       counter, "of them refused: no room could be made") \
    X(connections_given,    counter, "connections given to another worker or process") \
    X(connections_taken,    counter, "connections taken from another worker or process") \
    X(connections_moved,    counter, "of those: from another worker")          \
    X(connections_kept,     counter, "of those to be given: a byte came first") \
    X(clients_limited,      counter, "connections or requests too many of a client") \
    X(requests_shed,        counter, "requests refused under too much load")   \
    X(tasks_active,         gauge,   "steps of plugins on stacks of their own") \
    X(tasks_refused,        counter, "of those: there was no stack")           \
    X(waits_refused,        counter, "waits of plugins: max_waits waited")     \
    X(jobs_refused,         counter, "jobs of plugins: pool_queue waited")     \
    X(fetches,              counter, "requests of plugins to other servers")   \
    X(fetches_active,       gauge,   "of those: not over")                     \
    X(fetches_reused,       counter, "of those: on a connection that was there") \
    X(fetches_failed,       counter, "of those: that have no reply")           \
    X(fetches_refused,      counter, "more of them: max_fetches were not over") \
    X(ws_active,            gauge,   "WebSockets open now")                    \
    X(ws_closed,            counter, "WebSockets that are over")               \
    X(ws_messages_in,       counter, "messages that came on them")             \
    X(ws_messages_out,      counter, "messages sent on them")                  \
    X(h2_connections,       counter, "connections that spoke HTTP/2")           \
    X(h2_resets,            counter, "requests on them that clients took back") \
    X(h2_refused,           counter, "requests on them that were not begun")    \
    X(h2_errors,            counter, "of them: closed, against the protocol")   \
    X(h2_floods,            counter, "of them: closed, for doing nothing often") \
    X(log_records_dropped,  counter, "lines of logs lost: no room for them")   \
    X(memory,               gauge,   "bytes of workers' buffers in use")       \
    X(crashes_recovered,    counter, "crashes of plugins that cost one 500")   \
    X(workers_lost,         counter, "crashes that end this process")          \
    X(steps_slow,           counter, "steps that held a worker for long")      \
    X(channel_published,    counter, "messages published to channels")         \
    X(channel_refused,      counter, "messages that there was no room for")    \
    X(channel_delivered,    counter, "messages handed to subscribers")         \
    X(channel_dropped,      counter, "of those: lost, the queue was full")     \
    X(channel_no_text,      counter, "of those: no UTF-8, for a WebSocket that takes text")
/* clang-format on */

enum metric {
#define X(name, kind, help) METRIC_##name,
    METRICS_TABLE(X)
#undef X
        METRIC_COUNT
};

/* A thread's own block.  Zeroed memory is a block of zeros. */
struct metrics {
    _Alignas(64) _Atomic uint64_t value[METRIC_COUNT];
};

/* Add to, or set, a counter or gauge of the calling thread's own block. [owner]
 */
static inline void
metrics_add(struct metrics *m, enum metric id, uint64_t n)
{
    atomic_store_explicit(
        &m->value[id],
        atomic_load_explicit(&m->value[id], memory_order_relaxed) + n,
        memory_order_relaxed);
}
static inline void
metrics_sub(struct metrics *m, enum metric id, uint64_t n)
{
    metrics_add(m, id, (uint64_t)0 - n);
}

/* The same of a row that any thread adds to, in the block of one of them; all
 * do it by this. [any] */
static inline void
metrics_add_shared(struct metrics *m, enum metric id, uint64_t n)
{
    atomic_fetch_add_explicit(&m->value[id], n, memory_order_relaxed);
}

static inline void
metrics_set(struct metrics *m, enum metric id, uint64_t value)
{
    atomic_store_explicit(&m->value[id], value, memory_order_relaxed);
}

/* The value as of some moment ago. [any] */
static inline uint64_t
metrics_get(const struct metrics *m, enum metric id)
{
    return atomic_load_explicit(&m->value[id], memory_order_relaxed);
}

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_LEVEL, METRIC_LATEST };

/* The rows: name ("requests"), kind, help.  All static. [any] */
const char *metrics_name(enum metric id);
enum metric_kind metrics_kind(enum metric id);
const char *metrics_help(enum metric id);

#endif
