/* SPDX-License-Identifier: BSD-2-Clause */
/* symbols.c - see symbols.h. */
#include "plug/symbols.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* How far one reaches that does not say so: assembler. */
#define UNSIZED_MAX 4096u

struct symbol {
    uint32_t at, size, name; /* name: offset from the names on */
};

struct symbols {
    size_t bytes; /* of the whole mapping */
    uint32_t n;
    const char *names;
    struct symbol v[];
};

/* A symbol table in a file, and the strings it names. */
struct table {
    const unsigned char *entries;
    size_t n;
    const char *strings;
    size_t strings_len;
};

static int
lies_in(uint64_t off, uint64_t len, size_t n)
{
    return off <= n && len <= n - off;
}

static int
read_section(const unsigned char *p, size_t n, const Elf64_Ehdr *e, uint32_t i,
             Elf64_Shdr *out)
{
    uint64_t off = e->e_shoff + (uint64_t)i * sizeof *out;

    if (i >= e->e_shnum || e->e_shoff > n || !lies_in(off, sizeof *out, n))
        return 0;
    memcpy(out, p + off, sizeof *out);
    return out->sh_type == SHT_NOBITS ||
           lies_in(out->sh_offset, out->sh_size, n);
}

static int
find_table(const unsigned char *p, size_t n, uint32_t type, struct table *t)
{
    Elf64_Shdr s, strings;
    Elf64_Ehdr e;

    if (n < sizeof e)
        return 0;
    memcpy(&e, p, sizeof e);
    if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
        e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_shentsize != sizeof s)
        return 0;
    for (uint32_t i = 0; i < e.e_shnum; i++) {
        if (!read_section(p, n, &e, i, &s) || s.sh_type != type ||
            !read_section(p, n, &e, s.sh_link, &strings) ||
            strings.sh_type != SHT_STRTAB || strings.sh_size == 0 ||
            p[strings.sh_offset + strings.sh_size - 1] != '\0')
            continue;
        *t = (struct table){p + s.sh_offset, s.sh_size / sizeof(Elf64_Sym),
                            (const char *)p + strings.sh_offset,
                            strings.sh_size};
        return 1;
    }
    return 0;
}

/* Symbol i of t, if it is a function of the file's own. */
static int
read_function(const struct table *t, size_t i, Elf64_Sym *out)
{
    memcpy(out, t->entries + i * sizeof *out, sizeof *out);
    return ELF64_ST_TYPE(out->st_info) == STT_FUNC &&
           out->st_shndx != SHN_UNDEF && out->st_name < t->strings_len &&
           out->st_value <= UINT32_MAX && out->st_size <= UINT32_MAX &&
           t->strings[out->st_name] != '\0';
}

static int
by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

static void
copy(struct symbols *s, const struct table *t, char *names)
{
    uint32_t n = 0, used = 0;
    Elf64_Sym sym;

    for (size_t i = 0; i < t->n; i++) {
        const char *name = t->strings;
        size_t len;
        if (!read_function(t, i, &sym))
            continue;
        name += sym.st_name;
        len = strlen(name) + 1;
        s->v[n++] = (struct symbol){(uint32_t)sym.st_value,
                                    (uint32_t)sym.st_size, used};
        memcpy(names + used, name, len);
        used += (uint32_t)len;
    }
    qsort(s->v, n, sizeof *s->v, by_address);
    s->n = n;
    s->names = names;
}

struct symbols *
symbols_new(const void *p, size_t n)
{
    struct table t;
    struct symbols *s;
    size_t n_functions = 0, bytes = sizeof *s;
    Elf64_Sym sym;

    if (!find_table(p, n, SHT_SYMTAB, &t) && !find_table(p, n, SHT_DYNSYM, &t))
        return NULL;
    for (size_t i = 0; i < t.n; i++) {
        if (!read_function(&t, i, &sym))
            continue;
        n_functions++;
        bytes += sizeof *s->v + strlen(t.strings + sym.st_name) + 1;
    }
    if (n_functions == 0 || bytes > UINT32_MAX)
        return NULL;
    s = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    if (s == MAP_FAILED)
        return NULL;
    s->bytes = bytes;
    copy(s, &t, (char *)(s->v + n_functions));
    (void)mprotect(s, bytes, PROT_READ);
    return s;
}

void
symbols_free(struct symbols *s)
{
    if (s)
        munmap(s, s->bytes);
}

const char *
symbols_find(const struct symbols *s, uint64_t at, uint64_t *off)
{
    uint32_t first = 0, last = s ? s->n : 0; /* the one is in [first, last) */
    const struct symbol *found;

    while (last > first) {
        uint32_t middle = first + (last - first) / 2;
        if (s->v[middle].at <= at)
            first = middle + 1;
        else
            last = middle;
    }
    if (first == 0)
        return NULL;
    found = &s->v[first - 1];
    *off = at - found->at;
    if (*off >= (found->size > 0 ? found->size : UNSIZED_MAX))
        return NULL;
    return s->names + found->name;
}
