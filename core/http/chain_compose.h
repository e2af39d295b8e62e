/* SPDX-License-Identifier: BSD-2-Clause */
/* chain_compose.h - the chain of a route out of its members: the arrays that
 * chain.h describes, in one block. */
#ifndef HTTP_CHAIN_COMPOSE_H
#define HTTP_CHAIN_COMPOSE_H

#include <stddef.h>
#include <stdint.h>

struct chain;
struct chain_member;

/* Bytes chain_compose needs for these members. [worker] */
size_t chain_compose_size(const struct chain_member *members, uint32_t n);
/* Lay the chain of members (outermost first, handler last) out in block,
 * chain_compose_size bytes aligned to 16.  members is kept. [worker] */
struct chain *chain_compose(void *block, const struct chain_member *members,
                            uint32_t n);

#endif
