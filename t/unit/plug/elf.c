/* SPDX-License-Identifier: BSD-2-Clause */
/* elf.c - what is read out of real shared objects, and that no damage makes
 * the reader leave the file: cut at every length, its end zeros from every byte
 * on, changed at every byte, always against a guard page. */
/* tags: asan */
#include "plug/elf.h"

#include <elf.h>
#include <fcntl.h>

#include "base/err.h"
#include "os/file.h"
#include "t/lib/fixture.h"
#include "t/lib/guard.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

static char *good; /* the bytes of a good plugin */
static size_t good_len;
static char why[1024];

static void
setup(void)
{
    fixture_setup();
    ck_assert_ptr_nonnull(fixture_build("raw.c", "good.so", ""));
    ck_assert_int_eq(
        file_read(fixture_path("good.so"), 1 << 20, &good, &good_len), 0);
}

static void
teardown(void)
{
    free(good);
    fixture_teardown();
}

static int
examine(const void *p, size_t n, struct elf_info *out)
{
    et_err e = {why, sizeof why, 0};

    why[0] = '\0';
    return elf_read(p, n, out, &e);
}

/* Build with flags and examine; the bytes are returned for the caller to
 * free. */
static char *
built(const char *source, const char *flags, struct elf_info *out)
{
    const char *path = fixture_build(source, "built.so", flags);
    size_t n;
    char *p;

    ck_assert_ptr_nonnull(path);
    ck_assert_int_eq(file_read(path, 1 << 20, &p, &n), 0);
    ck_assert_msg(examine(p, n, out) == 0, "%s", why);
    return p;
}

static unsigned
n_exports(const struct elf_info *info, const char *name)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < info->n_symbols; i++) {
        et_str s = elf_export(info, i);

        n += s.n == strlen(name) && memcmp(s.p, name, s.n) == 0;
    }
    return n;
}

START_TEST(a_good_plugin)
{
    struct elf_info info;

    ck_assert_msg(examine(good, good_len, &info) == 0, "%s", why);
    ck_assert_uint_eq(info.flags, ELF_HAS_NOTE | ELF_HAS_ENTRY);
    ck_assert_str_eq(info.note.id, "org.example.raw");
    ck_assert_str_eq(info.note.version, "1.0.0");
    ck_assert_uint_eq(info.note.major, ET_ABI_MAJOR);
    ck_assert_uint_eq(info.note.rc, ET_ABI_RC);
    ck_assert_uint_eq(info.build_id_len, 20);
    ck_assert_ptr_null(info.soname.p);
    ck_assert_uint_eq(info.tls_bytes, 0);
    ck_assert_uint_eq(n_exports(&info, "et_plugins_v1"), 1);
    ck_assert_uint_eq(n_exports(&info, "raw_counter"), 1);
    ck_assert_uint_eq(info.n_unique, 0);
}
END_TEST

START_TEST(both_kinds_of_hash_table)
{
    static const char *const styles[] = {"-Wl,--hash-style=sysv",
                                         "-Wl,--hash-style=gnu",
                                         "-Wl,--hash-style=both"};
    struct elf_info info;

    for (int i = 0; i < 3; i++) {
        char *p = built("raw.c", styles[i], &info);

        ck_assert_uint_eq(n_exports(&info, "et_plugins_v1"), 1);
        ck_assert(info.flags & ELF_HAS_ENTRY);
        free(p);
    }
}
END_TEST

START_TEST(hidden_symbols_are_not_exported)
{
    struct elf_info info;
    char *p = built("raw.c", "-fvisibility=hidden", &info);

    ck_assert_uint_eq(n_exports(&info, "raw_counter"), 0);
    ck_assert_uint_eq(n_exports(&info, "et_plugins_v1"), 1);
    free(p);
}
END_TEST

/* Flags of the linker and the compiler, and the trait each must show as. */
START_TEST(traits)
{
    static const struct {
        const char *flags;
        uint32_t trait;
    } rows[] = {
        {"-Wl,-z,execstack", ELF_EXEC_STACK},
        {"-Wl,-z,nodelete", ELF_NODELETE},
        {"-DTHREAD_LOCAL=64", ELF_STATIC_TLS},
        {"-Wl,-rpath,'$ORIGIN/lib' -Wl,--enable-new-dtags", ELF_ORIGIN},
        {"-Wl,-rpath,'${ORIGIN}/lib' -Wl,--disable-new-dtags", ELF_ORIGIN},
        {"-Wl,-Bsymbolic", ELF_SYMBOLIC},
        {"-Wl,-rpath,/usr/lib", 0},
        {"-Wl,-soname,libraw.so.3", 0},
    };
    struct elf_info info;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *p = built("raw.c", rows[i].flags, &info);

        ck_assert_msg((info.flags & ~(ELF_HAS_NOTE | ELF_HAS_ENTRY)) ==
                          rows[i].trait,
                      "%s: %x", rows[i].flags, info.flags);
        free(p);
    }
}
END_TEST

