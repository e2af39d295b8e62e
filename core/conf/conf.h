/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.h - a configuration: typed, checked, immutable.
 *
 * conf_parse turns a bundle into one struct conf in one arena.  All that is
 * wrong is reported, not the first thing only, and nothing of a configuration
 * with an error is handed out.  What the keys are, their types, defaults and
 * bounds, stands in directive.c; what a plugin's own options mean is known only
 * when its image is loaded (option.h), so they are kept as entries here.
 *
 * Not here: addresses are not resolved, path patterns not parsed (their shape
 * is checked), modules not looked for.
 *
 * Numbers: bytes, milliseconds, counts; CONF_AUTO where the ini says `auto`.
 * Texts are NUL-terminated one past their end; absent is n == 0. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/bundle_hash.h"

struct bundle;

#define CONF_AUTO (-1)    /* the server chooses */
#define CONF_INHERIT (-2) /* a route's limit that [server] decides */

/* Values of CHOICE keys, in the order of the table's choices. */
enum conf_ktls { CONF_KTLS_AUTO, CONF_KTLS_OFF };
enum conf_offload { CONF_OFFLOAD_RSA, CONF_OFFLOAD_OFF };
enum conf_event { CONF_EVENT_AUTO, CONF_EVENT_IO_URING, CONF_EVENT_EPOLL };
enum conf_accept { CONF_ACCEPT_PIPE, CONF_ACCEPT_REUSEPORT };
enum conf_pin { CONF_PIN_AUTO, CONF_PIN_YES, CONF_PIN_NO };
enum conf_balance {
    CONF_BALANCE_ROUND_ROBIN,
    CONF_BALANCE_LEAST,
    CONF_BALANCE_HASH
};
enum conf_overload { CONF_OVERLOAD_QUEUE, CONF_OVERLOAD_SHED };
enum conf_slash { CONF_SLASH_REDIRECT, CONF_SLASH_STRICT };
enum conf_owner { CONF_OWNER_STRICT, CONF_OWNER_ANY };
enum conf_staging { CONF_STAGING_AUTO, CONF_STAGING_MEMFD, CONF_STAGING_FILE };
enum conf_log_level { /* + 1 is enum log_level */
                      CONF_LOG_ERROR,
                      CONF_LOG_WARN,
                      CONF_LOG_INFO,
                      CONF_LOG_DEBUG
};
enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };
enum conf_client {
    CONF_CLIENT_X_FORWARDED_FOR,
    CONF_CLIENT_FORWARDED,
    CONF_CLIENT_X_REAL_IP
};
enum conf_crash { CONF_CRASH_RECOVER, CONF_CRASH_RESTART, CONF_CRASH_ABORT };
enum conf_priority { CONF_LOW, CONF_NORMAL, CONF_HIGH };
enum conf_state { CONF_STATE_BEST_EFFORT, CONF_STATE_REQUIRED };
enum conf_proxy {
    CONF_PROXY_OFF,
    CONF_PROXY_V1,
    CONF_PROXY_V2,
    CONF_PROXY_AUTO
};

/* In the order of enum streams_deflate. */
enum conf_ws_deflate { CONF_WS_PLAIN, CONF_WS_FRESH, CONF_WS_TAKEOVER };

