/* SPDX-License-Identifier: BSD-2-Clause */
/* handed.c - see handed.h. */
#include "ctl/handed.h"

#include "ctl/pass.h"

_Static_assert(sizeof(struct handed_message) == 128, "for good");

int
handed_send(int end, struct handed_message *m, int fd)
{
    m->version = HANDED_VERSION;
    return pass_send(end, m, sizeof *m, fd);
}

int
handed_recv(int end, struct handed_message *m, int *fd)
{
    return pass_recv(end, m, sizeof *m, fd);
}
