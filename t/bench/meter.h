/* SPDX-License-Identifier: BSD-2-Clause */
/* meter.h - run time as the kernel accounts for it: of a server with all that
 * it has started, and of the machine. */
#ifndef T_BENCH_METER_H
#define T_BENCH_METER_H

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

#define METER_PIDS 64

struct meter {
    int pids[METER_PIDS];
    int n_pids;
};

static inline int
meter_parent_of(int pid)
{
    char path[64], text[512], *end;
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    end = strrchr(text, ')'); /* "PID (NAME) STATE PARENT ..." */
    return end && strlen(end) > 4 ? atoi(end + 4) : 0;
}

static inline void
meter_add_children(struct meter *m, int of)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;

    CHECK(dir);
    while ((e = readdir(dir)) && m->n_pids < METER_PIDS)
        if (isdigit((unsigned char)e->d_name[0]) &&
            meter_parent_of(atoi(e->d_name)) == of)
            m->pids[m->n_pids++] = atoi(e->d_name);
    closedir(dir);
}

/* That process and all below it, as they are now. */
static inline void
meter_open(struct meter *m, int pid)
{
    m->pids[0] = pid;
    m->n_pids = 1;
    for (int i = 0; i < m->n_pids; i++)
        meter_add_children(m, m->pids[i]);
}

static inline uint64_t
meter_process_ns(int pid)
{
    char path[320];
    uint64_t sum = 0;
    struct dirent *e;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    dir = opendir(path);
    if (!dir)
        return 0;
    while ((e = readdir(dir))) {
        unsigned long long ns = 0;
        FILE *file;
        if (e->d_name[0] == '.') /* ".." has the main thread once more */
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid,
                 e->d_name);
        file = fopen(path, "re");
        if (!file)
            continue;
        if (fscanf(file, "%llu", &ns) == 1)
            sum += ns;
        fclose(file);
    }
    closedir(dir);
    return sum;
}

/* What all their threads have run. */
static inline uint64_t
meter_ns(const struct meter *m)
{
    uint64_t sum = 0;

    for (int i = 0; i < m->n_pids; i++)
        sum += meter_process_ns(m->pids[i]);
    return sum;
}

/* What all CPUs spent not idle. */
static inline uint64_t
meter_machine_ns(void)
{
    unsigned long long t[8] = {0};
    FILE *file = fopen("/proc/stat", "re");
    uint64_t ticks;

    CHECK(file);
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0],
               &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 8)
        t[0] = 0;
    fclose(file);
    ticks = t[0] + t[1] + t[2] + t[5] + t[6] + t[7]; /* not idle, iowait */
    return ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

#endif
