/* SPDX-License-Identifier: BSD-2-Clause */
/* vet.c - the refusals and warnings an operator reads, word for word. */
#include "plug/vet.h"

#include "base/err.h"
#include "os/file.h"
#include "t/lib/fixture.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static char why[1024];
static char *bytes;
static struct elf_info info;

static int
vet(const char *source, const char *flags)
{
    const char *path = fixture_build(source, "p.so", flags);
    et_err e = {why, sizeof why, 0};
    size_t n;

    ck_assert_ptr_nonnull(path);
    free(bytes);
    ck_assert_int_eq(file_read(path, 1 << 20, &bytes, &n), 0);
    why[0] = '\0';
    return vet_check(bytes, n, &info, &e);
}

static void
refused(const char *flags, const char *text)
{
    ck_assert_int_eq(vet("raw.c", flags), ERR_INVALID);
    ck_assert_str_eq(why, text);
}

START_TEST(a_good_plugin)
{
    ck_assert_msg(vet("raw.c", "") == 0, "%s", why);
    ck_assert_msg(vet("raw.c", "-DNOTE_FLAGS=0x3") == 0, "%s", why);
}
END_TEST

START_TEST(refusals)
{
    refused("-DNOTE_MAJOR=2",
            "built for plugin ABI 2.1, this server speaks 1.1 (and 2 is not "
            "supported). Get a build for ABI 1, or upgrade the server");
    refused("-DNOTE_MAJOR=0",
            "built for plugin ABI 0.1, this server speaks 1.1 (and 0 is not "
            "supported). Get a build for ABI 1, or downgrade the server");
    refused("-DNOTE_RC=1",
            "built for plugin ABI 1.1-rc1, which came before 1.0 was final: "
            "this server speaks 1.1. Build it anew with this server's "
            "etude.h");
    refused("-DNOTE_NEED=7",
            "needs ABI minor 7, this server has 1. Upgrade the server, or ask "
            "for a build with ET_NEED 1");
    refused("-DNOTE_FLAGS=0x10",
            "asks for what this server does not know (plugin flags 0x10). "
            "Upgrade the server");
    refused("-DNO_NOTE -Wl,-soname,libauth.so.3",
            "no .note.etude section: this is not a plugin (it looks like an "
            "ordinary shared library, SONAME libauth.so.3)");
    refused("-DNO_NOTE", "no .note.etude section: this is not a plugin "
                         "(ET_PLUGIN(...) makes one)");
    refused("-DNO_ENTRY",
            "does not export et_plugins_v1: write ET_PLUGIN(...) in one of "
            "its files, and link without hiding that symbol");
    refused("-Wl,-z,execstack",
            "would make every stack of the server executable: link it with "
            "-Wl,-z,noexecstack");
    refused("-DID='\"a b\"'",
            "has a malformed Etude note: its id and version must be short "
            "printable words");
}
END_TEST

/* The only warning about what was vetted last, or "". */
static const char *
warning(void)
{
    static char text[1024];
    struct diag d;

    diag_init(&d);
    vet_warn(&info, "modules/auth.so", NULL, &d);
    ck_assert_uint_eq(d.n_errors, 0);
    ck_assert_uint_le(d.n_warnings, 1);
    snprintf(text, sizeof text, "%s", d.first != NULL ? d.first->text : "");
    diag_fini(&d);
    return text;
}

START_TEST(warnings)
{
    ck_assert_int_eq(vet("raw.c", ""), 0);
    ck_assert_str_eq(warning(), "");
    ck_assert_int_eq(vet("raw.c", "-DTHREAD_LOCAL=64"), 0);
    ck_assert_ptr_nonnull(strstr(
        warning(), "plugin modules/auth.so: uses static TLS (64 bytes): about "
                   "25 versions can be held at once on this system"));
}
END_TEST

/* hdestroy and the like are libc's: a plugin that exports its own does not call
 * them. */
START_TEST(captured_functions_are_warned_of)
{
    ck_assert_int_eq(vet("raw.c", "-DOWN_NAME=hdestroy"), 0);
    ck_assert_str_eq(
        warning(),
        "plugin modules/auth.so: exports 1 name(s) that libraries of the "
        "server have too (hdestroy): theirs are used, not the plugin's own. "
        "Build it with -fvisibility=hidden, or with the flags of pkg-config "
        "--cflags --libs etude");
    ck_assert_int_eq(vet("split/[ab].c", ""), 0);
    ck_assert_ptr_nonnull(strstr(warning(), "exports 4 name(s) that "));
    ck_assert_ptr_nonnull(strstr(warning(), ", ...): theirs are used"));
}
END_TEST

/* Objects too: libc's stdout, of any type. */
START_TEST(captured_objects_are_warned_of)
{
    ck_assert_int_eq(vet("raw.c", "-DOWN_OBJECT=stdout"), 0);
    ck_assert_ptr_nonnull(strstr(warning(), " (stdout): theirs are used"));
}
END_TEST

START_TEST(what_cannot_be_captured_is_not_warned_of)
{
    static const char *const flags[] = {
        "-fvisibility=hidden",
        "-fvisibility=protected",
        "-Wl,-Bsymbolic",
        "-DOWN_OBJECT=environment",
        "-Wl,--version-script=../core/abi/etude.map",
    };
    char text[256];

    ck_assert_int_eq(chdir(fixture_sources()), 0);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        snprintf(text, sizeof text, "%s %s", flags[i],
                 strstr(flags[i], "OBJECT") ? "" : "-DOWN_NAME=hdestroy");
        ck_assert_int_eq(vet("raw.c", text), 0);
        ck_assert_str_eq(warning(), "");
    }
}
END_TEST

START_TEST(unique_symbols_are_warned_of)
{
    if (fixture_run("c++ --version >/dev/null 2>&1") != 0)
        return;
    setenv("CC", "c++", 1);
    ck_assert_msg(vet("unique.cc", "-fno-gnu-unique") == 0, "%s", why);
    ck_assert_str_eq(warning(), "");
    ck_assert_int_eq(vet("unique.cc", ""), 0);
    if (info.n_unique == 0) /* clang++ makes none */
        return;
    ck_assert_ptr_nonnull(strstr(warning(), "GNU_UNIQUE symbols ("));
    ck_assert_ptr_nonnull(strstr(warning(), "rebuild with -fno-gnu-unique"));
}
END_TEST

UNIT_MAIN_IN(fixture_setup, fixture_teardown, vet, a_good_plugin, refusals,
             warnings, captured_functions_are_warned_of,
             captured_objects_are_warned_of,
             what_cannot_be_captured_is_not_warned_of,
             unique_symbols_are_warned_of)
