/* SPDX-License-Identifier: BSD-2-Clause */
/* elf.h - what the bytes of a shared object say, before any of it runs.
 *
 * A pure function over (p, n): no offset, count or size found in the file is
 * trusted, every one is checked against n before it is followed.  It refuses
 * what the loader would crash on, what cannot be a plugin of this machine, and
 * what was not copied to its end: a file too short, or of its full size with an
 * end of zeros, which the section headers tell that linkers put there.  Of a
 * file that was stripped of them such zeros are not seen.  Whether the note
 * fits this server is the caller's question (image.h).
 *
 * Invariant: every slice of an elf_info lies inside [p, p + n). */
#ifndef PLUG_ELF_H
#define PLUG_ELF_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

#define ELF_BUILD_ID_MAX 32

/* elf_info.flags */
#define ELF_HAS_NOTE 1u    /* .note.etude found; elf_info.note is filled */
#define ELF_HAS_ENTRY 2u   /* et_plugins_v1 is defined and exported */
#define ELF_STATIC_TLS 4u  /* DF_STATIC_TLS: takes of a small fixed area */
#define ELF_NODELETE 8u    /* DF_1_NODELETE: dlclose will not unmap it */
#define ELF_TEXTREL 16u    /* writes into its own text while loading */
#define ELF_EXEC_STACK 32u /* makes every stack of the process executable */
#define ELF_ORIGIN 64u     /* $ORIGIN in RPATH or RUNPATH */
#define ELF_SYMBOLIC 128u  /* -Bsymbolic: it calls its own functions first */

struct elf_info {
    uint32_t flags;
    uint32_t n_symbols;  /* dynamic symbols, for elf_export */
    uint32_t n_exported; /* defined, global or weak, visible */
    uint32_t n_unique;   /* of those, STB_GNU_UNIQUE */
    uint32_t build_id_len;
    uint8_t build_id[ELF_BUILD_ID_MAX];
    uint64_t tls_bytes; /* size of its thread-local storage */
    et_str soname;      /* absent if none */
    et_str unique_name; /* of the first unique symbol */
    struct et_note note;
    const unsigned char *symtab; /* for elf_export */
    et_str strtab;
};

/* Examine the n bytes of a file.  0, or ERR_INVALID and e (never NULL) says
 * why, as the end of a sentence that begins with the file's name: "is for
 * aarch64, this server is x86-64".  A file without an Etude note is good here:
 * ELF_HAS_NOTE is missing. [any] */
MUST_USE int elf_read(const void *p, size_t n, struct elf_info *out, et_err *e);

/* The name of dynamic symbol i (0 .. n_symbols-1) if it is exported; absent
 * otherwise.  The bytes given to elf_read must still be there. [any] */
et_str elf_export(const struct elf_info *info, uint32_t i);
/* Whether a definition of the same name elsewhere takes the place of symbol i,
 * for the object's own references too, if it is found first. [any] */
int elf_is_preemptible(const struct elf_info *info, uint32_t i);

#endif
