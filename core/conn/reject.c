/* SPDX-License-Identifier: BSD-2-Clause */
/* reject.c - 503 by the socket alone; see reject.h. */
#include "conn/reject.h"

#include <sys/socket.h>
#include <unistd.h>

void
reject_say(int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Retry-After: 1\r\n"
                               "Content-Length: 0\r\n"
                               "Connection: close\r\n\r\n";
    char dropped[4096];

    (void)!send(fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    /* What has come already must be read, or the close is a reset that takes
     * the answer with it. */
    (void)!recv(fd, dropped, sizeof dropped, MSG_DONTWAIT);
}

void
reject(int fd)
{
    reject_say(fd);
    close(fd);
}
