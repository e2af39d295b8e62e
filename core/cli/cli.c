/* SPDX-License-Identifier: BSD-2-Clause */
/* cli.c - the command line: options and what they start; see cli.h. */
#include "cli/cli.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "conf/conf.h"
#include "conf/reference.h"
#include "config.h"
#include "os/file.h"
#include "serve/command.h"
#include "serve/dry.h"
#include "serve/server.h"
#include "super/super.h"

struct arguments {
    struct server_options server; /* conf_path NULL: search */
    const char *state;            /* of the supervisor whose place it takes */
    int (*run)(struct arguments *a);
};

static int
with_conf(struct arguments *a, int (*run)(const struct server_options *o))
{
    static char found[PATH_MAX];

    a->server.env = environ;
    if (!a->server.conf_path) {
        if (conf_search(environ, found, sizeof found) < 0) {
            fprintf(stderr, "etude: the configuration's path is too long\n");
            return SERVER_CONFIG;
        }
        a->server.conf_path = found;
    }
    return run(&a->server);
}

/* By itself if it is not to be supervised. */
static int
run_supervised(const struct server_options *o)
{
    int code = super_run(o->conf_path, o->env);

    return code == SUPER_NOT_WANTED ? server_run(o) : code;
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

static int
run_test(struct arguments *a)
{
    return with_conf(a, dry_test);
}

static int
run_version(struct arguments *a)
{
    (void)a;
    printf("Etude %s\nplugin ABI %u.%u-rc%u\n%s\n", ETUDE_VERSION, ET_ABI_MAJOR,
           ET_ABI_MINOR, ET_ABI_RC, ETUDE_BUILD_FLAGS);
    return SERVER_OK;
}

static int
run_reference(struct arguments *a)
{
    (void)a;
    reference_print(stdout);
    return SERVER_OK;
}

static int
run_routes(struct arguments *a)
{
    return with_conf(a, dry_routes);
}

static int
run_plugins(struct arguments *a)
{
    return with_conf(a, dry_plugins);
}

static int run_help(struct arguments *a);

/* What follows the program's name: it names what to do, or (run NULL) has a
 * place in struct arguments: for its value, or for a flag. */
/* clang-format off */
static const struct option {
    const char *name, *value, *help;
    int (*run)(struct arguments *a);
    size_t value_off;
} options[] = {
    {"-c", "FILE", "serve with this configuration", NULL,
     offsetof(struct arguments, server.conf_path)},
    {"-t", NULL, "check the configuration and everything it names", run_test, 0},
    {"-V", NULL, "print version, plugin ABI and how this was built", run_version, 0},
    {"-h", NULL, "print this", run_help, 0},
    {"--print-reference", NULL, "print the reference of all directives", run_reference, 0},
    {"server", NULL, "serve under a supervisor, which is who says this", run_child, 0},
    {"--resume", "FD", "supervise on, where a supervisor says that it is to", NULL,
     offsetof(struct arguments, state)},
    {"routes", NULL, "list all routes", run_routes, 0},
    {"plugins", NULL, "list the plugins: versions, sha256, what they declare", run_plugins, 0},
    {"--json", NULL, "... either of them as JSON, with all there is to say", NULL,
     offsetof(struct arguments, server.as_json)},
    {"--explain", "PATH", "routes: only what PATH meets, and the composed chain", NULL,
     offsetof(struct arguments, server.explain)},
    {"--method", "METHOD", "... with this method instead of GET", NULL,
     offsetof(struct arguments, server.method)},
};
/* clang-format on */

static int
run_help(struct arguments *a)
{
    (void)a;
    printf("usage: etude [-t] [-c FILE]\n"
           "       etude routes [--json] [--explain PATH [--method METHOD]] "
           "[-c FILE]\n"
           "       etude plugins [--json] [-c FILE]\n");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        char name[40];
        snprintf(name, sizeof name, "%s%s%s", options[i].name,
                 options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        printf("  %-18s %s\n", name, options[i].help);
    }
    printf("Without -c: $ETUDE_CONF, conf/etude.ini of the tree this was built "
           "in, %s/etude.ini.\n"
           "Signals: HUP reload; USR1 reopen logs; USR2 upgrade; TERM, INT and "
           "QUIT stop "
           "gracefully, a second one at once.\n",
           ETUDE_SYSCONFDIR);
    return SERVER_OK;
}

static int
usage(const char *what, const char *argument)
{
    fprintf(stderr, "etude: %s %s; see etude -h\n", what, argument);
    return SERVER_USAGE;
}

/* An argument that what is run does not look at. */
static const char *
unused(const struct arguments *a)
{
    const struct server_options *o = &a->server;

    if (o->as_json && a->run != run_routes && a->run != run_plugins)
        return "--json";
    if (o->explain && a->run != run_routes)
        return "--explain";
    if (o->method && !o->explain)
        return "--method";
    return NULL;
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
    struct arguments a = {.run = run_server};

    if (file_open_standard() < 0)
        return SERVER_INTERNAL;
    for (int i = 1; i < argc; i++) {
        const struct option *o = find(argv[i]);
        if (!o)
            return usage("unknown argument", argv[i]);
        if (o->run)
            a.run = o->run;
        else if (!o->value)
            *(int *)(void *)((char *)&a + o->value_off) = 1;
        else if (i + 1 == argc)
            return usage("a value is missing after", argv[i]);
        else
            memcpy((char *)&a + o->value_off, &argv[++i], sizeof argv[i]);
    }
    if (a.state)
        a.run = a.server.conf_path ? run_successor : run_help;
    if (unused(&a))
        return usage("nothing to do with", unused(&a));
    return finish(a.run(&a));
}
