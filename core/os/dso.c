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

        if (ph->p_type != PT_LOAD)
            continue;
        if (at < r->start)
            r->start = at;
        if (at + ph->p_memsz > r->end)
            r->end = at + ph->p_memsz;
    }
    return 1;
}

int
dso_range(void *handle, uintptr_t *start, uintptr_t *end)
{
    struct range r = {.start = UINTPTR_MAX};
    struct link_map *map;

    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0)
        return -1;
    r.base = map->l_addr;
    if (dl_iterate_phdr(measure, &r) == 0 || r.end == 0)
        return -1;
    *start = r.start;
    *end = r.end;
    return 0;
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
