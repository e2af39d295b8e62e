/* SPDX-License-Identifier: BSD-2-Clause */
/* directive.c - see directive.h. */
#include "conf/directive.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "conf/conf.h"
#include "config.h"

#define K INT64_C(1024)
#define M (1024 * K)
#define G (1024 * M)
#define MS INT64_C(1)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

#define SERVER(f) .name = #f, .off = offsetof(struct conf_server, f)
#define LISTEN(f) .name = #f, .off = offsetof(struct conf_listen, f)
#define ROUTE(f) .name = #f, .off = offsetof(struct conf_route, f)
#define SCOPE(f) .name = #f, .off = offsetof(struct conf_scope, f)
#define PLUGIN(f) .name = #f, .off = offsetof(struct conf_plugin, f)
#define TLS(f) .name = "tls." #f, .off = offsetof(struct conf_listen, tls_##f)
#define PLACE(kind, f) .place_off = offsetof(struct conf_##kind, f)

#define AUTO .word = "auto", .word_value = CONF_AUTO
#define INHERIT .word = "inherit", .word_value = CONF_INHERIT
#define TYPE(t, ...) .spec = {.type = VALUE_##t, __VA_ARGS__}
#define NUMBER(t, lo, hi, ...)                                                 \
    .spec = {.type = (t), .min = (lo), .max = (hi), __VA_ARGS__}
#define INT(lo, hi, ...) NUMBER(VALUE_INT, lo, hi, __VA_ARGS__)
#define SIZE(lo, hi, ...) NUMBER(VALUE_SIZE, lo, hi, __VA_ARGS__)
#define TIME(lo, hi, ...) NUMBER(VALUE_TIME, lo, hi, __VA_ARGS__)
#define CHOICE(names) .spec = {.type = VALUE_CHOICE, .choices = (names)}

