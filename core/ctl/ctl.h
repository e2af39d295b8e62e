/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl.h - what the supervisor and a server process say to each other.
 *
 *     supervisor                                server process
 *        MEMORY which, seat              ->     each, if there is any
 *        FAULTS block, QUARANTINE build  ->
 *        TICKETS keys                    ->
 *        START bundle                    ->     serves it
 *        <-  SANDBOX listener                   it has one from now on
 *        <-  LISTEN address                     for each socket it wants
 *        ANSWER socket, or why not       ->
 *        <-  COMMITTED bundle                   with each generation
 *        <-  PID_FILE                           it is about to serve
 *        ANSWER                          ->
 *        <-  READY                              it serves
 *        <-  FAILED why                         it will not: before it ends
 *        <-  OPEN path                          whenever it wants a log file
 *        ANSWER file, or why not         ->
 *        RELOAD bundle, REOPEN           ->
 *        <-  DONE                               with the one or the other
 *        <-  UNLISTEN                           nobody is to find it any more
 *        ANSWER                          ->
 *        COMMAND line                    ->     of an administrator
 *        <-  RESULT line                        now or later, in any order
 *        <-  FAULT                              a plugin has crashed in it
 *        STOP                            ->     once a signal: the second cuts
 *        <-  REPLACE why                        another process should serve
 *        <-  PROBED bundle, or errors           the end of a trial
 *        REFUSED                         ->     a reload has failed before it
 *        INHERIT socket                  ->     connections come there
 *        LEAVE socket                    ->     connections go there, then it
 *                                               ends
 *
 * One message is one datagram of a socket pair that keeps their order and their
 * bounds; a descriptor may travel with it.  Each side trusts the other, yet
 * takes no message that is not whole.  The end of either process is the end of
 * the channel for the other. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "os/sock.h"

/* Of what is below.  The other side is of another program after an upgrade, one
 * version ahead or behind.  START says in the oldest version which the newest
 * is that the supervisor speaks; from the answer on both speak the newest that
 * the server process speaks too. */
#ifndef CTL_VERSION /* a test builds the program of tomorrow */
#define CTL_VERSION 1u
#endif
#define CTL_VERSION_MIN 1u
#define CTL_FD 3 /* a server process's end, from its first moment */
#define CTL_TEXT_MAX 512

/* Numbers stay: the other side may be of another program. */
enum ctl_kind {
    CTL_START = 1,  /* fd: the dump of a bundle (conf/bundle_dump.h), or none:
                       there is no memory to put it in, then the files are to
                       be read; id: ctl_source */
    CTL_ANSWER = 2, /* result; if < 0, text; to LISTEN: fd, id */
    CTL_RELOAD = 3, /* as START */
    CTL_REOPEN = 4,
    CTL_STOP = 5,
    CTL_INHERIT = 6, /* fd: of a pair, ctl/handed.h */
    CTL_LEAVE = 7,   /* fd: the other end, or none */
    CTL_REFUSED = 8, /* a reload did not get so far: it is counted */
    CTL_COMMAND = 9, /* id; fd: a line of JSON (serve/ask.h), in a memfd */
    CTL_MEMORY = 10, /* fd: what outlives the process, id: which; result: its
                        seat */
    CTL_FAULTS = 11, /* before START: fd: the block for its faults */
    CTL_QUARANTINE = 12, /* before START, text: the sha256 of a build that may
                            not run, as hexadecimal digits; and to a trial, of
                            one to do without, " load WHY" or " run WHY" */
    CTL_TICKETS = 13,    /* before START, text: the keys of session tickets
                            (tls/tickets.h), id: how many bytes */

    CTL_LISTEN = 64, /* listen */
    CTL_PID_FILE = 65,
    CTL_UNLISTEN = 66,  /* id */
    CTL_COMMITTED = 67, /* fd: the dump of the bundle that serves, or none; id:
                           the generation's number */
    CTL_READY = 68,
    CTL_DONE = 69,    /* id: the kind of what is done; result: below 0, it
                         failed; CTL_ANOTHER_PROCESS: that is what it takes,
                         text: why, fd: what it changes as text, or none; of a
                         RELOAD else fd: the outcome as a line for
                         administrators, or none */
    CTL_REPLACE = 70, /* text: why, a phrase */
    CTL_PROBED = 71,  /* result: 0, fd: the dump of what was tried; below 0,
                         id: how many errors, fd: the dump of a bundle that
                         remarks them */
    CTL_RESULT = 72,  /* id of the command; result: 0, and fd: the answer's
                         line, in a memfd; or -errno: it could not be taken, or
                         not be said */
    CTL_OPEN = 73,    /* id: ctl_open; text: an absolute path */
    CTL_SANDBOX = 74, /* fd: a listener of os/seccomp.h, which asks the
                         supervisor */
    CTL_GIVEN = 76,   /* what was idle is with the heir */
    CTL_FAILED = 77,  /* text: an error, in words; one message for each */
    CTL_FAULT = 75,   /* id: which record of the block (faults.h); result: enum
                         ctl_fault */
};

enum ctl_fault {
    CTL_FAULT_TAINTED, /* it goes on, but had better be replaced */
    CTL_FAULT_DYING,   /* it ends within crash_drain, by itself */
};

#define CTL_ANOTHER_PROCESS 1 /* a result */

/* What OPEN wants, and in its ANSWER what has become of that. */
enum ctl_open {
    CTL_OPEN_LOG = 1,
    CTL_OPEN_NOT_NAMED, /* no configuration that it was given names the path */
};

/* What a bundle was made of. */
enum ctl_source {
    CTL_COMMITTED_BUNDLE, /* what has served: plugins' images are all in it */
    CTL_FILES,            /* the files as they are: images are read as needed */
};

/* Which memory (base/vault.h, base/figures.h). */
enum ctl_memory { CTL_STORES, CTL_FIGURES, CTL_N_MEMORIES };

/* One socket.  index: which of several on the same address (reuseport). */
struct ctl_listen {
    uint32_t index, backlog, defer_accept_s, mode, owner, group, patience_ms;
    uint8_t reuseport, nodelay, sets_owner, shares;
    uint32_t address_len;
    uint8_t address[sizeof(struct sockaddr_storage)];
};

struct ctl_message {
    uint16_t kind, version;
    int32_t result; /* 0 or -errno */
    uint32_t id;
    uint32_t newest; /* of START: version */
    union {
        struct ctl_listen listen;
        char text[CTL_TEXT_MAX];
    } u;
};

/* The two ends, close-on-exec.  0 or -errno. [control] */
MUST_USE int ctl_pair(int ends[2]);
/* Send m, and passed with it unless that is -1; both stay the caller's.  In
 * version m->version, 0: ours.  Does not wait.  0 or -errno (-EAGAIN: the other
 * side does not read, -EPIPE: it is gone). [control] */
MUST_USE int ctl_send(int end, struct ctl_message *m, int passed);
/* Take a message, and what came with it (close-on-exec; else -1; if we have no
 * descriptor for it, result is -EMFILE).  1; 0: there is none now; or -errno:
 * -EPIPE the other side is gone, -EPROTO this was no message of ours. [control]
 */
MUST_USE int ctl_recv(int end, struct ctl_message *m, int *passed);

/* A socket as LISTEN has it, and back.  ctl_listen_read: 0, or -EPROTO.
 * [any] */
void ctl_listen_write(struct ctl_listen *l, const struct sock_address *a,
                      const struct sock_options *o, uint32_t index);
MUST_USE int ctl_listen_read(const struct ctl_listen *l, struct sock_address *a,
                             struct sock_options *o);

#endif
