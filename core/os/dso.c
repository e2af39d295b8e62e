/* SPDX-License-Identifier: BSD-2-Clause */
/* dso.c - see dso.h. */
#include "os/dso.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

void
dso_fd_path(char out[DSO_PATH_LEN], int fd)
{
    snprintf(out, DSO_PATH_LEN, "/proc/%ld/fd/%d", (long)getpid(), fd);
}

void *
dso_open(const char *path, char error[DSO_ERROR_LEN])
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *text = handle == NULL ? dlerror() : NULL;

    snprintf(error, DSO_ERROR_LEN, "%s", text != NULL ? text : "");
    return handle;
}

void *
dso_symbol(void *handle, const char *name)
{
    return dlsym(handle, name);
}

int
dso_is_global(const char *name)
{
    return dlsym(RTLD_DEFAULT, name) != NULL;
}

struct range {
    uintptr_t base, start, end; /* base: what the loader added to addresses */
    uint32_t flags;             /* of the segments: PF_X, or 0 for all */
};

static int
measure(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct range *r = arg;

    (void)size;
    if (info->dlpi_addr != r->base)
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t at = r->base + ph->p_vaddr;

        if (ph->p_type != PT_LOAD || (ph->p_flags & r->flags) != r->flags)
            continue;
        if (at < r->start)
            r->start = at;
        if (at + ph->p_memsz > r->end)
            r->end = at + ph->p_memsz;
    }
    return 1;
}

static int
find_range(void *handle, struct range *r)
{
    struct link_map *map;

    r->start = UINTPTR_MAX;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0)
        return -1;
    r->base = map->l_addr;
    return dl_iterate_phdr(measure, r) == 0 || r->end == 0 ? -1 : 0;
}

int
dso_range(void *handle, uintptr_t *start, uintptr_t *end)
{
    struct range r = {0};

    if (find_range(handle, &r) < 0)
        return -1;
    *start = r.start;
    *end = r.end;
    return 0;
}

int
dso_code(void *handle, uintptr_t *base, uintptr_t *start, uintptr_t *end)
{
    struct range r = {.flags = PF_X};

    if (find_range(handle, &r) < 0)
        return -1;
    *base = r.base;
    *start = r.start;
    *end = r.end;
    return 0;
}

const char *
dso_owner(uintptr_t pc, uintptr_t *base)
{
#if __GLIBC_PREREQ(2, 35)
    struct dl_find_object found;

    if (_dl_find_object((void *)pc, &found) == 0) {
        *base = found.dlfo_link_map->l_addr;
        return found.dlfo_link_map->l_name;
    }
#endif
    (void)pc;
    (void)base;
    return NULL;
}

struct spot {
    uintptr_t at;
    uint32_t flags; /* of the segment: PF_R, PF_W */
    size_t n;       /* bytes from at on; 0: not found yet */
};

/* From at to the end of segment i; 0: it is elsewhere. */
static size_t
bytes_in(const struct dl_phdr_info *info, unsigned i, uintptr_t at)
{
    const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
    size_t off = at - (info->dlpi_addr + ph->p_vaddr);

    return off < ph->p_memsz ? ph->p_memsz - off : 0;
}

static int
find_spot(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct spot *s = arg;
    int is_fixed = 0;

    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

        if (ph->p_type == PT_LOAD && (ph->p_flags & s->flags) == s->flags &&
            s->n == 0)
            s->n = bytes_in(info, i, s->at);
        if (ph->p_type == PT_GNU_RELRO && (s->flags & PF_W))
            is_fixed |= bytes_in(info, i, s->at) > 0;
    }
    if (s->n == 0)
        return 0;
    s->n = is_fixed ? 0 : s->n;
    return 1;
}

static size_t
bytes_from(const void *p, uint32_t flags)
{
    struct spot s = {.at = (uintptr_t)p, .flags = flags};

    dl_iterate_phdr(find_spot, &s);
    return s.n;
}

size_t
dso_readable(const void *p)
{
    return bytes_from(p, PF_R);
}

size_t
dso_writable(const void *p)
{
    return bytes_from(p, PF_W);
}

void
dso_close(void *handle)
{
    dlclose(handle);
}

int
dso_is_loaded(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);

    if (handle == NULL)
        return 0;
    dlclose(handle);
    return 1;
}