/* clang-format off */
static const struct directive server_rows[] = {
    {SERVER(listen), TYPE(LISTEN),
     .reload = DIRECTIVE_LISTENER, .may_repeat = 1,
     .example = "127.0.0.1:8080, if there is no [listen NAME]",
     .help = "addresses to serve on, with commas between them; *:port is both "
             "IPv4 and IPv6, a name is all its addresses"},
    {SERVER(include), TYPE(GLOBS), .may_repeat = 1,
     .help = "further files, relative to this one; matches of a pattern are "
             "read in the order of their bytes, and it may match none"},
    {SERVER(workers), INT(1, 1024, AUTO),
     .reload = DIRECTIVE_PROCESS, .dflt = "auto",
     .help = "threads that serve; auto: the CPUs this process may use, by "
             "affinity and cgroup quota"},
    {SERVER(max_waits), INT(1, 1048576), .reload = DIRECTIVE_PROCESS,
     .dflt = "131072",
     .help = "requests, timers, jobs and loops of plugins that may wait at once, per "
             "worker"},
    {SERVER(max_tasks), INT(1, 1000000), .reload = DIRECTIVE_PROCESS,
     .dflt = "8192",
     .help = "steps of plugins that may run on stacks of their own at once, per "
             "worker; beyond it 503"},
    {SERVER(task_stack), SIZE(16 * K, 64 * M), .reload = DIRECTIVE_PROCESS,
     .dflt = "64k",
     .help = "bytes of such a stack; only what is used of it takes memory"},
    {SERVER(max_fetches), INT(1, 65536), .reload = DIRECTIVE_PROCESS,
     .dflt = "1024",
     .help = "requests to other servers that plugins may have open at once, per "
             "worker; a plugin is told when there is no room"},
    {SERVER(fetch_idle), INT(0, 65536), .reload = DIRECTIVE_PROCESS,
     .dflt = "64",
     .help = "connections to other servers that are kept for the next request, "
             "per worker; the oldest gives way"},
    {SERVER(fetch_idle_timeout), TIME(0, 1 * DAY),
     .reload = DIRECTIVE_PROCESS, .dflt = "30s",
     .help = "time for which such a one may be idle; 0: none is kept"},
    {SERVER(pool_threads), INT(1, 1024), .reload = DIRECTIVE_PROCESS,
     .dflt = "8",
     .help = "threads for what plugins do that blocks, and for tls.offload; "
             "they are started when they are first wanted"},
    {SERVER(pool_queue), INT(1, 1048576), .reload = DIRECTIVE_PROCESS,
     .dflt = "1024",
     .help = "jobs that may wait for a thread of the pool; a plugin is told "
             "when there is no room"},
    {SERVER(max_subscriptions), INT(1, 1048576), .reload = DIRECTIVE_PROCESS,
     .dflt = "131072",
     .help = "subscriptions to channels that plugins may have at once, per "
             "worker"},
    {SERVER(channel_max_message), SIZE(0, 1 * G), .dflt = "64k",
     .help = "bytes of a message that is published to a channel; a plugin is "
             "told when it is larger"},
    {SERVER(channel_memory), SIZE(64 * K, 1024 * G), .dflt = "64m",
     .help = "bytes of all messages of channels that somebody is still to "
             "read; a plugin that publishes is told when there is no room; at "
             "most a quarter of it is on its way to a single worker, and a "
             "sixteenth in a single queue"},
    {SERVER(pin), CHOICE("auto|yes|no"), .reload = DIRECTIVE_PROCESS,
     .dflt = "auto",
     .help = "bind each worker to a CPU; auto: unless a cgroup quota or a "
             "shared set of CPUs makes it harmful"},
    {SERVER(event), CHOICE("auto|io_uring|epoll"),
     .reload = DIRECTIVE_PROCESS, .dflt = "auto",
     .help = "how workers wait for the kernel; auto: io_uring where it is "
             "allowed, else epoll"},
    {SERVER(accept), CHOICE("pipe|reuseport"), .reload = DIRECTIVE_PROCESS,
     .dflt = "pipe",
     .help = "pipe: one thread accepts and hands connections to workers; "
             "reuseport: each worker accepts for itself (when a reload "
             "leaves fewer of them, a connection that is just being made may "
             "be reset, unless net.ipv4.tcp_migrate_req is 1)"},
    {SERVER(balance), CHOICE("round-robin|least-connections|hash"),
     .reload = DIRECTIVE_PROCESS, .dflt = "round-robin",
     .help = "which worker gets the next connection: the next one, the one "
             "that has the fewest, or always the same one for a client's "
             "address (of one worker more each gets its share, and no client "
             "moves but to that one); with accept = reuseport the kernel "
             "decides instead"},
    {SERVER(overload), CHOICE("queue|shed"), .dflt = "queue",
     .help = "when all workers are full: leave connections in the kernel's "
             "queue, or answer 503 (over TLS: the alert internal_error) and "
             "close"},
    {SERVER(modules), TYPE(PATH),
     .example = "the folder of the installation",
     .help = "folder in which [plugin X] finds X.so"},
    {SERVER(module_owner), CHOICE("strict|any"), .dflt = "strict",
     .help = "strict: a module must belong to root or to the server's user "
             "and be writable by nobody else, and nobody else may read a "
             "tls.key; any: whoever they belong to"},
    {SERVER(plugin_staging), CHOICE("auto|memfd|file"), .dflt = "auto",
     .help = "where the private copy of a module lives that is loaded: sealed "
             "memory, or a file in runtime_dir"},
    {SERVER(use), TYPE(NAMES),
     .help = "middleware of every request, outermost first, 404 and 405 "
             "answers included"},
    {SERVER(pid_file), TYPE(PATH, .word = "none"),
     .reload = DIRECTIVE_PROCESS, .dflt = "none",
     .help = "file that holds the process id while the server runs"},
    {SERVER(supervise), TYPE(BOOL),
     .reload = DIRECTIVE_RESTART, .dflt = "yes",
     .help = "a process of its own holds the listening sockets and starts the "
             "one that serves again if it dies; no: one process, to debug it, "
             "without sandbox, quarantine, or a trial in front of a reload"},
    {SERVER(log), TYPE(PATH, .word = "stderr"), .dflt = "stderr",
     .help = "the server's log; a file is reopened on SIGUSR1"},
    {SERVER(log_level), CHOICE("error|warn|info|debug"), .dflt = "info",
     .help = "records above it are dropped"},
    {SERVER(log_format), CHOICE("text|json"), .dflt = "text",
     .help = "how a record is written"},
    {SERVER(max_request_line), SIZE(64, 1 * M), .dflt = "8k",
     .help = "bytes of a request line: method, target and version; beyond it "
             "414"},
    {SERVER(max_header), SIZE(256, 1 * M),
     .dflt = "8k",
     .help = "bytes of all header fields of a request with the blank line, "
             "and of all trailer fields behind its body; beyond it 431"},
    {SERVER(max_headers), INT(1, 1000),
     .dflt = "100",
     .help = "header fields of a request, the cookies of HTTP/2 together one; "
             "beyond it 431"},
    {SERVER(max_body), SIZE(0, 1024 * G), .dflt = "1m",
     .help = "bytes of a decoded request body; beyond it 413; a route may "
             "set its own"},
    {SERVER(body_memory), SIZE(0, 16 * M), .dflt = "64k",
     .help = "bytes of a body kept in memory; a longer one goes to a file in "
             "temp_dir"},
    {SERVER(body_memory_total),
     SIZE(64 * K, 1024 * G, AUTO),
     .dflt = "auto",
     .help = "bytes of all bodies in memory; auto: from the memory this "
             "process may use"},
    {SERVER(temp_dir), TYPE(PATH), .dflt = "/tmp",
     .help = "folder of the unnamed files that hold long bodies"},
    {SERVER(temp_max), SIZE(0, 1024 * G),
     .dflt = "1g", .help = "bytes of all those files; beyond it 507"},
    {SERVER(discard_body), SIZE(0, 1 * G), .dflt = "64k",
     .help = "bytes of a body nobody wanted that are read before the "
             "connection is closed instead; HTTP/2: beyond those that were on "
             "their way (h2_window), before the stream is reset instead"},
    {SERVER(ws_max_message), SIZE(1, 15 * M), .dflt = "1m",
     .help = "bytes of a message that comes on a WebSocket, inflated; beyond "
             "it the connection is closed (1009); a plugin may set its own"},
    {SERVER(ws_queue), SIZE(1 * K, 1 * G), .dflt = "256k",
     .help = "bytes that may wait to be sent on a WebSocket, but for a single "
             "message; beyond it a plugin is told so; when half of it waits "
             "nothing more is read there"},
    {SERVER(ws_ping), TIME(0, 1 * DAY), .dflt = "30s",
     .help = "silence on a WebSocket before a ping; one that is not answered "
             "in the same time ends it; 0: none"},
    {SERVER(ws_deflate), CHOICE("no|fresh|takeover"), .dflt = "no",
     .help = "compression of messages on WebSockets (permessage-deflate) where "
             "clients offer it; fresh: each message by itself, nothing is held "
             "between them; takeover: with those before it, which takes up to "
             "85 KiB of each"},
    {SERVER(ws_deflate_memory), SIZE(0, 1024 * G), .dflt = "64m",
     .help = "bytes that this may hold between messages, per worker; beyond it "
             "offers are declined; and bytes that messages may hold which came "
             "compressed, and are not whole or not taken by their task; beyond "
             "it, but for a single one, they are refused (1013)"},
    {SERVER(ws_deflate_min), SIZE(1, 16 * M), .dflt = "1k",
     .help = "bytes of the smallest message that is compressed"},
    {SERVER(store_memory), SIZE(1 * M, 63 * G), .reload = DIRECTIVE_RESTART,
     .dflt = "16m",
     .help = "bytes that all stores of plugins may hold, over all processes; "
             "set when the server is started, an upgrade leaves it as it "
             "is"},
    {SERVER(store_keep), TIME(0, 365 * DAY), .dflt = "1h",
     .help = "time after which a store that no plugin has open any more is "
             "dropped"},
    {SERVER(handshake_timeout),
     TIME(100 * MS, 1 * HOUR), .dflt = "10s",
     .help = "time for a TLS handshake from when a connection is accepted"},
    {SERVER(header_timeout),
     TIME(100 * MS, 1 * HOUR), .dflt = "10s",
     .help = "time for a complete request head from its first byte; beyond it "
             "408"},
    {SERVER(body_timeout), TIME(0, 1 * DAY),
     .dflt = "30s",
     .help = "longest pause within a request body; beyond it 408; 0: none; a "
             "route may set its own"},
    {SERVER(body_min_rate), SIZE(0, 1 * G),
     .dflt = "256",
     .help = "bytes a second a body must bring on average, once body_timeout "
             "has passed; 0: any"},
    {SERVER(write_timeout),
     TIME(100 * MS, 1 * DAY), .dflt = "30s",
     .help = "longest time in which a client takes nothing of a response; over "
             "HTTP/2 less than 1 KiB of one that has more is nothing; a route may "
             "set its own"},
    {SERVER(wait_timeout), TIME(0, 1 * DAY), .dflt = "60s",
     .help = "longest time for which a step that suspends a request "
             "(et_suspend) has it wait, unless it says itself how long; beyond "
             "it 504; 0: any; a route may set its own; of tasks and jobs only "
             "what they say themselves holds"},
    {SERVER(keepalive_timeout), TIME(0, 1 * DAY),
     .dflt = "65s",
     .help = "time a connection may be idle; 0: close after each response"},
    {SERVER(drain_timeout), TIME(0, 1 * DAY),
     .dflt = "20s",
     .help = "time requests in flight have to end when the server stops, and "
             "answers that are written piece by piece when a reload has "
             "replaced what writes them; a second signal ends it at once (the same one again after 50 ms, "
             "200 ms from another sender)"},
    {SERVER(prepare_timeout), TIME(100 * MS, 1 * HOUR),
     .dflt = "10s",
     .help = "time the workers have to make a new generation ready; a reload "
             "that takes longer is given up; also for a plugin's command (etude "
             "command)"},
    {SERVER(probe_timeout), TIME(0, 1 * HOUR),
     .dflt = "5s",
     .help = "time the trial load has: before a start and a reload a process "
             "that serves nothing loads and opens all plugins; 0: none is made. "
             "The same time is theirs in -t, routes, plugins and check; 0: as "
             "long as they like"},
    {SERVER(start_timeout), TIME(1000 * MS, 1 * HOUR),
     .dflt = "1m",
     .help = "time a server process has to become ready that is to take over "
             "from one that serves; else that one serves on"},
    {SERVER(shutdown_delay), TIME(0, 1 * HOUR),
     .dflt = "0",
     .help = "time to go on serving after TERM while readiness is false, so "
             "that a balancer notices"},
    {SERVER(idle_grace), TIME(0, 1 * HOUR), .dflt = "1s",
     .help = "when stopping, idle connections are closed after this time"},
    {SERVER(idle_demote), TIME(0, 1 * DAY), .dflt = "2s",
     .help = "an idle connection gives its armed receive back after this "
             "time, and one of HTTP/2 most of its memory; 0: never"},
    {.name = "tls.ktls",
     .off = offsetof(struct conf_server, tls_ktls), CHOICE("auto|off"),
     .dflt = "off",
     .help = "who makes the records of TLS that are sent; auto: the kernel where "
             "it can (CONFIG_TLS; where that is a module: modprobe tls, at "
             "each boot by /etc/modules-load.d) and the cipher is AES-GCM, "
             "files then leave by sendfile; a client that asks for new keys "
             "(KeyUpdate) is then hung up on; not with tls.early_data; "
             "etude status says which it is"},
    {.name = "tls.ticket_keys",
     .off = offsetof(struct conf_server, tls_ticket_keys), TYPE(PATH),
     .is_read = 1, .example = "keys of its own, a new one each hour",
     .help = "file of 80 random bytes a key, to share with other machines what "
             "clients need to resume TLS sessions: the first key encrypts, all "
             "of them decrypt; its permissions are judged as those of tls.key"},
    {SERVER(trusted_proxies), TYPE(NETS), .may_repeat = 1,
     .help = "networks whose word about the client's address is believed"},
    {SERVER(client_address),
     CHOICE("x-forwarded-for|forwarded|x-real-ip"),
     .dflt = "x-forwarded-for",
     .help = "the field in which trusted proxies tell it; the last hop that "
             "is not trusted counts"},
    {SERVER(runtime_dir), TYPE(PATH),
     .reload = DIRECTIVE_PROCESS,
     .example = "$RUNTIME_DIRECTORY, else /run/etude if it can be written",
     .help = "folder of the control socket and of staged modules"},
    {SERVER(slab_capacity),
     INT(16, 16777216, AUTO),
     .reload = DIRECTIVE_PROCESS, .dflt = "auto",
     .help = "connections per worker; auto: from the limits on files and "
             "memory"},
    {SERVER(read_buffer), SIZE(1 * K, 1 * M),
     .reload = DIRECTIVE_LIVE, .dflt = "16k",
     .help = "input kept for a connection that waits for its answer to leave; "
             "beyond it nothing more is received"},
    {SERVER(write_buffer), SIZE(1 * K, 1 * M),
     .reload = DIRECTIVE_PROCESS, .dflt = "16k",
     .help = "bytes of pipelined answers gathered into one send"},
    {SERVER(backlog), INT(1, 65535),
     .reload = DIRECTIVE_LISTENER, .dflt = "4096",
     .help = "connections the kernel queues per listener, within "
             "net.core.somaxconn"},
    {SERVER(defer_accept), TYPE(BOOL),
     .reload = DIRECTIVE_LISTENER, .dflt = "no",
     .help = "accept a connection only when its first bytes are there"},
    {SERVER(h2c), TYPE(BOOL),
     .reload = DIRECTIVE_LISTENER, .dflt = "no",
     .help = "HTTP/2 without TLS for who begins with it (prior knowledge); "
             "Upgrade is not offered"},
    {SERVER(h2_streams), INT(1, 1000),
     .reload = DIRECTIVE_LIVE, .dflt = "128",
     .help = "requests at a time on an HTTP/2 connection; of new connections"},
    {SERVER(h2_window), SIZE(1 * K, 16 * M),
     .reload = DIRECTIVE_LIVE, .dflt = "64k",
     .help = "bytes of a request's body that are kept before a step reads "
             "them, HTTP/2; as many can be on their way, so an upload makes at "
             "most so many in a round trip: 64k are 640 KiB a second at 100 ms; "
             "of new connections"},
    {SERVER(server_header), TYPE(BOOL), .dflt = "yes",
     .help = "send the Server field"},
    {SERVER(slash), CHOICE("redirect|strict"), .dflt = "redirect",
     .help = "a path that only a final slash keeps from a route: 308 to that "
             "route, or 404"},
    {SERVER(health), TYPE(TARGET, .word = "off"), .dflt = "off",
     .help = "path that answers 200 while the process lives, before any "
             "middleware"},
    {SERVER(ready), TYPE(TARGET, .word = "off"), .dflt = "off",
     .help = "path that answers 200 while new requests are welcome, 503 when "
             "stopping"},
    {SERVER(metrics), TYPE(TARGET, .word = "off"), .dflt = "off",
     .help = "path that answers with the figures of the server and its "
             "plugins in the text format of Prometheus, before any middleware "
             "and to anybody"},
    {SERVER(admin), TYPE(PATH, .word = "off"),
     .reload = DIRECTIVE_RESTART,
     .example = "etude.sock in runtime_dir, off if there is none",
     .help = "Unix socket that takes orders from the server's user (etude "
             "status, reload, stop ...)"},
    {SERVER(reload_timeout), TIME(100 * MS, 1 * DAY), .dflt = "60s",
     .help = "time etude reload waits for the outcome; the reload goes on "
             "without it"},
    {SERVER(user), TYPE(STR), .reload = DIRECTIVE_PROCESS,
     .example = "whoever starts it",
     .help = "name or number of the user that plugins run as; root stays where "
             "files are read, sockets and logs opened"},
    {SERVER(group), TYPE(STR), .reload = DIRECTIVE_PROCESS,
     .example = "the user's, with all it is in",
     .help = "its group, by name or number"},
    {SERVER(max_files), INT(64, 1 << 30, AUTO), .reload = DIRECTIVE_PROCESS,
     .dflt = "auto",
     .help = "open files, connections among them (RLIMIT_NOFILE); auto: as "
             "many as are allowed; only root can have more than that; up to 24 "
             "of them are kept back for orders and reloads"},
    {SERVER(sandbox), TYPE(BOOL), .reload = DIRECTIVE_PROCESS, .dflt = "on",
     .help = "keep the process that serves from system calls that no server "
             "needs, from programs, and from writing but to temp_dir, "
             "runtime_dir and what plugins say they write to"},
    {SERVER(sandbox_write), TYPE(PATHS), .may_repeat = 1,
     .help = "a further folder it may write to; of a file it is the folder "
             "that the file is in"},
    {SERVER(sandbox_exec), TYPE(PATHS), .may_repeat = 1,
     .help = "a further folder of programs that plugins may execute, besides "
             "/usr, /bin, /sbin, /lib and the like; only plugins that say so "
             "may execute any, unless this is set"},
    {SERVER(on_crash), CHOICE("recover|restart|abort"), .dflt = "recover",
     .help = "when a plugin crashes: recover: 500 for that request alone where "
             "that is safe, else as restart; restart: the worker is lost and "
             "another process takes over; abort: the process ends at once, "
             "with a core file"},
    {SERVER(max_retired), INT(0, 100000), .dflt = "32",
     .help = "builds of one plugin that stay mapped behind the one that runs, "
             "because they do not say that they may be unmapped; beyond it "
             "another process takes over; 0: any number"},
    {SERVER(core_dir), TYPE(PATH),
     .help = "folder for a core file of each fault that is recovered (on_crash "
             "= recover), one of each build and place in it; it must be there, "
             "and user may write to it; where the file lands is, in the end, "
             "kernel.core_pattern's to say: a relative one is needed"},
    {SERVER(crash_limit), INT(0, 16), .dflt = "3",
     .help = "a build of a plugin that crashes so often within crash_window is "
             "put in quarantine: its routes answer 503 until another build is "
             "there; 0: never"},
    {SERVER(crash_window), TIME(1000 * MS, 1 * DAY), .dflt = "1m",
     .help = "see crash_limit"},
    {SERVER(crash_drain), TIME(0, 1 * HOUR), .dflt = "1s",
     .help = "time the other workers have for what is in flight before a "
             "process that lost one ends; it begins when another process "
             "serves, or cannot"},
    {SERVER(step_warn), TIME(0, 1 * HOUR), .dflt = "50ms",
     .help = "a step that holds a worker for longer is named in the log, once; "
             "0: never"},
    {SERVER(step_abort), TIME(0, 1 * HOUR), .dflt = "0",
     .help = "a step that holds a worker for longer, not counting time without "
             "a CPU, is a crash: the worker is lost; 0: never"},
    {SERVER(rebalance), TYPE(BOOL), .dflt = "yes",
     .help = "a worker that is much busier than another gives it some of its "
             "busy connections, between two of their requests"},
    {SERVER(max_connections), INT(0, 1 << 30), .dflt = "0",
     .help = "connections of all workers; beyond it as overload says; 0: as "
             "many as they have room for; while one process replaces another "
             "each of the two counts its own"},
    {SERVER(max_connections_per_ip), INT(0, 65535), .dflt = "0",
     .help = "connections of one IPv4 address, or of one /64 of IPv6 "
             "addresses; beyond it 503, over TLS the alert internal_error; "
             "behind trusted_proxies it is requests "
             "in progress of one client, by what the proxy says; counted as "
             "max_connections; 0: any"},
    {SERVER(max_requests_per_connection), INT(0, 1 << 30), .dflt = "0",
     .help = "requests after which a connection is closed, the last answer "
             "says so; 0: any"},
    {SERVER(shed_lag), TIME(0, 1 * HOUR), .dflt = "0",
     .help = "time a request waits for its worker's turn at which those of "
             "low priority get 503; at twice the time those of normal "
             "priority too, at four times all; 0: never"},
    {SERVER(shed_requests), INT(0, 1 << 28), .dflt = "0",
     .help = "requests in progress on a worker beyond which those of low "
             "priority get 503; beyond twice as many those of normal priority "
             "too, beyond four times as many all; 0: never"},
};