/* [server].  One field a key, of the same name; see conf/README.md. */
struct conf_server {
    et_list listen; /* texts; conf.listens has them taken apart */
    et_list include;
    int64_t workers;              /* CONF_AUTO or 1.. */
    int64_t max_waits, max_tasks; /* of a worker */
    int64_t task_stack;
    int64_t max_fetches, fetch_idle, fetch_idle_timeout;
    int64_t pool_threads, pool_queue;
    int64_t max_subscriptions; /* of a worker */
    int64_t channel_max_message, channel_memory;
    int64_t pin;        /* enum conf_pin */
    int64_t event;      /* enum conf_event */
    int64_t accept;     /* enum conf_accept */
    int64_t balance;    /* enum conf_balance */
    int64_t overload;   /* enum conf_overload */
    et_str modules;     /* absolute folder */
    et_list use;        /* instance names, outermost first */
    et_str pid_file;    /* absent: none */
    int64_t supervise;  /* 0 or 1 */
    et_str log;         /* absent: stderr */
    int64_t log_level;  /* enum conf_log_level */
    int64_t log_format; /* enum conf_log_format */
    int64_t max_request_line, max_header, max_headers;
    int64_t max_body, body_memory;
    int64_t body_memory_total; /* CONF_AUTO or bytes */
    int64_t temp_max, discard_body;
    int64_t handshake_timeout;
    int64_t header_timeout, body_timeout; /* body_timeout 0: none */
    int64_t body_min_rate;                /* bytes a second; 0: none */
    int64_t write_timeout, wait_timeout;  /* wait_timeout 0: none */
    int64_t keepalive_timeout;            /* 0: close after each answer */
    int64_t drain_timeout, shutdown_delay, idle_grace, idle_demote;
    int64_t prepare_timeout, start_timeout, probe_timeout;
    int64_t tls_ktls;        /* enum conf_ktls */
    et_str tls_ticket_keys;  /* absolute path; absent: random ones */
    et_list trusted_proxies; /* "10.0.0.0/8", "::1" */
    int64_t client_address;  /* enum conf_client */
    et_str runtime_dir;      /* the key, else $RUNTIME_DIRECTORY, else absent */
    et_str temp_dir;
    int64_t slab_capacity; /* connections per worker; or CONF_AUTO */
    int64_t read_buffer, write_buffer;
    int64_t backlog, defer_accept; /* defer_accept: 0 or 1 */
    int64_t h2c;                   /* 0 or 1 */
    int64_t h2_streams, h2_window;
    int64_t server_header;                     /* 0 or 1 */
    int64_t slash;                             /* enum conf_slash */
    et_str health, ready, metrics;             /* request paths; absent: off */
    int64_t ws_max_message, ws_queue, ws_ping; /* ws_ping 0: none */
    int64_t ws_deflate;                        /* enum conf_ws_deflate */
    int64_t ws_deflate_memory, ws_deflate_min;
    int64_t store_memory;   /* bytes of all stores */
    int64_t store_keep;     /* of a store nobody has open */
    int64_t module_owner;   /* enum conf_owner */
    int64_t plugin_staging; /* enum conf_staging */
    et_str admin; /* of the admin socket; absent: off, or as paths.h says */
    int64_t reload_timeout;
    et_str user, group;                  /* absent: whoever starts it */
    int64_t max_files;                   /* CONF_AUTO or RLIMIT_NOFILE */
    int64_t sandbox;                     /* 0 or 1 */
    et_list sandbox_write, sandbox_exec; /* absolute paths */
    int64_t on_crash;                    /* enum conf_crash */
    et_str core_dir;                     /* absolute; absent: none */
    int64_t crash_drain, crash_limit, crash_window;
    int64_t max_retired;           /* images of one plugin; 0: any number */
    int64_t step_warn, step_abort; /* 0: never */
    int64_t rebalance;             /* 0 or 1 */
    /* 0: any number of them */
    int64_t max_connections, max_connections_per_ip;
    int64_t max_requests_per_connection;
    int64_t shed_lag, shed_requests; /* 0: nothing is shed */
};

/* A plugin's option as the ini has it. */
struct conf_entry {
    et_str instance; /* "limit" of limit.rate, and of a key in [plugin limit] */
    et_str key;      /* "rate" */
    et_str value;    /* after ${...} */
    struct place at;
    const char *section; /* "[route users]": for messages */
    const char *dir;     /* absolute: what a relative path starts from */
    int is_secret;       /* never print the value */
};

struct conf_entries {
    const struct conf_entry *v; /* in the order of the ini */
    size_t n;
};

enum conf_redirect { CONF_REDIRECT_NO, CONF_REDIRECT_HTTPS };
enum conf_self_signed { CONF_SELF_SIGNED_NO, CONF_SELF_SIGNED_DEV };

/* A certificate of a listener; the bundle has what is in the files. */
struct conf_pair {
    et_str certificate, key; /* absolute paths; may be the same */
    et_str ocsp;             /* absent: none */
    struct place at, key_at, ocsp_at;
};

/* One address to listen on: an item of [server] listen, or of the address of a
 * [listen NAME] section. */
struct conf_listen {
    et_str name;       /* "" for [server] listen */
    et_str address;    /* as written, unix paths made absolute */
    et_list addresses; /* all of its section */
    et_str host;  /* absent: all addresses of both families (":80", "*:80");
                     without the brackets of [v6] */
    et_str path;  /* of a Unix socket; absent otherwise */
    int64_t port; /* 0..65535; -1 for a Unix socket */
    int64_t backlog, defer_accept;
    int64_t proxy_protocol; /* enum conf_proxy */
    int64_t h2;             /* 0 or 1: by ALPN, where it speaks TLS */
    int64_t h2c;            /* 0 or 1 */
    int64_t mode;           /* of a Unix socket: 0660; CONF_AUTO: umask's */
    et_str owner;           /* of a Unix socket: "user" or "user:group" */
    /* Absolute paths, the nth of each belonging together; conf_pair has them
     * side by side. */
    et_list tls_certificate, tls_key, tls_ocsp;
    const struct conf_pair *pairs;
    size_t n_pairs;          /* 0, and self_signed no: it speaks no TLS */
    int64_t tls_profile;     /* as enum context_profile */
    int64_t tls_self_signed; /* enum conf_self_signed */
    int64_t tls_client;      /* as enum context_verify */
    et_str tls_client_ca;    /* absolute path; absent: none */
    int64_t tls_early_data;  /* 0 or 1 */
    int64_t tls_offload;     /* enum conf_offload */
    int64_t tls_hsts;        /* milliseconds; 0: not sent */
    int64_t redirect;        /* enum conf_redirect */
    int64_t redirect_port;
    struct place at, h2c_at, mode_at, owner_at, client_ca_at, self_signed_at;
};

