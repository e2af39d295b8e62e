/* SPDX-License-Identifier: BSD-2-Clause */
/* cli.c - the command line: options and what they start; see cli.h. */
#include "cli/cli.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "cli/remote.h"
#include "conf/conf.h"
#include "conf/reference.h"
#include "config.h"
#include "os/file.h"
#include "serve/command.h"
#include "serve/dry.h"
#include "serve/inspect.h"
#include "serve/probe.h"
#include "serve/server.h"
#include "serve/verdict.h"
#include "super/super.h"

#define WORDS_MAX 64

struct option;

struct arguments {
    struct server_options server; /* conf_path NULL: search */
    const char *socket;           /* NULL: that of the configuration */
    int is_live;
    const char *state;            /* of the supervisor whose place it takes */
    const struct option *command; /* what to do */
    const char *words[WORDS_MAX]; /* of the command */
    size_t n_words;
};

/* ---- what there is to do -------------------------------------------------*/

static int
find_conf(struct arguments *a)
{
    static char found[PATH_MAX];

    a->server.env = environ;
    if (a->server.conf_path)
        return SERVER_OK;
    if (conf_search(environ, found, sizeof found) < 0)
        return verdict_refuse(SERVER_CONFIG, a->server.as_json,
                              "the configuration's path is too long");
    a->server.conf_path = found;
    return SERVER_OK;
}

static int
with_conf(struct arguments *a, int (*run)(const struct server_options *o))
{
    int code = find_conf(a);

    return code == SERVER_OK ? run(&a->server) : code;
}

/* By itself if it is not to be supervised. */
static int
run_supervised(const struct server_options *o)
{
    struct server_options alone = *o;
    int code = super_run(o->conf_path, o->env, &alone.read_fd);

    return code == SUPER_NOT_WANTED ? server_run(&alone) : code;
}

static int
run_server(struct arguments *a)
{
    return with_conf(a, run_supervised);
}

/* What the supervisor becomes. */
static int
run_successor(struct arguments *a)
{
    return super_resume(a->server.conf_path, environ, atoi(a->state));
}

/* What the supervisor starts. */
static int
run_child(struct arguments *a)
{
    a->server.is_supervised = 1;
    return with_conf(a, server_run);
}

/* What it starts before, to try it. */
static int
run_probe(struct arguments *a)
{
    a->server.is_supervised = 1;
    return with_conf(a, probe_run);
}

static int
run_test(struct arguments *a)
{
    return with_conf(a, dry_test);
}

static int
run_version(struct arguments *a)
{
    (void)a;
    printf("Etude %s\nplugin ABI %u.%u\n%s\n", ETUDE_VERSION, ET_ABI_MAJOR,
           ET_ABI_MINOR, ETUDE_BUILD_FLAGS);
    return SERVER_OK;
}

static int
run_reference(struct arguments *a)
{
    (void)a;
    reference_print(stdout);
    return SERVER_OK;
}

static int run_remote(struct arguments *a);

static int
run_routes(struct arguments *a)
{
    return a->is_live ? run_remote(a) : with_conf(a, dry_routes);
}

static int
run_plugins(struct arguments *a)
{
    return a->is_live ? run_remote(a) : with_conf(a, dry_plugins);
}

/* A configuration is of use to it: none needs to be there. */
static int
run_check(struct arguments *a)
{
    const int is_named = a->server.conf_path != NULL;
    int code = find_conf(a);

    if (code != SERVER_OK)
        return code;
    if (!is_named && access(a->server.conf_path, F_OK) < 0)
        a->server.conf_path = NULL;
    return inspect_file(&a->server, a->words[0]);
}

static int run_help(struct arguments *a);

/* ---- the words for it ----------------------------------------------------*/

/* What a command looks at, besides -c. */
#define JSON 1u
#define LIVE 2u
#define EXPLAIN 4u
#define SOCKET 8u

/* What follows the program's name: it names what to do (run), with how many
 * words behind it and which of the others; or it has a place in struct
 * arguments: for its value, or for a flag. */
