/* SPDX-License-Identifier: BSD-2-Clause */
/* wires.c - connections to others: kept, found again, watched, so many of them.
 * tags: epoll asan */
/* ldflags: -Wl,--wrap=dial_open */
#include "http/wires.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/unit.h"

#define MAX 8u
#define IDLE_MS 1000u

static struct wires wires;
static struct io *io;
static struct wheel wheel;
static struct clock now;
static const struct addr at = {.port = 1, .kind = ADDR_IP};
static int peers[64], n_peers, dial_fails;
static uint32_t seen;

int __wrap_dial_open(const uint8_t ip[16], uint16_t port);

/* One end of a pair; the test has the other. */
int
__wrap_dial_open(const uint8_t ip[16], uint16_t port)
{
    int fd[2];

    (void)ip;
    (void)port;
    if (dial_fails)
        return dial_fails;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    peers[n_peers++] = fd[1];
    return fd[0];
}

static struct wire_end
to(const char *host, uint16_t port)
{
    struct wire_end end = {.port = port, .len = (uint16_t)strlen(host)};

    memcpy(end.host, host, end.len);
    return end;
}

static void
set_up(uint32_t max_idle, uint64_t idle_ms)
{
    static const struct io_options options;
    const char *event = getenv("T_EVENT");
    char why[200];

    clock_set(&now, 1000000000000, 0, 0);
    wheel_init(&wheel, now.mono_ms);
    n_peers = dial_fails = 0;
    ck_assert_int_eq(
        io_open(&io, event ? event : "auto", &options, why, sizeof why), 0);
    ck_assert_int_eq(
        wires_init(&wires, MAX, max_idle, idle_ms, io, &wheel, &now), 0);
}

static void
turn(void)
{
    ck_assert_int_eq(io_wait(io, 0), 0);
    io_dispatch(io);
}

/* The other end of the nth has been closed, or is, in some turns. */
static void
wait_closed(int nth)
{
    char byte;
    ssize_t n = -1;

    for (int i = 0; i < 100 && n != 0; i++) {
        turn();
        n = recv(peers[nth], &byte, 1, MSG_DONTWAIT);
    }
    ck_assert_int_eq(n, 0);
}

static int
is_open(int nth)
{
    char byte;

    return recv(peers[nth], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static struct wire *
dial(const char *host)
{
    struct wire_end end = to(host, 80);
    int rc;
    struct wire *w = wires_dial(&wires, &end, &at, &rc);

    ck_assert_ptr_nonnull(w);
    return w;
}

static struct wire *
reuse(const char *host, uint16_t port)
{
    struct wire_end end = to(host, port);

    return wires_reuse(&wires, &end);
}

static void
tear_down(void)
{
    wires_close(&wires);
    turn();
    ck_assert_uint_eq(wires.slab.n_used, 0);
    ck_assert_uint_eq(wires.n_idle, 0);
    ck_assert_uint_eq(wheel.n_armed, 0);
    for (int i = 0; i < n_peers; i++)
        close(peers[i]);
    io_close(io);
    wires_fini(&wires);
}

START_TEST(whoever_leads_there_is_found)
{
    struct wire *w, *v;

    set_up(4, IDLE_MS);
    w = dial("a");
    ck_assert_ptr_null(reuse("a", 80)); /* it is in use */
    wires_keep(w);
    ck_assert_ptr_null(reuse("b", 80));
    ck_assert_ptr_null(reuse("a", 81));
    ck_assert_ptr_eq(reuse("a", 80), w);
    ck_assert_ptr_null(reuse("a", 80));
    v = dial("a");
    wires_keep(w);
    wires_keep(v);
    ck_assert_ptr_eq(reuse("a", 80), v); /* the newest */
    wires_keep(v);
    tear_down();
}
END_TEST

START_TEST(so_many_for_so_long)
{
    struct wire *w[3];

    set_up(2, IDLE_MS);
    for (int i = 0; i < 3; i++)
        w[i] = dial("a");
    for (int i = 0; i < 3; i++) {
        now.mono_ms += 100;
        wires_keep(w[i]);
    }
    wait_closed(0);
    ck_assert_uint_eq(wires.n_idle, 2);
    wheel_advance(&wheel, now.mono_ms + IDLE_MS - 50);
    wait_closed(1);
    ck_assert(is_open(2));
    wheel_advance(&wheel, now.mono_ms + IDLE_MS + 50);
    wait_closed(2);
    tear_down();
    set_up(0, IDLE_MS);
    wires_keep(dial("a"));
    wait_closed(0);
    tear_down();
    set_up(2, 0);
    wires_keep(dial("a"));
    wait_closed(0);
    tear_down();
}
END_TEST

START_TEST(what_an_idle_one_hears_is_its_end)
{
    set_up(4, IDLE_MS);
    wires_keep(dial("a"));
    turn();
    close(peers[0]);
    peers[0] = dup(0);
    for (int i = 0; i < 100 && wires.n_idle > 0; i++)
        turn();
    ck_assert_uint_eq(wires.n_idle, 0);
    wires_keep(dial("a"));
    ck_assert_int_eq(send(peers[1], "x", 1, 0), 1);
    ck_assert_ptr_null(reuse("a", 80)); /* before a turn has seen it */
    wait_closed(1);
    {
        struct wire *w = dial("a");
        ck_assert_int_eq(send(peers[2], "x", 1, 0), 1);
        wires_keep(w); /* it is none to keep */
        ck_assert_uint_eq(wires.n_idle, 0);
        wait_closed(2);
    }
    tear_down();
}
END_TEST

static void
on_ready(struct wire *w, uint32_t events)
{
    ck_assert_ptr_eq(w->owner, &seen);
    seen = events;
}

START_TEST(it_is_waited_for_once)
{
    struct wire *w;

    set_up(4, IDLE_MS);
    w = dial("a");
    seen = 0;
    wires_wait(w, POLLOUT, on_ready, &seen);
    for (int i = 0; i < 100 && !seen; i++)
        turn();
    ck_assert_uint_eq(seen, POLLOUT);
    seen = 0;
    turn();
    ck_assert_uint_eq(seen, 0);
    wires_wait(w, POLLIN, on_ready, &seen);
    wires_drop(w); /* and never after that */
    turn();
    ck_assert_uint_eq(seen, 0);
    tear_down();
}
END_TEST

START_TEST(it_may_not_be_had)
{
    struct wire_end end = to("a", 80);
    int rc;

    set_up(4, IDLE_MS);
    dial_fails = -EMFILE;
    ck_assert_ptr_null(wires_dial(&wires, &end, &at, &rc));
    ck_assert_int_eq(rc, -EMFILE);
    dial_fails = 0;
    for (unsigned i = 0; i < MAX; i++)
        (void)dial("a");
    ck_assert_ptr_null(wires_dial(&wires, &end, &at, &rc));
    ck_assert_int_eq(rc, -ENOBUFS);
    tear_down();
}
END_TEST

UNIT_MAIN(wires, whoever_leads_there_is_found, so_many_for_so_long,
          what_an_idle_one_hears_is_its_end, it_is_waited_for_once,
          it_may_not_be_had)
