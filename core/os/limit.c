/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.c - resource limits; see limit.h. */
#include "os/limit.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static _Atomic uint32_t held; /* of the process, as the limit is */

uint64_t
limit_nofile(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return r.rlim_cur + atomic_load(&held);
}

int
limit_nofile_raise(uint64_t *now)
{
    struct rlimit r;
    int rc = 0;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        rc = -errno;
    if (rc == 0 && r.rlim_cur != r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &r) < 0)
            rc = -errno;
    }
    *now = limit_nofile();
    return rc;
}

static int
set_nofile(uint64_t soft, uint64_t hard)
{
    const struct rlimit r = {.rlim_cur = soft, .rlim_max = hard};

    return setrlimit(RLIMIT_NOFILE, &r) < 0 ? -errno : 0;
}

int
limit_nofile_set(uint64_t n, uint64_t *now)
{
    struct rlimit r;
    int rc = getrlimit(RLIMIT_NOFILE, &r) < 0 ? -errno : 0;

    if (rc == 0) {
        rc = set_nofile(n, n > r.rlim_max ? n : r.rlim_max);
        if (rc < 0 && n > r.rlim_max)
            (void)!set_nofile(r.rlim_max, r.rlim_max);
    }
    *now = limit_nofile();
    return rc;
}

int
limit_nofile_hold(uint32_t n)
{
    struct rlimit r;
    int rc;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return -errno;
    if (r.rlim_cur == RLIM_INFINITY)
        return 0;
    rc = set_nofile(r.rlim_cur + atomic_load(&held) - n, r.rlim_max);
    if (rc == 0)
        atomic_store(&held, n);
    return rc;
}

/* Who sets the limit that rc tells of, and how; "" if it is no limit. */
static const char *
advice(int rc)
{
    switch (-rc) {
    case EMFILE: return " (ulimit -n, LimitNOFILE= of systemd)";
    case ENFILE: return ": raise the sysctl fs.file-max";
    case EAGAIN:
        return ": raise RLIMIT_NPROC (ulimit -u, LimitNPROC= of systemd) or "
               "the cgroup's pids.max (TasksMax=)";
    case ENOMEM:
        return ": raise the cgroup's memory.max (MemoryMax= of systemd) or "
               "RLIMIT_AS (ulimit -v)";
    default: return "";
    }
}

const char *
limit_explain(int rc, char *out, size_t cap)
{
    char number[64] = "";

    if (rc == -EMFILE)
        snprintf(number, sizeof number, ": raise RLIMIT_NOFILE, it is %llu",
                 (unsigned long long)limit_nofile());
    snprintf(out, cap, "%s%s%s", strerror(-rc), number, advice(rc));
    return out;
}
