/* SPDX-License-Identifier: BSD-2-Clause */
/* secure.h - a client of client.h that speaks TLS.
 *
 *     test --struct client--> socketpair --thread, SSL--> TCP --> server
 *
 * secure_open makes the handshake and then has a thread carry bytes
 * between the connection and one end of a socket pair, whose other end the test
 * is given: every call of client.h works on it, half-closing included.  The end
 * of the server's side, by close_notify or without, is the end of the pair's;
 * a client that closes says close_notify.
 *
 * What is to be asked for, and what came of it, is in a struct secure, which
 * may be used for several connections, one after the other. */
#ifndef T_LIB_SECURE_H
#define T_LIB_SECURE_H

#include <stdint.h>
#include <sys/socket.h>

#include "t/lib/client.h"

struct server;

struct secure {
    /* asked for; zeros: 127.0.0.1, no SNI, any protocol, nothing verified */
    int fd; /* this connection, which becomes its; or 0 */
    uint16_t port;
    const char *unix_path;   /* a Unix socket instead */
    const char *sni;         /* and the name that the certificate must have, if
                                authority is set */
    const char *authority;   /* PEM: who must have signed it */
    const char *preface;     /* sent in the clear in front: PROXY */
    int min, max;            /* 0x0303 is TLS 1.2, 0x0304 TLS 1.3 */
    const char *ciphers;     /* of TLS 1.2 */
    const char *groups;      /* "X25519:P-256" */
    const char *sigalgs;     /* "RSA-PSS+SHA256", to be shown a certificate of
                                one kind */
    const char *alpn;        /* "h2,http/1.1" */
    const char *certificate; /* PEM, shown if asked for, with key */
    const char *key;
    int asks_ocsp;
    int is_lazy;       /* do not wait for the handshake: the thread makes it; if
                          it fails, or chooses no protocol of alpn, that is the
                          end of the connection, and nothing of what came of it
                          is known */
    const char *early; /* sent as early data, with session */
    int is_left;       /* and that is all of the handshake: the client has the
                          connection as it is */
    void *session;     /* an SSL_SESSION from secure_session, to resume; the
                          caller's: secure_forget */

    /* what came of it */
    char protocol[16];    /* "TLSv1.3" */
    char cipher[64];      /* "TLS_AES_128_GCM_SHA256" */
    char alpn_chosen[16]; /* "": none */
    char subject[128];    /* common name of what the server has shown */
    char kind[16];        /* of its key: "EC", "RSA" */
    char sha256[65];      /* of it, hexadecimal */
    int is_resumed;
    int is_early_taken;
    int n_ocsp;    /* bytes that were stapled */
    char why[256]; /* why it came to nothing */
};

/* The handshake with the first TCP listener of s, for this name (NULL: none),
 * nothing verified; one that fails fails the test. */
struct client secure_open(const struct server *s, const char *sni);
/* The handshake as how says. */
struct client secure_connect(struct secure *how);
/* The same, but one that fails only says why: false. */
int secure_try(struct secure *how, struct client *c);
/* The session that the server offers to resume, waited for: with TLS 1.3 it
 * comes behind the handshake.  The caller's; NULL: none comes within ms. */
void *secure_session(const struct client *c, int ms);
void secure_forget(void *session);
/* Whether the server has ended with close_notify (1), without (0), or not
 * within the deadline (-1). */
int secure_ended(const struct client *c);

#endif
