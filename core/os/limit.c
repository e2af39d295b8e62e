/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.c - resource limits; see limit.h. */
#include "os/limit.h"

#include <errno.h>
#include <sys/resource.h>

uint64_t
limit_nofile(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return r.rlim_cur;
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
