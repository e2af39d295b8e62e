/* SPDX-License-Identifier: BSD-2-Clause */
/* chain_compose.c - laying out the flat arrays; see chain_compose.h. */
#include "http/chain_compose.h"

#include "base/check.h"
#include "http/chain.h"
#include "http/task.h"

struct counts {
    uint8_t req, resp, log, tasks;
};

static int
is_task(const struct chain_member *m)
{
    return m->request && m->body & ET_F_TASK;
}

static struct counts
count(const struct chain_member *m, uint32_t n)
{
    struct counts c = {0, 0, 0, 0};

    for (uint32_t i = 0; i < n; i++) {
        c.req = (uint8_t)(c.req + (m[i].request != NULL));
        c.resp = (uint8_t)(c.resp + (m[i].response != NULL));
        c.log = (uint8_t)(c.log + (m[i].log != NULL));
        c.tasks = (uint8_t)(c.tasks + is_task(&m[i]));
    }
    return c;
}

static size_t
n_steps(struct counts c)
{
    return (size_t)c.req + c.resp + c.log;
}

size_t
chain_compose_size(const struct chain_member *members, uint32_t n)
{
    struct counts c = count(members, n);
    size_t bytes = sizeof(struct chain) +
                   (n_steps(c) + c.tasks) * sizeof(struct chain_step) +
                   2 * (c.req + 1u) /* entry, wait */ + c.req /* body */ +
                   n_steps(c) /* member */;

    return (bytes + 15u) & ~(size_t)15u;
}

static void
put(struct chain_step *steps, uint8_t *member, uint32_t slot, et_step fn,
    const struct chain_member *members, uint32_t i)
{
    steps[slot] = (struct chain_step){fn, members[i].self};
    member[slot] = (uint8_t)i;
}

/* How many response steps belong to members that have not seen the request. */
static uint8_t
unseen(const struct chain_member *m, uint32_t n, uint32_t entered, int waiting)
{
    uint32_t before = 0;
    uint8_t count = 0;

    for (uint32_t i = 0; i < n; i++) {
        int has_request = m[i].request != NULL;
        if (m[i].response &&
            !chain_has_seen(before, has_request, entered, waiting))
            count++;
        before += (uint32_t)has_request;
    }
    return count;
}

static void
fill_entry(uint8_t *entry, uint8_t *wait, uint32_t n_req,
           const struct chain_member *m, uint32_t n)
{
    for (uint32_t d = 0; d <= n_req; d++) {
        entry[d] = unseen(m, n, d, 0);
        wait[d] = unseen(m, n, d, 1);
    }
}

struct chain *
chain_compose(void *block, const struct chain_member *members, uint32_t n)
{
    struct counts c = count(members, n);
    struct chain *chain = block;
    struct chain_step *steps = (struct chain_step *)(chain + 1);
    struct chain_step *tasks = steps + n_steps(c);
    uint8_t *entry = (uint8_t *)(tasks + c.tasks);
    uint8_t *wait = entry + c.req + 1;
    uint8_t *body = wait + c.req + 1;
    uint8_t *member = body + c.req;
    uint32_t req = 0, resp = (uint32_t)c.req + c.resp;
    uint32_t log = resp;

    CHECK(n > 0 && n <= CHAIN_MAX_MEMBERS && members[n - 1].request);
    chain->wants_body = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (members[i].request) {
            body[req] = members[i].body & ET_B_BUFFER;
            chain->wants_body |= members[i].body & ET_B_BUFFER;
            put(steps, member, req, members[i].request, members, i);
            if (is_task(&members[i])) {
                *tasks = steps[req];
                steps[req] = (struct chain_step){task_begin, tasks++};
            }
            req++;
        }
        if (members[i].response)
            put(steps, member, --resp, members[i].response, members, i);
        if (members[i].log)
            put(steps, member, log++, members[i].log, members, i);
    }
    fill_entry(entry, wait, c.req, members, n);
    chain->req = steps;
    chain->resp = steps + c.req;
    chain->log = steps + c.req + c.resp;
    chain->entry = entry;
    chain->wait = wait;
    chain->body = body;
    chain->member = member;
    chain->members = members;
    chain->n_req = c.req;
    chain->n_resp = c.resp;
    chain->n_log = c.log;
    chain->n_members = (uint8_t)n;
    return chain;
}