/* clang-format off */
#define REMOTE .run = run_remote, .looks_at = JSON | SOCKET
static const struct option {
    const char *name, *value, *help;
    int (*run)(struct arguments *a);
    uint32_t looks_at, min_words, max_words;
    size_t value_off;
} options[] = {
    {.name = "-c", .value = "FILE", .help = "serve with this configuration",
     .value_off = offsetof(struct arguments, server.conf_path)},
    {.name = "-t", .help = "check the configuration and everything it names",
     .run = run_test},
    {.name = "-V", .help = "print version, plugin ABI and how this was built",
     .run = run_version},
    {.name = "-h", .help = "print this", .run = run_help},
    {.name = "--help", .help = "the same", .run = run_help},
    {.name = "--print-reference", .help = "print the reference of all directives",
     .run = run_reference},
    {.name = "server", .help = "serve under a supervisor, which is who says this",
     .run = run_child},
    {.name = "probe", .help = "try a configuration for a supervisor, likewise",
     .run = run_probe},
    {.name = "--resume", .value = "FD",
     .help = "supervise on, where a supervisor says that it is to",
     .value_off = offsetof(struct arguments, state)},
    {.name = "routes", .help = "list all routes",
     .run = run_routes, .looks_at = JSON | EXPLAIN | LIVE | SOCKET},
    {.name = "plugins", .help = "list the plugins: versions, sha256, what they declare",
     .run = run_plugins, .looks_at = JSON | LIVE | SOCKET},
    {.name = "check", .value = "FILE.so", .help = "judge a plugin's file as a reload would",
     .run = run_check, .looks_at = JSON, .min_words = 1, .max_words = 1},
    {.name = "status", .help = "what serves: workers, plugins, the last reload", REMOTE},
    {.name = "reload", .help = "read the files again, and wait for the outcome", REMOTE},
    {.name = "reopen", .help = "open the log files anew", REMOTE},
    {.name = "stop", .help = "stop gracefully, and wait for the end: 3 if it cut something off", REMOTE},
    {.name = "upgrade", .help = "go on with the program as it is on the disk now", REMOTE},
    {.name = "command", .value = "PLUGIN NAME [ARGS]",
     .help = "what a plugin's instance offers, on each worker",
     .run = run_remote, .looks_at = JSON | SOCKET, .min_words = 2, .max_words = WORDS_MAX},
    {.name = "--json", .help = "any of them as JSON, with all there is to say",
     .looks_at = JSON, .value_off = offsetof(struct arguments, server.as_json)},
    {.name = "--live", .help = "routes, plugins: of the server that runs, not of the files",
     .looks_at = LIVE, .value_off = offsetof(struct arguments, is_live)},
    {.name = "--explain", .value = "PATH",
     .help = "routes: only what PATH meets, and the composed chain",
     .looks_at = EXPLAIN, .value_off = offsetof(struct arguments, server.explain)},
    {.name = "--method", .value = "METHOD", .help = "... with this method instead of GET",
     .looks_at = EXPLAIN, .value_off = offsetof(struct arguments, server.method)},
    {.name = "-s", .value = "SOCKET", .help = "speak to the server at this admin socket",
     .looks_at = SOCKET, .value_off = offsetof(struct arguments, socket)},
};

static const struct option serve = {.name = "", .run = run_server};
/* clang-format on */

static int
run_remote(struct arguments *a)
{
    const int is_command = a->n_words > 0;
    struct remote r = {
        .command = a->command->name,
        .socket = a->socket,
        .as_json = a->server.as_json,
        .path = a->server.explain,
        .method = a->server.method,
        .plugin = is_command ? a->words[0] : NULL,
        .name = is_command ? a->words[1] : NULL,
        .args = a->words + 2,
        .n_args = is_command ? a->n_words - 2 : 0,
    };
    int code = a->socket ? SERVER_OK : find_conf(a);

    r.conf_path = a->server.conf_path;
    r.env = a->server.env;
    return code == SERVER_OK ? remote_run(&r) : code;
}

