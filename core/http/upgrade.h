/* SPDX-License-Identifier: BSD-2-Clause */
/* upgrade.h - a request that is to become a WebSocket (RFC 6455 section 4.2),
 * and et.ws/1.
 *
 *     step: accept -> ET_TAKE -> 101, response steps -> CHAIN_TAKE -> stream.h
 *        or open   -> waits --/                            stream_task.h
 *               \-> ET_DONE: it is no handshake, or not wanted
 *
 * Over HTTP/2 it is a CONNECT with :protocol (RFC 8441), which is GET to routes
 * and plugins, and answered with 200.
 *
 *     400  the key, a list, Origin; a body
 *     403  the page of somebody else
 *     405  not GET
 *     426  not HTTP/1.1, no Upgrade: websocket, another version than 13
 */
#ifndef HTTP_UPGRADE_H
#define HTTP_UPGRADE_H

#include "abi/etude_abi.h"
#include "base/check.h"
#include "proto/ws_deflate.h"
#include "proto/ws_shake.h"

struct instance;
struct req;

/* What has been agreed on, in the request's arena. */
struct upgrade {
    const et_ws_calls *calls;
    void *data, *self;
    const struct instance *instance;
    et_str protocol; /* absent: none */
    uint32_t max_message, queue_max, ping_ms;
    uint8_t member;      /* of the chain: whose step it was */
    uint8_t has_deflate; /* deflate was agreed on */
    uint8_t is_task;     /* its step goes on (stream_task.h): self is of that */
    struct ws_deflate deflate;
    char accept[WS_SHAKE_ACCEPT_LEN];
};

/* Sec-WebSocket-Extensions of the answer, in terms, which has room for
 * WS_DEFLATE_ANSWER_MAX bytes; absent: none. [worker] */
static inline et_str
upgrade_terms(const struct upgrade *u, char *terms)
{
    if (!u->has_deflate)
        return (et_str){NULL, 0};
    return (et_str){terms, ws_deflate_answer(terms, &u->deflate)};
}

/* Bytes of upgrade_put. [worker] */
size_t upgrade_max(const struct upgrade *u);
/* The fields of the answer that the handshake is about; returns their end.
 * [worker] */
char *upgrade_put(const struct upgrade *u, char *p);
/* What has to be agreed on before a step of r has its stream, which is to be
 * who's (calls, data, self, is_task): ET_TAKE, and r->upgrade says so; ET_DONE:
 * it is no handshake, or refused, which is decided; or ET_FAIL.  ask may be
 * NULL. [worker] */
uint32_t upgrade_begin(struct req *r, const struct upgrade *who,
                       const et_ws_ask *ask);
/* Whether a step of r, which has returned ET_TAKE, may: it has accepted.
 * [worker] */
int upgrade_is_on(const struct req *r);

/* et.ws/1. [any] */
const et_ws_api *upgrade_iface(void);

#endif
