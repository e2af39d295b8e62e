/* SPDX-License-Identifier: BSD-2-Clause */
/* soak.c - everything at once; see soak.h. */
#include "t/lib/soak.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/crowd.h"
#include "t/lib/server.h"

#define MS 1000000ull
#define LONG_LIVED 100
#define SHORT_LIVED 10
#define SAMPLES_MAX 20000

static const char request[] = "GET /life HTTP/1.1\r\nHost: x\r\n\r\n";
static const char crash[] =
    "GET /faulty/null HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

static struct server s;
static struct crowd *crowds[2];
static uint32_t limit;

static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- memory ---------------------------------------------------------------*/

/* But for pages of files: who runs the same program beside has a share of
 * those, and comes and goes. */
static uint64_t
pss_of(pid_t pid)
{
    char path[64], line[128];
    unsigned long long kib = 0, part;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "Pss: %llu", &part) == 1)
            kib += part;
        else if (sscanf(line, "Pss_File: %llu", &part) == 1)
            kib -= part;
    }
    if (f)
        fclose(f);
    return kib;
}

/* Of the supervisor and its children. */
static uint64_t
pss(void)
{
    uint64_t sum = pss_of(s.pid);
    char path[64];
    int pid;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)s.pid,
             (int)s.pid);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (fscanf(f, "%d", &pid) == 1)
        sum += pss_of((pid_t)pid);
    fclose(f);
    return sum;
}

/* ---- what is done to it ---------------------------------------------------*/

static const char *
ini_of(int n)
{
    static char ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
             "runtime_dir = $DIR\ncrash_limit = %u\n"
             "[plugin life]\nsay = soak %d\n[plugin faulty]\n",
             limit, n);
    return ini;
}

static void
reload(void)
{
    static int n;

    server_write(&s, ini_of(++n));
    server_signal(&s, SIGHUP);
}

/* One that asks for it: its own request fails, or its route is closed. */
static void
crash_one(void)
{
    struct client c = client_open(&s);
    struct answer a;

    client_puts(&c, crash);
    a = client_answer(&c, 0);
    ck_assert_msg(a.status == 500 || (limit && a.status == 503) ||
                      (a.status == 0 && crowds[0]->is_excused),
                  "crash: %d", a.status);
    answer_free(&a);
    client_close(&c);
}

static void
kill_one(void)
{
    for (int i = 0; i < 2; i++)
        crowds[i]->is_excused = 1;
    (void)kill(server_pid(&s), SIGKILL);
    for (int i = 0; i < 2; i++)
        crowd_wait(crowds[i], 4 * LONG_LIVED);
    for (int i = 0; i < 2; i++)
        crowds[i]->is_excused = 0;
}

static void
upgrade(void)
{
    server_signal(&s, SIGUSR2);
}

static struct {
    void (*act)(void);
    uint64_t every_ns, due_ns, n;
} acts[] = {
    {reload, 100 * MS, 0, 0},
    {crash_one, 1000 * MS, 0, 0},
    {kill_one, 10000 * MS, 0, 0},
    {upgrade, 15000 * MS, 0, 0},
};
#define N_ACTS (sizeof acts / sizeof acts[0])

static void
act(void)
{
    for (size_t i = 0; i < N_ACTS; i++) {
        if (now_ns() < acts[i].due_ns)
            continue;
        acts[i].act();
        acts[i].n++;
        acts[i].due_ns += acts[i].every_ns;
    }
}

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* What it has in the last measured_ns when few other processes come and go,
 * which are no leak: the lower quartile. */
static uint64_t
act_until(uint64_t end_ns, uint64_t measured_ns)
{
    static uint64_t kib[SAMPLES_MAX];
    size_t n = 0;

    while (now_ns() < end_ns) {
        act();
        if (now_ns() + measured_ns >= end_ns && n < SAMPLES_MAX)
            kib[n++] = pss();
        usleep(5000);
    }
    ck_assert_uint_gt(n, 0);
    qsort(kib, n, sizeof *kib, compare);
    return kib[n / 4];
}

void
soak_run(uint32_t crash_limit)
{
    const char *said = getenv("T_SOAK");
    uint64_t ns = (uint64_t)(said ? atoi(said) : 32) * 1000 * MS, begun_ns;
    uint64_t early, late;

    limit = crash_limit;
    server_start(&s, ini_of(0));
    crowds[0] = crowd_start(s.port, LONG_LIVED, request, "soak ", 0);
    crowds[1] = crowd_start(s.port, SHORT_LIVED, request, "soak ", CROWD_SHORT);
    begun_ns = now_ns();
    for (size_t i = 0; i < N_ACTS; i++)
        acts[i].due_ns = begun_ns + acts[i].every_ns;
    early = act_until(begun_ns + ns / 5, ns / 10);
    late = act_until(begun_ns + ns, ns / 10);
    for (int i = 0; i < 2; i++)
        ck_assert_str_eq(crowd_end(crowds[i]), "");
    fprintf(stderr,
            "soak: %llu answers, %llu short ones; %llu reloads, %llu "
            "crashes, %llu kills, %llu upgrades; Pss %llu and %llu KiB\n",
            (unsigned long long)crowds[0]->n_answers,
            (unsigned long long)crowds[1]->n_answers,
            (unsigned long long)acts[0].n, (unsigned long long)acts[1].n,
            (unsigned long long)acts[2].n, (unsigned long long)acts[3].n,
            (unsigned long long)early, (unsigned long long)late);
    ck_assert_uint_le(late * 100, early * 105);
    ck_assert_int_gt(server_count_log(&s, "reload: generation "), 10);
    ck_assert_int_eq(server_has_log(&s, " is in quarantine "), limit > 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