static const struct directive listen_rows[] = {
    {.name = "address", .off = offsetof(struct conf_listen, addresses),
     TYPE(LISTEN),
     .reload = DIRECTIVE_LISTENER, .may_repeat = 1, .is_required = 1,
     .help = "as listen of [server]"},
    {LISTEN(backlog), INT(1, 65535, INHERIT),
     .reload = DIRECTIVE_LISTENER, .dflt = "inherit",
     .help = "as in [server]"},
    {LISTEN(defer_accept), TYPE(BOOL, INHERIT),
     .reload = DIRECTIVE_LISTENER, .dflt = "inherit",
     .help = "as in [server]"},
    {LISTEN(proxy_protocol), CHOICE("off|v1|v2|auto"),
     .reload = DIRECTIVE_LISTENER, .dflt = "off",
     .help = "connections begin with a PROXY header that names the client"},
    {LISTEN(h2c), PLACE(listen, h2c_at), TYPE(BOOL, INHERIT),
     .reload = DIRECTIVE_LISTENER, .dflt = "inherit",
     .help = "as in [server]"},
    {LISTEN(h2), TYPE(BOOL),
     .reload = DIRECTIVE_LISTENER, .dflt = "yes",
     .help = "offer HTTP/2 to clients of TLS (ALPN), in front of HTTP/1.1"},
    {LISTEN(mode), PLACE(listen, mode_at), TYPE(MODE, AUTO),
     .reload = DIRECTIVE_LISTENER, .dflt = "auto",
     .help = "permissions of a Unix socket; auto: what the umask leaves"},
    {LISTEN(owner), PLACE(listen, owner_at), TYPE(STR),
     .reload = DIRECTIVE_LISTENER, .example = "the server's user",
     .help = "user or user:group, names or numbers, a Unix socket is given to"},
    {LISTEN(redirect), CHOICE("no|https"),
     .reload = DIRECTIVE_LISTENER, .dflt = "no",
     .help = "https: every request is answered 308 to the same place there, "
             "before any middleware; but not health, ready and metrics, nor "
             "below /.well-known/acme-challenge/ what a route serves"},
    {LISTEN(redirect_port), INT(1, 65535),
     .reload = DIRECTIVE_LISTENER, .dflt = "443",
     .help = "port that redirect leads to"},
    {TLS(certificate), TYPE(PATHS),
     .reload = DIRECTIVE_LISTENER, .may_repeat = 1, .is_read = 1,
     .help = "PEM file with a certificate and those that lead to its root: the "
             "listener speaks TLS; of several each client is shown the one "
             "with the name it asks for, the first one if there is none, "
             "and of an RSA and an ECDSA one of that name the one it prefers; "
             "one that is not the first of its kind for any of its names is "
             "not shown, with a warning"},
    {TLS(key), TYPE(PATHS),
     .reload = DIRECTIVE_LISTENER, .may_repeat = 1, .is_read = 1,
     .example = "in the certificate's file",
     .help = "PEM file with the private key, the first for the first "
             "certificate, and so on; one that everybody may read is an error "
             "(module_owner = any: a warning); read by who starts the server, "
             "who may be root, at each start and reload"},
    {TLS(ocsp), TYPE(PATHS, .word = "none"),
     .reload = DIRECTIVE_LISTENER, .may_repeat = 1, .is_read = 1,
     .example = "none",
     .help = "DER file with the OCSP response that is shown with a "
             "certificate, in the same order; its signature is verified if "
             "the issuer stands behind the certificate"},
    {TLS(profile), CHOICE("intermediate|modern"),
     .reload = DIRECTIVE_LISTENER, .dflt = "intermediate",
     .help = "what Mozilla calls so: intermediate: TLS 1.3, and 1.2 with ECDHE "
             "or, for RSA, DHE, which costs six times as much; modern: TLS "
             "1.3"},
    {TLS(self_signed), CHOICE("no|dev"),
     .reload = DIRECTIVE_LISTENER, .dflt = "no",
     .help = "dev: speak TLS with a certificate for localhost, 127.0.0.1 and "
             "::1 that each server process makes for itself, to develop with; "
             "browsers warn of it"},
    {TLS(client), CHOICE("off|optional|required"),
     .reload = DIRECTIVE_LISTENER, .dflt = "off",
     .help = "whether clients are asked for a certificate, signed by one of "
             "tls.client_ca; optional: they may have none"},
    {TLS(client_ca), TYPE(PATH),
     .reload = DIRECTIVE_LISTENER, .is_read = 1,
     .help = "PEM file with the authorities whose certificates clients may "
             "show"},
    {TLS(early_data), TYPE(BOOL),
     .reload = DIRECTIVE_LISTENER, .dflt = "no",
     .help = "take what a client that comes back sends with its first bytes "
             "(TLS 1.3 0-RTT), though others may repeat it: of safe methods "
             "only, 425 for the rest"},
    {TLS(offload), CHOICE("rsa|off"),
     .reload = DIRECTIVE_LISTENER, .dflt = "off",
     .help = "rsa: what signs with an RSA key in a handshake is done by a "
             "thread of the pool (pool_threads), while the worker serves "
             "others; half of pool_queue is for that at most, beyond it the "
             "worker signs itself; a job of a plugin that blocks has "
             "handshakes wait, too, if all threads do. With ECDSA, and where "
             "a session goes on, there is nothing to gain"},
    {TLS(hsts), TIME(0, 3650 * DAY),
     .reload = DIRECTIVE_LISTENER, .dflt = "0",
     .help = "time for which browsers are to use nothing but TLS for this host "
             "(Strict-Transport-Security, in every answer that does not say "
             "it itself); 0: it is not sent"},
};

