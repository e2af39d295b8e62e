/* SPDX-License-Identifier: BSD-2-Clause */
/* recipes.c - what conf/kubernetes.yaml sets is what this server takes.
 * tags: plain */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

static FILE *
open_recipe(void)
{
    const char *source = getenv("T_SOURCE");
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/conf/kubernetes.yaml",
             source && *source ? source : ".");
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    return f;
}

/* All ETUDE_* of the recipe but the address: how many. */
static int
take_environment(void)
{
    char line[256], name[128] = "", value[128];
    FILE *f = open_recipe();
    int n = 0;

    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, " - name: %127s", name) == 1)
            continue;
        if (strncmp(name, "ETUDE_", 6) != 0 ||
            sscanf(line, " value: \"%127[^\"]\"", value) != 1)
            continue;
        setenv(name, value, 1);
        n++;
    }
    fclose(f);
    setenv("ETUDE_LISTEN", "127.0.0.1:0", 1);
    return n;
}

/* The ini of its ConfigMap. */
static void
take_ini(char *out, size_t cap)
{
    static const char blanks[] = "    ";
    char line[256];
    FILE *f = open_recipe();
    int is_in = 0;
    size_t n = 0;

    while (fgets(line, sizeof line, f) && strcmp(line, "---\n") != 0) {
        if (is_in && strncmp(line, blanks, 4) == 0)
            n += (size_t)snprintf(out + n, cap - n, "%s", line + 4);
        is_in |= strcmp(line, "  etude.ini: |\n") == 0;
    }
    fclose(f);
    ck_assert_uint_gt(n, 0);
}

START_TEST(kubernetes)
{
    char ini[1024];

    ck_assert_int_ge(take_environment(), 5);
    take_ini(ini, sizeof ini);
    server_start(&s, ini);
    client_once(&s, GET("/healthz"), 200, NULL);
    client_once(&s, GET("/readyz"), 200, NULL);
    client_once(&s, GET("/metrics"), 200, NULL);
    client_once(&s, GET("/hello/you"), 200, NULL);
    /* It goes on for shutdown_delay: a second signal does not wait. */
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping: up to 25000 ms");
    server_signal(&s, SIGINT);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

UNIT_MAIN(recipes, kubernetes)
