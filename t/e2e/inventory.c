/* SPDX-License-Identifier: BSD-2-Clause */
/* inventory.c - `etude plugins`: which images a configuration loads, as a table
 * and as JSON, and that the sha256 is that of the file.
 * tags: asan */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/etude_abi.h"
#include "base/sha256.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

static const char ini[] = "[server]\n"
                          "listen = 127.0.0.1:0\n"
                          "use = mark, a\n"
                          "[plugin mark]\n"
                          "[plugin a]\nmodule = headers\n"
                          "[plugin echo]\n" /* nobody uses it */
                          "[plugin b]\nmodule = headers\n"
                          "[plugin keeper]\n"
                          "[plugin meter]\n";

static struct server s;
static char out[16384], want[2048];

/* Run `etude plugins` with an argument (NULL: none). */
static void
plugins(const char *argument, int code)
{
    const char *args[] = {"plugins", argument, NULL};
    int got = server_run(&s, args, out, sizeof out);

    ck_assert_msg(got == code, "%d, not %d: %s", got, code, out);
}

/* The sha256 of modules/NAME.so as a file. */
static void
hash_file(const char *name, char hex[SHA256_HEX_LEN + 1])
{
    static char bytes[4 << 20];
    uint8_t digest[SHA256_LEN];
    char path[160];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s.so", s.modules, name);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    n = fread(bytes, 1, sizeof bytes, f);
    ck_assert(feof(f));
    fclose(f);
    sha256_of(bytes, n, digest);
    sha256_hex(digest, hex);
}

START_TEST(json_has_the_sha256_of_each_file)
{
    static const char *const names[] = {"mark", "headers", "echo", "keeper",
                                        "meter"};
    char hex[SHA256_HEX_LEN + 1];
    const char *at = out;

    server_prepare(&s, ini);
    plugins("--json", 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        hash_file(names[i], hex);
        snprintf(want, sizeof want, "\"module\":\"%s/%s.so\",\"id\":\"org.",
                 s.modules, names[i]);
        unit_has(out, want);
        at = strstr(at, want);
        ck_assert_msg(at != NULL, "not in the order of the sections:\n%s", out);
        snprintf(want, sizeof want, "\"sha256\":\"%s\",", hex);
        at = strstr(at, want);
        ck_assert_msg(at != NULL, "no %s in\n%s", want, out);
    }
    server_clean(&s);
}
END_TEST

START_TEST(body_steps_are_steps)
{
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin filter]\n");
    plugins("--json", 0);
    unit_has(out, "\"steps\":{\"response\":\"ask\",\"body\":\"pass\"},");
    plugins(NULL, 0);
    unit_has(out, " filter response body routes=");
    server_clean(&s);
}
END_TEST

START_TEST(json_says_what_each_declares)
{
    server_prepare(&s, ini);
    plugins("--json", 0);
    unit_has(out, "[\n{\"sections\":[\"mark\"],");
    unit_has(out, "{\"sections\":[\"a\",\"b\"],\"module\":");
    unit_has(out,
             "\"id\":\"org.etude.test.mark\",\"version\":\"1.0.0\","
             "\"summary\":\"says its build\",\"build\":\"\",\"build_id\":\"");
    snprintf(want, sizeof want,
             "\"contract\":{\"major\":%u,\"minor\":%u,\"rc\":%u},"
             "\"may_unmap\":true,\"steps\":{\"response\":\"mark\"},"
             "\"routes\":[],\"options\":[],\"metrics\":[],\"commands\":[],"
             "\"needs\":[",
             ET_ABI_MAJOR, ET_ABI_MINOR, ET_ABI_RC);
    unit_has(out, want);
    unit_has(out, "\"may_unmap\":false,\"steps\":{\"request\":\"pass\"},"
                  "\"routes\":[{\"method\":\"GET\",\"path\":\"/keeper\","
                  "\"name\":\"keeper\",\"doc\":\"\"},");
    unit_has(out,
             "{\"key\":\"load\",\"type\":\"choice\",\"choices\":\"good|fails\","
             "\"default\":\"good\",\"required\":false,\"secret\":false,"
             "\"help\":\"how it takes a state\"},");
    unit_has(out, "\"kind\":\"counter\",\"unit\":\"");
    ck_assert_str_eq(out + strlen(out) - 5, "]}\n]\n");
    server_clean(&s);
}
END_TEST

/* As many digits of the sha256 as the log says of a plugin. */
START_TEST(the_table_is_short)
{
    char hex[SHA256_HEX_LEN + 1];

    server_prepare(&s, ini);
    hash_file("headers", hex);
    plugins(NULL, 0);
    unit_has(
        out,
        "ID                               VERSION    CONTRACT   UNMAP SHA256 "
        "      SECTIONS, DECLARES\norg.etude.test.mark ");
    snprintf(want, sizeof want, " %.12s a,b ", hex);
    unit_has(out, want);
    unit_has(out, " keeper request routes=2 options=5\n");
    snprintf(want, sizeof want, " 1.0.0      %u.%u        yes ", ET_ABI_MAJOR,
             ET_ABI_MINOR);
    unit_has(out, want);
    server_clean(&s);
}
END_TEST

START_TEST(commands_are_listed_to_be_typed)
{
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin orders]\n");
    plugins("--json", 0);
    unit_has(out,
             "\"commands\":[{\"name\":\"say\",\"help\":\"what it is, and "
             "what it was asked\"},{\"name\":\"fail\",\"help\":\"fails\"},");
    plugins(NULL, 0);
    unit_has(out,
             " orders routes=1 options=1 commands=5\n"
             "  command say              what it is, and what it was asked\n"
             "  command fail             fails\n");
    server_clean(&s);
}
END_TEST

/* Equal bytes are in memory once, but each file is one to compare with. */
START_TEST(two_files_are_two_entries)
{
    char command[256];

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin mark]\n"
                       "[plugin copy]\n");
    snprintf(command, sizeof command, "cp %s/mark.so %s/copy.so", s.modules,
             s.modules);
    ck_assert_int_eq(system(command), 0);
    plugins("--json", 0);
    unit_has(out, "[\"mark\"],\"module\":");
    unit_has(out, "[\"copy\"],\"module\":");
    unit_has(out, "/copy.so\",\"id\":\"org.etude.test.mark\",");
    server_clean(&s);
}
END_TEST

START_TEST(a_configuration_with_errors_has_no_plugins)
{
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin nobody]\n");
    plugins("--json", 78);
    unit_has(out, "[plugin nobody] there is no ");
    ck_assert_ptr_null(strstr(out, "[\n"));
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\n");
    plugins("--json", 0);
    ck_assert_str_eq(out, "[\n]\n");
    server_clean(&s);
}
END_TEST

UNIT_MAIN(inventory, json_has_the_sha256_of_each_file,
          json_says_what_each_declares, body_steps_are_steps,
          the_table_is_short, commands_are_listed_to_be_typed,
          two_files_are_two_entries, a_configuration_with_errors_has_no_plugins)