static const struct directive route_rows[] = {
    {ROUTE(match), TYPE(MATCH), .may_repeat = 1,
     .is_required = 1,
     .help = "methods and path; :name is one segment, a final *name all the "
             "rest"},
    {ROUTE(host), TYPE(HOSTS), .may_repeat = 1,
     .help = "hosts the route is for; none: those no other route names"},
    {ROUTE(use), PLACE(route, use_at), TYPE(NAMES),
     .help = "middleware, outermost first, inside that of scopes and of "
             "[server]"},
    {ROUTE(handler), PLACE(route, handler_at),
     TYPE(HANDLER), .is_required = 1,
     .help = "the instance that answers, or one of the routes it declares"},
    {ROUTE(max_body), SIZE(0, 1024 * G, INHERIT),
     .dflt = "inherit", .help = "as in [server], up or down"},
    {ROUTE(body_timeout), TIME(0, 1 * DAY, INHERIT),
     .dflt = "inherit", .help = "as in [server], up or down"},
    {ROUTE(write_timeout),
     TIME(100 * MS, 1 * DAY, INHERIT),
     .dflt = "inherit", .help = "as in [server], up or down"},
    {ROUTE(wait_timeout), TIME(0, 1 * DAY, INHERIT),
     .dflt = "inherit", .help = "as in [server], up or down"},
    {ROUTE(priority), CHOICE("low|normal|high"), .dflt = "normal",
     .help = "which requests are served longest when there is too much to do: "
             "see shed_lag and shed_requests"},
};

