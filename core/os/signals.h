/* SPDX-License-Identifier: BSD-2-Clause */
/* signals.h - the signals the process listens to, and when two are one.
 *
 * A second order to stop ends everything at once, so an order that arrives
 * twice must not count twice:
 *
 *   by one sender   timeout(1) signals the process and then its group, which
 *                   is microseconds apart
 *   by two senders  a terminal or service manager signals the whole group, and
 *                   a wrapper in it passes the signal on
 *
 * It is the same signal in either case; another one is always a second order.
 */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <stdint.h>
#include <sys/signalfd.h>

#include "base/check.h"

#define SIGNALS_ONE_SENDER_MS 50u
#define SIGNALS_TWO_SENDERS_MS 200u

/* An order to stop, and when it came; signo 0: there was none. */
struct stop_order {
    uint32_t signo, sender; /* sender: 0 is the terminal */
    uint64_t ns;            /* monotonic */
};

/* Block HUP, USR1, USR2, TERM, INT, QUIT and, if it is not 0, one more, and
 * have them come through a descriptor, which is returned; or -errno.  SIGPIPE
 * is ignored.  Before any thread. [control] */
MUST_USE int signals_open(int more);
/* Block nothing, as a process begins.  Between fork and exec. [any] */
void signals_unblock(void);
/* The order that si is, at now_ns. [any] */
struct stop_order signals_stop_order(const struct signalfd_siginfo *si,
                                     uint64_t now_ns);
/* Whether si, at now_ns, is another order than *last, which it is from then on.
 * [any] */
int signals_is_another(struct stop_order *last,
                       const struct signalfd_siginfo *si, uint64_t now_ns);
/* Whether now is the order last, arrived once more. [any] */
int signals_is_repeated(const struct stop_order *last,
                        const struct stop_order *now);

#endif
