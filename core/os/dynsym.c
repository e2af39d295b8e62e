/* SPDX-License-Identifier: BSD-2-Clause */
/* dynsym.c - see dynsym.h. */
#include "os/dynsym.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

/* The dynamic symbols of an object. */
struct table {
    const ElfW(Sym) * symbols;
    const char *strings;
    uint32_t n;
};

/* How many there are is said by nobody but the hash table: the last chain of
 * the last bucket ends with the last symbol. */
static uint32_t
count(const uint32_t *hash)
{
    uint32_t n_buckets = hash[0], first = hash[1], bloom = hash[2], last = 0;
    const uint32_t *buckets = hash + 4 + bloom * (sizeof(ElfW(Addr)) / 4);
    const uint32_t *chains = buckets + n_buckets;

    for (uint32_t i = 0; i < n_buckets; i++)
        last = buckets[i] > last ? buckets[i] : last;
    if (last < first)
        return 0;
    while (!(chains[last - first] & 1))
        last++;
    return last + 1;
}

/* What an entry of the dynamic section points to.  The C library has made real
 * addresses of them, but where the section is read-only: the vDSO's. */
static const void *
resolve(const struct link_map *map, const ElfW(Dyn) * d)
{
    ElfW(Addr) at = d->d_un.d_ptr;

    return (const void *)(at < map->l_addr ? map->l_addr + at : at);
}

static int
read_table(const struct link_map *map, struct table *t)
{
    const uint32_t *hash = NULL;

    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_SYMTAB)
            t->symbols = resolve(map, d);
        else if (d->d_tag == DT_STRTAB)
            t->strings = resolve(map, d);
        else if (d->d_tag == DT_GNU_HASH)
            hash = resolve(map, d);
    }
    if (!t->symbols || !t->strings || !hash)
        return 0;
    t->n = count(hash);
    return 1;
}

static const struct link_map *
owner_of(uintptr_t pc)
{
#if __GLIBC_PREREQ(2, 35)
    struct dl_find_object found;

    if (_dl_find_object((void *)pc, &found) == 0)
        return found.dlfo_link_map;
#endif
    (void)pc;
    return NULL;
}

const char *
dynsym_find(uintptr_t pc, uint64_t *off)
{
    const struct link_map *map = owner_of(pc);
    struct table t = {0};

    if (!map || !read_table(map, &t))
        return NULL;
    for (uint32_t i = 0; i < t.n; i++) {
        const ElfW(Sym) *s = &t.symbols[i];
        uintptr_t at = map->l_addr + s->st_value;
        if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_shndx == SHN_UNDEF ||
            pc < at || pc - at >= s->st_size)
            continue;
        *off = pc - at;
        return t.strings + s->st_name;
    }
    return NULL;
}
