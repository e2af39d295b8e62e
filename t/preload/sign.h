/* SPDX-License-Identifier: BSD-2-Clause */
/* sign.h - what a test and preload/sign.c share: a file of this, mapped by
 * both, whose name is in $T_SIGN.  Zeros: nobody waits. */
#ifndef T_PRELOAD_SIGN_H
#define T_PRELOAD_SIGN_H

#include <stdatomic.h>

struct sign {
    _Atomic int is_shut;                   /* who is to sign with RSA waits */
    _Atomic int n_waiting;                 /* those that do */
    _Atomic int n_rsa, n_others;           /* signatures of the two kinds */
    _Atomic int rsa_thread, others_thread; /* who made the last one */
};

#endif