START_TEST(soname_and_size_of_thread_locals)
{
    struct elf_info info;
    char *p =
        built("raw.c", "-Wl,-soname,libraw.so.3 -DTHREAD_LOCAL=64", &info);

    ck_assert_int_eq((int)info.soname.n, 11);
    ck_assert_mem_eq(info.soname.p, "libraw.so.3", 11);
    ck_assert_uint_ge(info.tls_bytes, 64);
    free(p);
}
END_TEST

START_TEST(a_library_without_a_note)
{
    struct elf_info info;
    char *p = built("raw.c", "-DNO_NOTE -DNO_ENTRY", &info);

    ck_assert_uint_eq(info.flags & (ELF_HAS_NOTE | ELF_HAS_ENTRY), 0);
    free(p);
}
END_TEST

static Elf64_Phdr *
segments(char *p)
{
    return (Elf64_Phdr *)(void *)(p + ((Elf64_Ehdr *)(void *)p)->e_phoff);
}

static unsigned
n_segments(const char *p)
{
    return ((const Elf64_Ehdr *)(const void *)p)->e_phnum;
}

static Elf64_Dyn *
dynamic(char *p)
{
    Elf64_Phdr *ph = segments(p);

    while (ph->p_type != PT_DYNAMIC)
        ph++;
    return (Elf64_Dyn *)(void *)(p + ph->p_offset);
}

static void
set_dynamic(char *p, int64_t tag, int64_t new_tag, uint64_t value)
{
    Elf64_Dyn *d = dynamic(p);

    while (d->d_tag != tag)
        d++;
    d->d_tag = new_tag;
    d->d_un.d_val = value;
}

START_TEST(text_relocations)
{
    struct elf_info info;

    set_dynamic(good, DT_RELACOUNT, DT_TEXTREL, 0);
    ck_assert_int_eq(examine(good, good_len, &info), 0);
    ck_assert(info.flags & ELF_TEXTREL);
}
END_TEST

START_TEST(a_note_outside_of_the_note_segments)
{
    struct elf_info info;

    for (unsigned i = 0; i < n_segments(good); i++)
        if (segments(good)[i].p_type == PT_NOTE)
            segments(good)[i].p_type = PT_NULL;
    ck_assert_int_eq(examine(good, good_len, &info), 0);
    ck_assert(info.flags & ELF_HAS_NOTE);
    ck_assert_str_eq(info.note.id, "org.example.raw");
}
END_TEST

