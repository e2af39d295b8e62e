/* SPDX-License-Identifier: BSD-2-Clause */
/* incoming.c - a reply as it comes from a socket, at once or in pieces, read in
 * steps of any size: the same end, the same bytes, and never more than may be.
 */
#include "http/incoming.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/blocks.h"

#define MAX_BODY 1000u
#define INPUT_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    int64_t rc;
    uint64_t n, hash;
    unsigned status;
    int stays;
};

static struct incoming in;
static struct blocks blocks;

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* Read what there is, in steps of at most step bytes. */
static void
read_on(int fd, size_t step, struct result *r)
{
    char buf[64];

    if (!in.has_head) {
        r->rc = incoming_head(&in, fd);
        if (r->rc != 0)
            return;
        r->status = in.head.status;
        require(r->status >= 200 && r->status <= 599);
    }
    while ((r->rc = incoming_read(&in, fd, buf, step)) > 0) {
        require((size_t)r->rc <= step);
        for (int64_t i = 0; i < r->rc; i++)
            r->hash = r->hash * 31 + (uint8_t)buf[i];
        r->n += (uint64_t)r->rc;
        require(r->n <= MAX_BODY);
    }
}

static struct result
play(const uint8_t *data, size_t size, int is_cut)
{
    struct result r = {.rc = INCOMING_MORE};
    uint32_t seed = (uint32_t)size;
    size_t at = 0;
    int fd[2];

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    incoming_init(&in, &blocks, size > 0 && data[size - 1] == 'h', MAX_BODY);
    while (r.rc == INCOMING_MORE && at < size) {
        size_t n = size - at;
        seed = seed * 1103515245u + 12345u + data[at];
        if (is_cut && n > 1 + (seed >> 16) % 97)
            n = 1 + (seed >> 16) % 97;
        require(send(fd[1], data + at, n, MSG_NOSIGNAL) == (ssize_t)n);
        at += n;
        read_on(fd[0], is_cut ? 1 + (seed >> 24) % 64 : 64, &r);
    }
    close(fd[1]);
    if (r.rc == INCOMING_MORE)
        read_on(fd[0], 64, &r);
    require(r.rc != INCOMING_MORE);
    r.stays = r.rc == 0 && at == size && incoming_may_stay(&in);
    incoming_fini(&in);
    require(blocks.out_bytes == 0);
    close(fd[0]);
    return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, cut;

    if (size > INPUT_MAX)
        return 0;
    if (blocks.max_bytes == 0) {
        blocks_init(&blocks, 1 << 20);
        http1_init_simd();
    }
    whole = play(data, size, 0);
    cut = play(data, size, 1);
    require(whole.rc == cut.rc && whole.status == cut.status);
    /* What is refused as too large is, however much of it was read. */
    require(whole.rc < 0 || (whole.n == cut.n && whole.hash == cut.hash));
    require(whole.stays <= cut.stays);
    return 0;
}
