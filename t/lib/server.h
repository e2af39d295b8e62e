/* SPDX-License-Identifier: BSD-2-Clause */
/* server.h - a real server process for one test.
 *
 *     struct server s;
 *     server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin hello]\n");
 *     struct client c = client_open(&s); ...
 *     ck_assert_int_eq(server_stop(&s), 0);
 *
 * It runs in a folder of its own under a temporary directory (s.dir), on ports
 * the kernel chooses, with the event backend of $T_EVENT, and is killed with
 * the test.  Everything it wrote to stderr is in s.log_path.  A call that fails
 * fails the test. */
#ifndef T_LIB_SERVER_H
#define T_LIB_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_MODULES_MAX 256

struct server {
    pid_t pid;
    char dir[64];     /* conf, modules/ */
    char conf[96];    /* dir/etude.ini */
    char modules[96]; /* dir/modules: copies of built plugins */
    /* Which of those that are built were copied: the test may have replaced or
     * removed them. */
    char copied[SERVER_MODULES_MAX];
    char log_path[96];   /* dir/log: its stderr */
    uint16_t port;       /* of the first TCP listener */
    size_t log_seen;     /* where server_wait_log goes on */
    char *const *extra;  /* further arguments, or NULL */
    const char *program; /* what to run; NULL: what was built */
};

/* Make the folder, copy the built plugins (and fixtures) that ini names into
 * its modules/, write ini, start.  The ini's [server] section gets `event` and
 * `modules` where it does not set them; "$DIR" in it stands for the folder.
 * Returns when the server serves. */
void server_start(struct server *s, const char *ini);
/* The two halves: the folder and the ini only; then the process, which may
 * fail to start: its exit code, or -1 when it serves. */
void server_prepare(struct server *s, const char *ini);
int server_launch(struct server *s);
/* server_launch that must succeed. */
void server_serve(struct server *s);
/* Run `etude ARGS...` with this folder's configuration (-c is added) to its
 * end: the exit code; what it printed (both streams) goes to out. */
int server_run(struct server *s, const char *const *args, char *out,
               size_t cap);
/* Write another ini, as server_start does. */
void server_write(struct server *s, const char *ini);
/* Copy the built plugins (and fixtures) into modules/ that text names anywhere,
 * but those that were copied before. */
void server_bring(struct server *s, const char *text);
/* Write text to dir/name, and bring what it names if that is an ini. */
void server_file(struct server *s, const char *name, const char *text);
/* What servers and plugins are built with here: true if that is ASan or TSan,
 * which take faults and memory for themselves. */
int server_is_sanitized(void);
/* The process that serves: s->pid itself, or the one it supervises now. */
pid_t server_pid(const struct server *s);
/* Of the first TCP listener, as the log says. */
uint16_t server_port(const struct server *s);
/* How many descriptors a process has open. */
int server_count_fds(pid_t pid);
/* SIGHUP, then wait for the outcome: 1 the new generation serves, 0 failed. */
int server_reload(struct server *s);
void server_signal(struct server *s, int signo);
/* Wait (bounded) until the log has a new line with text after what was seen
 * by the last such call; returns that line in a static buffer. */
const char *server_wait_log(struct server *s, const char *text);
/* How many lines of the log have text. */
int server_count_log(const struct server *s, const char *text);
/* True if the log has text anywhere. */
int server_has_log(struct server *s, const char *text);
/* Have the program replace itself; the number of the server process that takes
 * over. */
pid_t server_upgrade(struct server *s);
/* Wait for the process to end by itself; its exit code (128 + n for a signal),
 * and remove the folder. */
int server_wait(struct server *s);
/* Remove the folder of a server that was prepared and does not run. */
void server_clean(struct server *s);
/* SIGTERM and server_wait. */
int server_stop(struct server *s);
/* The event backend under test: "io_uring" or "epoll". */
const char *server_event(void);

#endif