/* One change to the good plugin, and what is said about it. */
static void
break_machine(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_machine =
#ifdef __aarch64__
        EM_X86_64;
#else
        EM_AARCH64;
#endif
}
static void
break_machine_oddly(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_machine = 9999;
}
static void
break_class(char *p)
{
    p[EI_CLASS] = ELFCLASS32;
}
static void
break_order(char *p)
{
    p[EI_DATA] = (char)(p[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB);
}
static void
break_magic(char *p)
{
    p[0] = '#';
}
static void
be_object(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_type = ET_REL;
}
static void
be_program(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_type = ET_EXEC;
}
static void
no_segments(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_phnum = 0;
}
static void
many_segments(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_phnum = 0xffff;
}
static void
odd_sections(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_shentsize = 40;
}
static void
no_section_names(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_shstrndx = 1;
}
static void
names_beyond_the_sections(char *p)
{
    ((Elf64_Ehdr *)(void *)p)->e_shstrndx = 0xff00;
}
static void
no_loads(char *p)
{
    for (unsigned i = 0; i < n_segments(p); i++)
        if (segments(p)[i].p_type == PT_LOAD)
            segments(p)[i].p_type = PT_NULL;
}
static Elf64_Phdr *
second_load(char *p)
{
    Elf64_Phdr *ph = segments(p);

    for (int n = 0;; ph++)
        if (ph->p_type == PT_LOAD && ++n == 2)
            return ph;
}
static void
overlapping(char *p)
{
    second_load(p)->p_vaddr = 0;
}
static void
shrunken(char *p)
{
    second_load(p)->p_memsz = 0;
}
static void
huge(char *p)
{
    second_load(p)->p_memsz = UINT64_MAX;
}
static void
far_away(char *p)
{
    second_load(p)->p_offset = UINT64_MAX - 10;
}
static void
no_dynamic(char *p)
{
    for (unsigned i = 0; i < n_segments(p); i++)
        if (segments(p)[i].p_type == PT_DYNAMIC)
            segments(p)[i].p_type = PT_NULL;
}
static void
lost_dynamic(char *p)
{
    for (unsigned i = 0; i < n_segments(p); i++)
        if (segments(p)[i].p_type == PT_DYNAMIC)
            segments(p)[i].p_vaddr = INT64_MAX;
}
static void
endless_dynamic(char *p)
{
    for (unsigned i = 0; i < n_segments(p); i++)
        if (segments(p)[i].p_type == PT_DYNAMIC)
            segments(p)[i].p_filesz = sizeof(Elf64_Dyn);
}
static void
lost_strings(char *p)
{
    set_dynamic(p, DT_STRTAB, DT_STRTAB, INT64_MAX);
}
static void
long_strings(char *p)
{
    set_dynamic(p, DT_STRSZ, DT_STRSZ, UINT64_MAX);
}
static void
lost_symbols(char *p)
{
    set_dynamic(p, DT_SYMTAB, DT_SYMTAB, INT64_MAX);
}
static void
lost_hash(char *p)
{
    set_dynamic(p, DT_GNU_HASH, DT_GNU_HASH, 1);
}
static void
no_hash(char *p)
{
    set_dynamic(p, DT_GNU_HASH, DT_DEBUG, 0);
}

START_TEST(damage_is_named)
{
    static const struct {
        void (*change)(char *p);
        const char *text;
    } rows[] = {
        {break_machine_oddly, "is for machine 9999, this server is "},
        {break_machine, "is for "},
        {break_class, "is not a 64-bit shared object"},
        {break_order, "has the other byte order"},
        {break_magic, "is not an ELF shared object"},
        {be_object, "is an object file: link it with cc -shared"},
        {be_program, "is not a shared object (ELF type 2)"},
        {no_segments, "is damaged: no usable program headers"},
        {many_segments, "is damaged: no usable program headers"},
        {odd_sections, "is damaged: no usable section headers"},
        {no_section_names, "is damaged: no usable section headers"},
        {names_beyond_the_sections, "is damaged: no usable section headers"},
        {no_loads, "is damaged: nothing of it is to be loaded"},
        {overlapping, "is damaged: its segments overlap"},
        {shrunken, "is damaged: a segment's sizes contradict"},
        {huge, "is damaged: a segment's sizes contradict"},
        {far_away, "program headers reach 18446744073709551615"},
        {no_dynamic, "is damaged: no dynamic section"},
        {lost_dynamic, "is damaged: its dynamic section is in no segment"},
        {endless_dynamic, "is damaged: its dynamic section has no end"},
        {lost_strings, "is damaged: its string table is in no segment"},
        {long_strings, "is damaged: its string table is in no segment"},
        {lost_symbols, "is damaged: its symbol table is in no segment"},
        {lost_hash, "is damaged: its symbol table is in no segment"},
        {no_hash, "is damaged: its symbol table is in no segment"},
    };
    struct elf_info info;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *p = guard_end(good, good_len);

        rows[i].change(p);
        ck_assert_int_eq(examine(p, good_len, &info), ERR_INVALID);
        ck_assert_msg(strstr(why, rows[i].text) != NULL, "%zu: %s", i, why);
    }
}
END_TEST

/* Whatever the outcome: all that is returned lies inside the file. */
static void
check_slices(const struct elf_info *info, const char *p, size_t n)
{
    for (uint32_t i = 0; i < info->n_symbols; i++) {
        et_str s = elf_export(info, i);

        if (s.p != NULL)
            ck_assert(s.p >= p && s.n <= (size_t)(p + n - s.p));
    }
}

