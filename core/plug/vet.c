/* SPDX-License-Identifier: BSD-2-Clause */
/* vet.c - see vet.h. */
#include "plug/vet.h"

#include <stdio.h>
#include <string.h>

#include "os/dso.h"
#include "plug/why.h"

#define ENTRY_SYMBOL "et_plugins_v1"
/* What glibc 2.36 leaves for static TLS of objects loaded late. */
#define STATIC_TLS_ROOM 1664u
#define MAX_CAPTURED_SHOWN 3u

struct vet_target {
    const struct elf_info *elf;
    const char *path;
    const struct place *at;
    struct diag *d;
};

static int
check_is_plugin(const struct elf_info *elf, et_err *e)
{
    if ((elf->flags & ELF_HAS_NOTE) && (elf->flags & ELF_HAS_ENTRY))
        return 0;
    if (elf->flags & ELF_HAS_NOTE)
        return why_set(e, "does not export " ENTRY_SYMBOL
                          ": write ET_PLUGIN(...) in one of its files, and "
                          "link without hiding that symbol");
    if (elf->soname.p == NULL)
        return why_set(e, "no .note.etude section: this is not a plugin "
                          "(ET_PLUGIN(...) makes one)");
    return why_set(e,
                   "no .note.etude section: this is not a plugin (it looks "
                   "like an ordinary shared library, SONAME %.*s)",
                   (int)elf->soname.n, elf->soname.p);
}

/* "1.2"; "1.0-rc1" is of what was before 1.0. */
static void
abi_text(char out[48], const et_note *note)
{
    if (note->rc != 0)
        snprintf(out, 48, "%u.%u-rc%u", note->major, note->minor, note->rc);
    else
        snprintf(out, 48, "%u.%u", note->major, note->minor);
}

static int
check_abi(const et_note *note, et_err *e)
{
    char theirs[48];

    abi_text(theirs, note);
    if (note->major != ET_ABI_MAJOR)
        return why_set(e,
                       "built for plugin ABI %s, this server speaks %u.%u (and "
                       "%u is not supported). Get a build for ABI %u, or "
                       "%s the server",
                       theirs, ET_ABI_MAJOR, ET_ABI_MINOR, note->major,
                       ET_ABI_MAJOR,
                       note->major > ET_ABI_MAJOR ? "upgrade" : "downgrade");
    if (note->rc != ET_ABI_RC)
        return why_set(e,
                       "built for plugin ABI %s, which came before 1.0 was "
                       "final: this server speaks %u.%u. Build it anew with "
                       "this server's etude.h",
                       theirs, ET_ABI_MAJOR, ET_ABI_MINOR);
    if (note->need > ET_ABI_MINOR)
        return why_set(e,
                       "needs ABI minor %u, this server has %u. Upgrade the "
                       "server, or ask for a build with ET_NEED %u",
                       note->need, ET_ABI_MINOR, ET_ABI_MINOR);
    if (note->flags & ~VET_KNOWN_FLAGS)
        return why_set(e,
                       "asks for what this server does not know (plugin flags "
                       "0x%x). Upgrade the server",
                       note->flags & ~VET_KNOWN_FLAGS);
    return 0;
}

static int
check_harmless(const struct elf_info *elf, et_err *e)
{
    if (elf->flags & ELF_EXEC_STACK)
        return why_set(e, "would make every stack of the server executable: "
                          "link it with -Wl,-z,noexecstack");
    return 0;
}

int
vet_check(const void *p, size_t n, struct elf_info *out, et_err *e)
{
    int rc = elf_read(p, n, out, e);

    if (rc == 0)
        rc = check_is_plugin(out, e);
    if (rc == 0)
        rc = check_abi(&out->note, e);
    if (rc == 0)
        rc = check_harmless(out, e);
    return rc;
}

static void
warn_traits(const struct vet_target *t)
{
    const struct elf_info *elf = t->elf;

    if (elf->n_unique > 0)
        diag_warn(t->d, t->at,
                  "plugin %s: exports %u GNU_UNIQUE symbols (%.*s ...): state "
                  "would leak between versions; rebuild with -fno-gnu-unique",
                  t->path, elf->n_unique, (int)elf->unique_name.n,
                  elf->unique_name.p);
    if (elf->flags & ELF_STATIC_TLS)
        diag_warn(t->d, t->at,
                  "plugin %s: uses static TLS (%llu bytes): about %llu "
                  "versions can be held at once on this system",
                  t->path, (unsigned long long)elf->tls_bytes,
                  (unsigned long long)(STATIC_TLS_ROOM / (elf->tls_bytes | 1)));
    if (elf->flags & ELF_TEXTREL)
        diag_warn(t->d, t->at,
                  "plugin %s: has text relocations: compile it with -fPIC",
                  t->path);
}

/* Names that start with an underscore are the linker's and C++'s, which are
 * meant to be one in the whole process. */
static int
is_captured(const struct elf_info *elf, uint32_t i)
{
    et_str name = elf_export(elf, i);
    char text[256];

    if (name.n == 0 || name.n >= sizeof text || name.p[0] == '_' ||
        !elf_is_preemptible(elf, i))
        return 0;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return dso_is_global(text);
}

/* Count what is captured; the first few names go to list. */
static uint32_t
list_captured(const struct elf_info *elf, char *list, size_t cap)
{
    uint32_t n = 0;
    size_t len = 0;

    list[0] = '\0';
    for (uint32_t i = 1; i < elf->n_symbols; i++) {
        et_str name = elf_export(elf, i);

        if (!is_captured(elf, i) || n++ >= MAX_CAPTURED_SHOWN)
            continue;
        len += (size_t)snprintf(list + len, cap - len, "%s%.*s",
                                n > 1 ? ", " : "", (int)name.n, name.p);
    }
    return n;
}

/* Functions and objects the plugin exports while the server's own libraries
 * have some of that name: those come first for whoever asks the loader, the
 * plugin itself included. */
static void
warn_captured(const struct vet_target *t)
{
    char list[MAX_CAPTURED_SHOWN * 260];
    uint32_t n = list_captured(t->elf, list, sizeof list);

    if (n > 0)
        diag_warn(t->d, t->at,
                  "plugin %s: exports %u name(s) that libraries of the server "
                  "have too (%s%s): theirs are used, not the plugin's own. "
                  "Build it with -fvisibility=hidden, or with the flags of "
                  "pkg-config --cflags --libs etude",
                  t->path, n, list, n > MAX_CAPTURED_SHOWN ? ", ..." : "");
}

void
vet_warn(const struct elf_info *info, const char *path, const struct place *at,
         struct diag *d)
{
    struct vet_target t = {info, path, at, d};

    warn_traits(&t);
    warn_captured(&t);
}