static const struct directive scope_rows[] = {
    {SCOPE(match), TYPE(PREFIX), .may_repeat = 1,
     .is_required = 1, .help = "paths the scope is about"},
    {SCOPE(host), TYPE(HOSTS), .may_repeat = 1,
     .help = "hosts the scope is about; none: all"},
    {SCOPE(use), PLACE(scope, use_at), TYPE(NAMES),
     .help = "middleware of every route below, outermost first, inside that "
             "of [server]"},
};

static const struct directive plugin_rows[] = {
    {PLUGIN(module), PLACE(plugin, module_at), TYPE(STR),
     .example = "the section's name",
     .help = "file in the modules folder, without .so; or a path"},
    {PLUGIN(mount), TYPE(TARGET),
     .help = "path put before the routes the plugin declares"},
    {PLUGIN(host), TYPE(HOSTS), .may_repeat = 1,
     .help = "hosts those routes are for; none: as a route without host"},
    {PLUGIN(use), PLACE(plugin, use_at), TYPE(NAMES),
     .help = "middleware of those routes, outermost first"},
    {PLUGIN(priority), INT(-1000, 1000),
     .dflt = "0",
     .help = "of equal routes declared by two plugins the one of higher "
             "priority serves"},
    {PLUGIN(state), CHOICE("best-effort|required"), .dflt = "best-effort",
     .help = "what a worker's state hands over at a reload, if the plugin "
             "offers that, could not be taken: start without it and say so, or "
             "refuse the reload"},
    {PLUGIN(shed_priority), CHOICE("low|normal|high"), .dflt = "normal",
     .help = "priority, as of a [route ...], of those routes"},
    {PLUGIN(required), TYPE(BOOL), .dflt = "yes",
     .help = "no: a module that is missing, is refused, or fails or crashes "
             "when it is loaded, opened or tried is left out with a warning; "
             "what it would stand in answers 503, and the rest is served"},
};