START_TEST(cut_at_every_length)
{
    struct elf_info info;

    for (size_t n = 0; n < good_len; n++) {
        char *p = guard_end(good, n);

        ck_assert_int_eq(examine(p, n, &info), ERR_INVALID);
        if (n == 0)
            ck_assert_str_eq(why, "is empty");
        else if (n < SELFMAG)
            ck_assert_str_eq(why, "is not an ELF shared object");
        else
            ck_assert_msg(strstr(why, "it is truncated or still being "
                                      "copied") != NULL,
                          "%zu: %s", n, why);
    }
}
END_TEST

/* The size is right, and the end was not written: what a copy leaves that
 * allocates first, or a loss of power.  From the last section header's type on
 * nothing is missing that a loader reads. */
START_TEST(zeros_from_every_offset)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(void *)good;
    size_t known = eh->e_shoff + (eh->e_shnum - 1u) * sizeof(Elf64_Shdr) +
                   offsetof(Elf64_Shdr, sh_type);
    size_t head = eh->e_phoff + eh->e_phnum * sizeof(Elf64_Phdr);
    char *p = guard_end(good, good_len);
    struct elf_info info;

    for (size_t n = good_len; n-- > 0;) {
        p[n] = 0;
        if (n > known) {
            if (examine(p, good_len, &info) == 0)
                check_slices(&info, p, good_len);
            continue;
        }
        ck_assert_msg(examine(p, good_len, &info) == ERR_INVALID, "%zu", n);
        if (n >= head)
            ck_assert_msg(strstr(why, "it looks half copied") != NULL,
                          "%zu: %s", n, why);
    }
}
END_TEST

START_TEST(section_headers_may_be_stripped)
{
    Elf64_Ehdr *eh = (Elf64_Ehdr *)(void *)good;
    size_t n = eh->e_shoff;
    struct elf_info info;

    eh->e_shoff = 0;
    eh->e_shnum = eh->e_shstrndx = 0;
    ck_assert_msg(examine(good, n, &info) == 0, "%s", why);
    ck_assert_uint_eq(info.flags, ELF_HAS_NOTE | ELF_HAS_ENTRY);
}
END_TEST

START_TEST(the_truncation_message_has_both_sizes)
{
    struct elf_info info;
    char text[128];
    size_t reach = 0;

    for (unsigned i = 0; i < n_segments(good); i++) {
        const Elf64_Phdr *ph = &segments(good)[i];

        if (ph->p_type == PT_LOAD && ph->p_offset + ph->p_filesz > reach)
            reach = ph->p_offset + ph->p_filesz;
    }
    ((Elf64_Ehdr *)(void *)good)->e_shoff = 0;
    ck_assert_int_eq(examine(good, 8192, &info), ERR_INVALID);
    snprintf(text, sizeof text,
             "file is 8192 bytes but its program headers reach %zu: ", reach);
    ck_assert_msg(strncmp(why, text, strlen(text)) == 0, "%s", why);
    ck_assert_int_eq(examine(good, reach, &info), 0);
}
END_TEST

START_TEST(every_byte_changed)
{
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    char *p = guard_end(good, good_len);
    struct elf_info info;

    for (size_t i = 0; i < good_len; i++) {
        if (good[i] == 0 && i > 0 && good[i - 1] == 0 && i % 8 != 0)
            continue; /* padding, mostly: every eighth byte of it is enough */
        for (size_t v = 0; v < sizeof values; v++) {
            p[i] = (char)values[v];
            if (examine(p, good_len, &info) == 0)
                check_slices(&info, p, good_len);
        }
        p[i] = good[i];
    }
}
END_TEST

START_TEST(a_reason_is_cut_to_its_room)
{
    struct elf_info info;
    char small[8];
    et_err e = {small, sizeof small, 0}, none = {NULL, 0, 0};

    ck_assert_int_eq(elf_read("#!/bin/sh", 9, &info, &e), ERR_INVALID);
    ck_assert_str_eq(small, "is not ");
    ck_assert_uint_eq(e.n, 7);
    ck_assert_int_eq(elf_read("#!/bin/sh", 9, &info, &none), ERR_INVALID);
    ck_assert_uint_eq(none.n, 0);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, elf, a_good_plugin, both_kinds_of_hash_table,
             hidden_symbols_are_not_exported, traits,
             soname_and_size_of_thread_locals, a_library_without_a_note,
             text_relocations, a_note_outside_of_the_note_segments,
             damage_is_named, cut_at_every_length, zeros_from_every_offset,
             section_headers_may_be_stripped,
             the_truncation_message_has_both_sizes, every_byte_changed,
             a_reason_is_cut_to_its_room)
