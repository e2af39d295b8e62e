/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.c - CPUs, masks and quotas; see cpu.h. */
#include "os/cpu.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPU_MAX 8192 /* the kernel's largest NR_CPUS */

/* A mask for every machine (cpu_set_t ends at 1024). */
struct mask {
    cpu_set_t set[CPU_MAX / CPU_SETSIZE];
};

static int
mask_read(struct mask *m)
{
    memset(m, 0, sizeof *m);
    return sched_getaffinity(0, sizeof *m, m->set) < 0 ? -errno : 0;
}

/* How many CPUs "0-3,8" names. */
static uint32_t
count_list(const char *p)
{
    uint32_t n = 0;

    while (*p >= '0' && *p <= '9') {
        char *end;
        unsigned long first = strtoul(p, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        if (last >= first && last < CPU_MAX)
            n += (uint32_t)(last - first + 1);
        p = *end == ',' ? end + 1 : end;
    }
    return n;
}

static uint32_t
read_online(const char *root)
{
    char path[PATH_MAX], line[1024] = "";
    FILE *f;

    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/online", root);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (!fgets(line, sizeof line, f))
        line[0] = '\0';
    fclose(f);
    return count_list(line);
}

/* What container managers leave for their guests to see. */
static int
has_container_mark(const char *root)
{
    static const char *const files[] = {
        "/.dockerenv",
        "/run/.containerenv",
        "/run/systemd/container",
    };
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s%s", root, files[i]);
        if (access(path, F_OK) == 0)
            return 1;
    }
    return getenv("container") || getenv("KUBERNETES_SERVICE_HOST");
}

void
cpu_facts_read(struct cpu_facts *out, const char *root)
{
    struct mask m;

    memset(out, 0, sizeof *out);
    cgroup_read(&out->cgroup, root);
    if (mask_read(&m) == 0)
        out->n_allowed = (uint32_t)CPU_COUNT_S(sizeof m, m.set);
    if (out->n_allowed == 0)
        out->n_allowed = 1;
    out->n_online = read_online(root);
    if (out->n_online < out->n_allowed)
        out->n_online = out->n_allowed;
    out->is_container = out->cgroup.is_confined || has_container_mark(root);
}

uint32_t
cpu_workers(const struct cpu_facts *f, char *why, size_t cap)
{
    uint32_t milli = f->cgroup.cpu_milli;
    uint32_t quota = milli / 1000 + (milli % 1000 != 0);

    if (quota > 0 && quota < f->n_allowed) {
        snprintf(why, cap, "cgroup quota of %u.%u CPUs", milli / 1000,
                 milli % 1000 / 100);
        return quota;
    }
    snprintf(why, cap, "%u of %u CPUs allowed", f->n_allowed, f->n_online);
    return f->n_allowed;
}

int
cpu_should_pin(const struct cpu_facts *f, char *why, size_t cap)
{
    const char *text = "the whole machine is ours";
    int pins = 1;

    if (f->cgroup.cpu_milli > 0) {
        text = "a cgroup CPU quota is set";
        pins = 0;
    } else if (f->cgroup.is_exclusive) {
        text = "the cpuset is exclusive";
    } else if (f->is_container) {
        text = "in a container, CPUs may be shared";
        pins = 0;
    } else if (f->n_allowed < f->n_online) {
        text = "the affinity mask is a part of the machine";
        pins = 0;
    }
    snprintf(why, cap, "%s", text);
    return pins;
}

int
cpu_pin(uint32_t i)
{
    struct mask m, one;
    int rc = mask_read(&m), n;

    if (rc < 0)
        return rc;
    n = CPU_COUNT_S(sizeof m, m.set);
    i %= (uint32_t)n;
    for (int cpu = 0; cpu < CPU_MAX; cpu++) {
        if (!CPU_ISSET_S((size_t)cpu, sizeof m, m.set) || i-- > 0)
            continue;
        memset(&one, 0, sizeof one);
        CPU_SET_S((size_t)cpu, sizeof one, one.set);
        return sched_setaffinity(0, sizeof one, one.set) < 0 ? -errno : cpu;
    }
    return -ESRCH;
}

int
cpu_unpin(void)
{
    struct mask m;

    memset(&m, 0, sizeof m);
    if (sched_getaffinity(getpid(), sizeof m, m.set) < 0 ||
        sched_setaffinity(0, sizeof m, m.set) < 0)
        return -errno;
    return 0;
}