#define ROWS(r) .rows = (r), .n = ARRAY_LEN(r)

const struct directive_section directive_sections[DIRECTIVE_KINDS] = {
    [DIRECTIVE_SERVER] = {.kind = "server", ROWS(server_rows),
                          .help = "The server as a whole.  May stand in "
                                  "several files, once in each."},
    [DIRECTIVE_LISTEN] = {.kind = "listen", .is_named = 1, ROWS(listen_rows),
                          .help = "A listener with settings of its own."},
    [DIRECTIVE_ROUTE] = {.kind = "route", .is_named = 1, .has_options = 1,
                         ROWS(route_rows),
                         .help = "Which requests an instance answers."},
    [DIRECTIVE_SCOPE] = {.kind = "scope", .is_named = 1, .has_options = 1,
                         ROWS(scope_rows),
                         .help = "Middleware for every route below a path."},
    [DIRECTIVE_PLUGIN] = {.kind = "plugin", .is_named = 1, .has_options = 1,
                          ROWS(plugin_rows),
                          .help = "An instance of a plugin.  The routes the "
                                  "plugin declares are served."},
};
/* clang-format on */

_Static_assert(ARRAY_LEN(server_rows) <= CONF_SERVER_KEYS,
               "conf.server_at has a place per row");

const struct directive *
directive_find(enum directive_kind kind, et_str name)
{
    const struct directive_section *s = &directive_sections[kind];
    size_t i;

    for (i = 0; i < s->n; i++)
        if (value_eq(name, s->rows[i].name))
            return &s->rows[i];
    return NULL;
}

