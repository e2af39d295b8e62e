/* SPDX-License-Identifier: BSD-2-Clause */
/* sign.c - who signs, and when (sign.h), for LD_PRELOAD: each signature of a
 * handshake is a call of EVP_DigestSign. */
#include <dlfcn.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "t/preload/share.h"
#include "t/preload/sign.h"

#define TURN_US 2000

static struct sign *shared; /* NULL: nobody asks */

static __attribute__((constructor)) void
begin(void)
{
    shared = share_map("T_SIGN", sizeof *shared);
}

static int
is_rsa(EVP_MD_CTX *ctx)
{
    EVP_PKEY_CTX *key = EVP_MD_CTX_get_pkey_ctx(ctx);

    return key && EVP_PKEY_is_a(EVP_PKEY_CTX_get0_pkey(key), "RSA");
}

static void
note(EVP_MD_CTX *ctx)
{
    if (!is_rsa(ctx)) {
        atomic_store(&shared->others_thread, gettid());
        atomic_fetch_add(&shared->n_others, 1);
        return;
    }
    atomic_fetch_add(&shared->n_waiting, 1);
    while (atomic_load(&shared->is_shut))
        usleep(TURN_US);
    atomic_fetch_sub(&shared->n_waiting, 1);
    atomic_store(&shared->rsa_thread, gettid());
    atomic_fetch_add(&shared->n_rsa, 1);
}

/* Without sig it is only asked how long it would be. */
int
EVP_DigestSign(EVP_MD_CTX *ctx, unsigned char *sig, size_t *n,
               const unsigned char *text, size_t n_text)
{
    __typeof__(&EVP_DigestSign) next =
        (__typeof__(&EVP_DigestSign))dlsym(RTLD_NEXT, "EVP_DigestSign");

    if (sig && shared)
        note(ctx);
    return next(ctx, sig, n, text, n_text);
}