static int
run_help(struct arguments *a)
{
    (void)a;
    printf("usage: etude [-t] [-c FILE]\n"
           "       etude routes [--json] [--explain PATH [--method METHOD]] "
           "[--live] [-c FILE]\n"
           "       etude plugins [--json] [--live] [-c FILE]\n"
           "       etude check FILE.so [--json] [-c FILE]\n"
           "       etude status|reload|reopen|stop|upgrade [--json] "
           "[-c FILE | -s SOCKET]\n"
           "       etude command PLUGIN NAME [ARGS] [--json] "
           "[-c FILE | -s SOCKET]\n");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        char name[40];
        snprintf(name, sizeof name, "%s%s%s", options[i].name,
                 options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        printf("  %-26s %s\n", name, options[i].help);
    }
    printf("Without -c: $ETUDE_CONF, conf/etude.ini of the tree this was built "
           "in, %s/etude.ini.\n"
           "What follows \"--\" is no option.\n"
           "Signals: HUP reload; USR1 reopen logs; USR2 upgrade; TERM, INT and "
           "QUIT stop "
           "gracefully, a second one at once.\n"
           "Exit codes: 0 good; 1 refused, with the reasons; 3 a stop has cut "
           "something off; 64 usage;\n"
           "69 no server runs there, or no answer; 70 internal; 77 permission "
           "denied;\n"
           "78 configuration or plugin refused.\n",
           ETUDE_SYSCONFDIR);
    return SERVER_OK;
}

/* ---- the arguments -------------------------------------------------------*/

static int
usage(const char *what, const char *argument)
{
    fprintf(stderr, "etude: %s %s; see etude -h\n", what, argument);
    return SERVER_USAGE;
}

static const struct option *
find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    }
    return NULL;
}

/* Whether a value or flag was given. */
static int
is_given(const struct arguments *a, const struct option *o)
{
    const char *place = (const char *)a + o->value_off;
    const char *value;
    int flag;

    if (!o->value) {
        memcpy(&flag, place, sizeof flag);
        return flag;
    }
    memcpy(&value, place, sizeof value);
    return value != NULL;
}

/* An option that what is run does not look at. */
static const char *
unused(const struct arguments *a)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct option *o = &options[i];
        if (!o->run && is_given(a, o) &&
            (o->looks_at & ~a->command->looks_at) != 0)
            return o->name;
    }
    if (a->server.method && !a->server.explain)
        return "--method";
    if (a->socket && (a->command->looks_at & LIVE) && !a->is_live)
        return "-s without --live";
    return NULL;
}

/* A word of the command; false if it takes none (more). */
static int
take_word(struct arguments *a, const char *word)
{
    if (a->n_words == a->command->max_words)
        return 0;
    a->words[a->n_words++] = word;
    return 1;
}

/* Take argv[i], and what belongs to it: how many, or the exit code below 0. */
static int
take(struct arguments *a, char **argv, int i, int argc)
{
    const struct option *o = find(argv[i]);

    if (a->command->max_words > 0 && (!o || o->run) && argv[i][0] != '-')
        o = NULL; /* a word may be called as a command is */
    else if (!o)
        return -usage("unknown argument", argv[i]);
    if (!o)
        return take_word(a, argv[i]) ? 1 : -usage("too much:", argv[i]);
    if (o->run) {
        a->command = o;
        return 1;
    }
    if (!o->value) {
        *(int *)(void *)((char *)a + o->value_off) = 1;
        return 1;
    }
    if (i + 1 == argc)
        return -usage("a value is missing after", argv[i]);
    memcpy((char *)a + o->value_off, &argv[i + 1], sizeof argv[i]);
    return 2;
}

/* SERVER_OK, or the exit code. */
static int
read_arguments(struct arguments *a, int argc, char **argv)
{
    int i = 1, n = 1;

    for (; i < argc && n > 0 && strcmp(argv[i], "--") != 0; i += n) {
        n = take(a, argv, i, argc);
        if (n < 0)
            return -n;
    }
    for (i++; i < argc; i++) {
        if (!take_word(a, argv[i]))
            return usage("too much:", argv[i]);
    }
    if (a->n_words < a->command->min_words)
        return usage("something is missing after", a->command->name);
    return unused(a) ? usage("nothing to do with", unused(a)) : SERVER_OK;
}

/* The exit code, which is a failure if what was printed got nowhere. */
static int
finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "etude: what it printed could not be written\n");
    return code == SERVER_OK ? SERVER_INTERNAL : code;
}

int
cli_main(int argc, char **argv)
{
    struct arguments a = {.command = &serve};
    int code;

    if (file_open_standard() < 0)
        return SERVER_INTERNAL;
    code = read_arguments(&a, argc, argv);
    if (code != SERVER_OK)
        return code;
    if (a.state)
        return finish(a.server.conf_path ? run_successor(&a) : run_help(&a));
    return finish(a.command->run(&a));
}