/* Whether that byte of a variable's name stands for this one of a key's. */
static int
is_written(char variable, char key)
{
    if (key == '.')
        return variable == '_';
    return variable == (key >= 'a' && key <= 'z' ? key & ~0x20 : key) ||
           variable == key;
}

const struct directive *
directive_of_variable(et_str name)
{
    static const char prefix[] = "ETUDE_";
    const struct directive_section *s = &directive_sections[DIRECTIVE_SERVER];
    size_t n = sizeof(prefix) - 1, i, k;

    if (name.n <= n || memcmp(name.p, prefix, n) != 0)
        return NULL;
    for (i = 0; i < s->n; i++) {
        const char *key = s->rows[i].name;

        for (k = 0; n + k < name.n && key[k]; k++)
            if (!is_written(name.p[n + k], key[k]))
                break;
        if (n + k == name.n && !key[k])
            return &s->rows[i];
    }
    return NULL;
}

const char *
directive_nearest(enum directive_kind kind, et_str name)
{
    const struct directive_section *s = &directive_sections[kind];
    const char *known[CONF_SERVER_KEYS];
    char got[64];
    size_t i;

    if (name.n >= sizeof(got))
        return NULL;
    for (i = 0; i < s->n && i < ARRAY_LEN(known); i++)
        known[i] = s->rows[i].name;
    snprintf(got, sizeof(got), "%.*s", (int)name.n, name.p);
    return diag_nearest(got, known, i);
}

int
directive_kind(et_str name)
{
    int i;

    for (i = 0; i < DIRECTIVE_KINDS; i++)
        if (value_eq(name, directive_sections[i].kind))
            return i;
    return -1;
}

int
directive_is_reserved(et_str name)
{
    return directive_find(DIRECTIVE_ROUTE, name) != NULL ||
           directive_find(DIRECTIVE_SCOPE, name) != NULL;
}

const char *
directive_tree(void)
{
    static const char tree[] = ETUDE_SOURCE_DIR "/";
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));

    if (n < (ssize_t)sizeof(tree) || memcmp(exe, tree, sizeof(tree) - 1) != 0)
        return NULL;
    return ETUDE_SOURCE_DIR;
}

const char *
directive_modules_dir(void)
{
    return directive_tree() ? ETUDE_SOURCE_DIR "/modules" : ETUDE_MODULES_DIR;
}
