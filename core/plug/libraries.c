/* SPDX-License-Identifier: BSD-2-Clause */
/* libraries.c - see libraries.h. */
#include "plug/libraries.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "plug/elf.h"

struct look {
    void (*on_replaced)(void *arg, const char *path);
    void *arg;
};

struct build_id {
    const uint8_t *p;
    size_t n; /* 0: none */
};

/* ---- of what is mapped ---------------------------------------------------*/

static size_t
padded(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* The one among the notes of a segment, which the loader has seen to be whole.
 */
static struct build_id
find_note(const uint8_t *p, size_t n, size_t align)
{
    ElfW(Nhdr) note;

    while (n >= sizeof note) {
        size_t desc, len;
        memcpy(&note, p, sizeof note);
        desc = padded(sizeof note + note.n_namesz, align);
        len = padded(desc + note.n_descsz, align);
        if (desc + note.n_descsz > n)
            break;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(p + sizeof note, "GNU", 4) == 0)
            return (struct build_id){p + desc, note.n_descsz};
        p += len < n ? len : n;
        n -= len < n ? len : n;
    }
    return (struct build_id){NULL, 0};
}

static struct build_id
mapped_id(const struct dl_phdr_info *info)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        struct build_id id;
        if (ph->p_type != PT_NOTE)
            continue;
        id = find_note((const uint8_t *)(info->dlpi_addr + ph->p_vaddr),
                       ph->p_memsz, ph->p_align == 8 ? 8 : 4);
        if (id.n > 0)
            return id;
    }
    return (struct build_id){NULL, 0};
}

/* ---- of the file ---------------------------------------------------------*/

/* Whether the n bytes of a file are of that build. */
static int
is_build(const void *p, size_t n, struct build_id id)
{
    struct elf_info info;
    char why[128];
    et_err e = {why, sizeof why, 0};

    return elf_read(p, n, &info, &e) == 0 && info.build_id_len == id.n &&
           memcmp(info.build_id, id.p, id.n) == 0;
}

static int
file_is_build(const char *path, struct build_id id)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), is = 0;
    struct stat st;
    void *p = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p != MAP_FAILED) {
        is = is_build(p, (size_t)st.st_size, id);
        munmap(p, (size_t)st.st_size);
    }
    if (fd >= 0)
        close(fd);
    return is;
}

/* ---- all of them ---------------------------------------------------------*/

static int
look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
    const struct look *l = arg;
    const char *path = info->dlpi_name;
    struct build_id id;

    (void)size;
    if (path[0] != '/' || strncmp(path, "/proc/", 6) == 0)
        return 0;
    id = mapped_id(info);
    if (id.n > 0 && id.n <= ELF_BUILD_ID_MAX && !file_is_build(path, id))
        l->on_replaced(l->arg, path);
    return 0;
}

void
libraries_check(void (*on_replaced)(void *arg, const char *path), void *arg)
{
    struct look l = {on_replaced, arg};

    dl_iterate_phdr(look_at, &l);
}
