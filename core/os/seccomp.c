/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp.c - see seccomp.h. */
#include "os/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#endif

#if defined __SANITIZE_ADDRESS__
#define TRACE 0 /* LeakSanitizer traces its own process */
#else
#define TRACE SECCOMP_NEVER
#endif

/* Flags and calls that older headers lack. */
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1ul << 4)
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#define SYS_fspick 433
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define X32_BIT 0x40000000u
#define NAMESPACES                                                             \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |             \
     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define CALL(set, name)                                                        \
    {                                                                          \
        SYS_##name, (set), #name                                               \
    }

static const struct call {
    int nr;
    unsigned set;
    const char *name;
} calls[] = {
    CALL(TRACE, ptrace),
    CALL(SECCOMP_NEVER, process_vm_readv),
    CALL(SECCOMP_NEVER, process_vm_writev),
    CALL(SECCOMP_NEVER, pidfd_getfd),
    CALL(SECCOMP_NEVER, perf_event_open),
    CALL(SECCOMP_NEVER, bpf),
    CALL(SECCOMP_NEVER, userfaultfd),
    CALL(SECCOMP_NEVER, mount),
    CALL(SECCOMP_NEVER, umount2),
    CALL(SECCOMP_NEVER, pivot_root),
    CALL(SECCOMP_NEVER, open_tree),
    CALL(SECCOMP_NEVER, move_mount),
    CALL(SECCOMP_NEVER, fsopen),
    CALL(SECCOMP_NEVER, fsconfig),
    CALL(SECCOMP_NEVER, fsmount),
    CALL(SECCOMP_NEVER, fspick),
    CALL(SECCOMP_NEVER, mount_setattr),
    CALL(SECCOMP_NEVER, open_by_handle_at),
    CALL(SECCOMP_NEVER, swapon),
    CALL(SECCOMP_NEVER, swapoff),
    CALL(SECCOMP_NEVER, reboot),
    CALL(SECCOMP_NEVER, kexec_load),
    CALL(SECCOMP_NEVER, kexec_file_load),
    CALL(SECCOMP_NEVER, init_module),
    CALL(SECCOMP_NEVER, finit_module),
    CALL(SECCOMP_NEVER, delete_module),
    CALL(SECCOMP_NEVER, keyctl),
    CALL(SECCOMP_NEVER, add_key),
    CALL(SECCOMP_NEVER, request_key),
    CALL(SECCOMP_NEVER, setns),
    CALL(SECCOMP_NEVER, unshare),
    CALL(SECCOMP_EXEC, execve),
    CALL(SECCOMP_EXEC, execveat),
    CALL(SECCOMP_RINGS, io_uring_setup),
};

static const struct call *
find(int nr)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (calls[i].nr == nr)
            return &calls[i];
    }
    return NULL;
}

unsigned
seccomp_set_of(int nr)
{
    const struct call *c = find(nr);

    return c ? c->set : nr == SYS_clone ? SECCOMP_NEVER : 0;
}

const char *
seccomp_name(int nr)
{
    const struct call *c = find(nr);

    return c ? c->name : nr == SYS_clone ? "clone of a namespace" : NULL;
}

#ifdef ARCH

/* ---- the program ---------------------------------------------------------*/

#define HEAD_LEN 6
#define TAIL_LEN 7

struct program {
    struct sock_filter code[HEAD_LEN + 2 * ARRAY_LEN(calls) + TAIL_LEN];
    unsigned short n;
};

static void
put(struct program *p, struct sock_filter f)
{
    CHECK(p->n < ARRAY_LEN(p->code));
    p->code[p->n++] = f;
}

#define LOAD(field)                                                            \
    (struct sock_filter)                                                       \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                     \
                 (uint32_t)offsetof(struct seccomp_data, field))
/* The next one is done only if it is so; is not, is as large, has bits. */
#define ONLY_IF(x)                                                             \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (x), 0, 1)
#define UNLESS(x)                                                              \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (x), 1, 0)
#define ONLY_FROM(x)                                                           \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (x), 0, 1)
#define ONLY_WITH(x)                                                           \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (x), 0, 1)
#define RETURN(action) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, (action))
#define NO_SUCH_CALL (SECCOMP_RET_ERRNO | ENOSYS)

/* The flags are the low half of the first argument: little-endian machines. */
static void
put_clone(struct program *p, uint32_t denied)
{
    put(p, ONLY_IF(SYS_clone3));
    put(p, RETURN(NO_SUCH_CALL));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0,
                                        3));
    put(p, LOAD(args[0]));
    put(p, ONLY_WITH(NAMESPACES));
    put(p, RETURN(denied));
}

static void
write_program(struct program *p, unsigned sets, uint32_t denied)
{
    p->n = 0;
    put(p, LOAD(arch));
    put(p, UNLESS(ARCH));
    put(p, RETURN(NO_SUCH_CALL));
    put(p, LOAD(nr));
    put(p, ONLY_FROM(X32_BIT));
    put(p, RETURN(NO_SUCH_CALL));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (!(calls[i].set & sets))
            continue;
        put(p, ONLY_IF((uint32_t)calls[i].nr));
        put(p, RETURN(denied));
    }
    put_clone(p, denied);
    put(p, RETURN(SECCOMP_RET_ALLOW));
}

static int
install(unsigned sets, uint32_t denied, unsigned long flags)
{
    struct program p;
    struct sock_fprog f = {.filter = p.code};
    long rc;

    write_program(&p, sets, denied);
    f.len = p.n;
    /* Without SPEC_ALLOW some kernels slow every thread of the process down. */
    flags |= SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &f);
    if (rc < 0)
        return -errno;
    return (int)rc;
}

int
seccomp_deny(unsigned sets, int *listener)
{
    int rc = install(sets, SECCOMP_RET_USER_NOTIF,
                     SECCOMP_FILTER_FLAG_NEW_LISTENER |
                         SECCOMP_FILTER_FLAG_TSYNC_ESRCH);

    *listener = rc < 0 ? -1 : rc;
    if (rc >= 0)
        return 0;
    sets &= ~(unsigned)SECCOMP_RINGS;
    rc = install(sets, SECCOMP_RET_ERRNO | EPERM, 0);
    return rc > 0 ? -ESRCH
                  : rc; /* > 0: a thread that has a filter of its own */
}

#else

int
seccomp_deny(unsigned sets, int *listener)
{
    (void)sets;
    *listener = -1;
    return -ENOSYS;
}

#endif
