/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c - runs a fuzz target over its kept inputs, without a fuzzer.
 *
 * The main() of build/t/fuzz/<name>: each argument is a file or a folder of
 * files; without one it is t/fuzz/corpus/<name> below the source tree.  Each
 * input is handed over in a block of its exact size that ends where a page
 * begins that nobody may touch, so a read past the end faults here too. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int replayed;

static void
die(const char *what)
{
    fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void
replay_bytes(int fd, size_t n, const char *path)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (n + page - 1) / page * page;
    char *base = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *p;

    if (base == MAP_FAILED || mprotect(base + room, page, PROT_NONE) != 0)
        die("mmap");
    p = base + room - n;
    if (read(fd, p, n) != (ssize_t)n)
        die(path);
    printf("%s\n", path);
    fflush(stdout); /* the last name shown is the one that crashed */
    LLVMFuzzerTestOneInput((const uint8_t *)p, n);
    munmap(base, room + page);
    replayed++;
}

static void replay(const char *path);

static void
replay_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (dir == NULL)
        die(path);
    while ((entry = readdir(dir)) != NULL) {
        char below[PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        replay(below);
    }
    closedir(dir);
}

static void
replay(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    if (S_ISDIR(st.st_mode))
        replay_folder(path);
    else
        replay_bytes(fd, (size_t)st.st_size, path);
    close(fd);
}

int
main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    char corpus[PATH_MAX];

    snprintf(corpus, sizeof corpus, "%s/t/fuzz/corpus/%s", ETUDE_SOURCE_DIR,
             slash != NULL ? slash + 1 : argv[0]);
    if (argc < 2)
        replay(corpus);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%d inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
