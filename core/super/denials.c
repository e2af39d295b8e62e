/* SPDX-License-Identifier: BSD-2-Clause */
/* denials.c - see denials.h. */
#include "super/denials.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "os/seccomp.h"

#define PAUSE_NS 1000000000ull
#define NR_MAX 1024 /* of a call that is remembered */
#define COMM_LEN 16

/* A kernel's structs may be longer than those of its headers, and it looks at
 * all of theirs. */
union request {
    struct seccomp_notif notif;
    char room[1024];
};
union answer {
    struct seccomp_notif_resp resp;
    char room[1024];
};

/* Named at most once a second; how often it came since, -1: not now. */
static int
count(int nr)
{
    static struct {
        uint64_t said_ns;
        int n;
    } calls[NR_MAX];
    uint64_t now_ns = clock_mono_ns();
    int i = nr >= 0 && nr < NR_MAX ? nr : 0, n;

    calls[i].n++;
    if (calls[i].said_ns && now_ns - calls[i].said_ns < PAUSE_NS)
        return -1;
    n = calls[i].n;
    calls[i].said_ns = now_ns;
    calls[i].n = 0;
    return n;
}

/* As its name says: "worker 0", or of a program that it has made. */
static void
find_name(pid_t thread, char out[COMM_LEN + 1])
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)thread);
    f = fopen(path, "re");
    if (!f || !fgets(out, COMM_LEN + 1, f))
        snprintf(out, COMM_LEN + 1, "?");
    out[strcspn(out, "\n")] = '\0';
    if (f)
        fclose(f);
}

static void
name(pid_t pid, const struct seccomp_notif *asked)
{
    const char *call = seccomp_name(asked->data.nr);
    char thread[COMM_LEN + 1];
    int n = count(asked->data.nr);

    if (n < 0)
        return;
    find_name((pid_t)asked->pid, thread);
    log_warn("sandbox: server process %d, thread %u \"%s\": %s is denied%s",
             (int)pid, asked->pid, thread, call ? call : "a call",
             n > 1 ? ", not for the first time" : "");
}

/* One of them: 1; 0: nobody asks any more. */
static int
answer_one(int fd, pid_t pid, int is_ready)
{
    union request asked;
    union answer a;

    memset(&asked, 0, sizeof asked);
    memset(&a, 0, sizeof a);
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
        return errno == EINTR;
    a.resp.id = asked.notif.id;
    if (seccomp_set_of(asked.notif.data.nr) == SECCOMP_RINGS && !is_ready) {
        a.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } else {
        a.resp.error = -EPERM;
        name(pid, &asked.notif);
    }
    /* It fails if the thread was killed meanwhile. */
    (void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &a);
    return 1;
}

int
denials_answer(int fd, pid_t pid, int is_ready)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    /* A thread that has gone since leaves RECV waiting for the next. */
    while (poll(&p, 1, 0) > 0 && (p.revents & POLLIN)) {
        if (!answer_one(fd, pid, is_ready))
            break;
    }
    return !(p.revents & (POLLHUP | POLLERR | POLLNVAL));
}