struct conf_match {
    et_str methods; /* "GET,POST", or "*"; absent in a scope */
    et_str path;    /* pattern; begins with '/' */
    struct place at;
};

struct conf_matches {
    const struct conf_match *v;
    size_t n;
};

struct conf_plugin {
    et_str name;   /* of the instance */
    et_str module; /* file name without ".so", or an absolute path */
    et_str mount;  /* "" or "/v1": no slash at the end */
    et_list host;  /* lower case, no port, no final dot */
    et_list use;   /* around its declared routes */
    int64_t priority;
    int64_t state;         /* enum conf_state */
    int64_t shed_priority; /* enum conf_priority, of its declared routes */
    int64_t required;      /* else it may be left out */
    struct conf_entries options;
    struct place at, module_at, use_at;
    const char *section; /* "[plugin limit]" */
    const char *dir;     /* absolute folder of the file that has the section */
};

struct conf_route {
    et_str name;
    struct conf_matches match; /* at least one */
    et_list host;
    et_list use;
    et_str handler;       /* instance */
    et_str handler_route; /* "list" of handler = users:list; else absent */
    /* or CONF_INHERIT */
    int64_t max_body, body_timeout, write_timeout, wait_timeout;
    int64_t priority; /* enum conf_priority */
    struct conf_entries options;
    struct place at, use_at, handler_at;
    const char *section; /* "[route users]" */
    const char *dir;
};

struct conf_scope {
    et_str name;
    struct conf_matches match; /* at least one, without methods */
    et_list host;
    et_list use;
    struct conf_entries options;
    struct place at, use_at;
    const char *section;
    const char *dir;
};

#define CONF_SERVER_KEYS 128 /* room for the rows of [server] */

struct conf {
    struct arena arena; /* owns everything below; conf_free ends it */
    /* What it was made from, and what its images are staged from: NULL after
     * conf_parse.  Whoever sets it gives the bundle away: conf_free frees it
     * too. */
    struct bundle *bundle;
    /* Of the bundle as it is served, all images in it: serve/build.h's. */
    char hash[BUNDLE_HASH_LEN + 1];
    struct conf_server server;
    struct place server_at[CONF_SERVER_KEYS]; /* by row of directive_server */
    const struct conf_listen *listens;
    size_t n_listens; /* at least one */
    const struct conf_plugin *plugins;
    size_t n_plugins;
    const struct conf_route *routes;
    size_t n_routes;
    const struct conf_scope *scopes;
    size_t n_scopes;
};

/* The configuration a bundle describes, or NULL with at least one error in d.
 * d is the one bundle_from_files was given: an error that is in it already
 * (an include that could not be read) means NULL too, after everything else has
 * been checked.  Nothing of the result points into the bundle, and neither the
 * disk nor the environment is asked.  Give it back with conf_free. [control] */
MUST_USE struct conf *conf_parse(const struct bundle *b, struct diag *d);
/* The same, but with errors in d what is good of it is handed out all the same,
 * defaults in the place of what is not: to find more errors, never to serve.
 * NULL: out of memory. [control] */
MUST_USE struct conf *conf_parse_some(const struct bundle *b, struct diag *d);
void conf_free(struct conf *c);

/* Where the value of a [server] field came from: conf_place(c,
 * &c->server.max_body).  file NULL: it is the default.  [any] */
struct place conf_place(const struct conf *c, const void *field);

/* Write the server's log to where, from which level on and in which format
 * [server] says: 0, or -errno and it stays as it was. [control] */
MUST_USE int conf_apply_log(const struct conf *c);
/* Whether it speaks TLS. [any] */
int conf_listen_is_secure(const struct conf_listen *l);
/* The instance called name, or NULL. [any] */
const struct conf_plugin *conf_find_plugin(const struct conf *c, et_str name);

/* The names of the keys of [server] that differ and are live: at most cap of
 * them in names; returns how many there are. [control] */
uint32_t conf_changed_keys(const struct conf *old, const struct conf *now,
                           const char **names, uint32_t cap);
/* The same of those that another process takes up. */
uint32_t conf_process_keys(const struct conf *old, const struct conf *now,
                           const char **names, uint32_t cap);
/* Report in d, as errors at the new value's place, every key that differs and
 * that no reload can change; without a supervisor also those that take another
 * process.  Returns how many. [control] */
uint32_t conf_needs_restart(const struct conf *old, const struct conf *now,
                            int is_supervised, struct diag *d);

/* The file to read when no -c was given: $ETUDE_CONF, else conf/etude.ini of
 * the source tree the running binary stands in, else ETUDE_SYSCONFDIR/
 * etude.ini.  Written to buf as a NUL-terminated path, whether the file exists
 * or not.  0, or ERR_LIMIT if cap is too small. [control] */
MUST_USE int conf_search(char *const *env, char *buf, size_t cap);

#endif
