/* SPDX-License-Identifier: BSD-2-Clause */
/* fixture.h - files and plugins made while a test runs, in a folder of their
 * own.
 *
 * Everything is static and in this header: a test includes it and calls
 * fixture_setup first and fixture_teardown last.  The compiler is $CC, else
 * cc; sources are found from where this header lies. */
#ifndef LIB_FIXTURE_H
#define LIB_FIXTURE_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURE_FN __attribute__((unused)) static

static char fixture_dir[64]; /* mode 0700, removed by fixture_teardown */

/* The folder t/: below $T_SOURCE, else where this header lies. */
FIXTURE_FN const char *
fixture_sources(void)
{
    static char root[PATH_MAX];
    const char *source = getenv("T_SOURCE");
    size_t n = strlen(__FILE__) - strlen("lib/fixture.h");

    if (root[0] == '\0' && source != NULL)
        snprintf(root, sizeof root, "%s/t", source);
    else if (root[0] == '\0')
        snprintf(root, sizeof root, "%.*s.", (int)n, __FILE__);
    return root;
}

FIXTURE_FN void
fixture_setup(void)
{
    strcpy(fixture_dir, "/tmp/etude-test-XXXXXX");
    if (mkdtemp(fixture_dir) == NULL)
        abort();
}

FIXTURE_FN int
fixture_remove_one(const char *path, const struct stat *st, int type,
                   struct FTW *w)
{
    (void)st;
    (void)type;
    (void)w;
    return remove(path);
}

FIXTURE_FN void
fixture_teardown(void)
{
    nftw(fixture_dir, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "<dir>/name", in one of eight buffers used in turn. */
FIXTURE_FN const char *
fixture_path(const char *name)
{
    static char buf[8][PATH_MAX];
    static unsigned i;
    char *p = buf[i++ % 8];

    snprintf(p, PATH_MAX, "%s/%s", fixture_dir, name);
    return p;
}

/* Write text to <dir>/name, its folders first. */
FIXTURE_FN void
fixture_file(const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", fixture_dir, name);
    for (char *p = path + strlen(fixture_dir) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(path, 0700);
        *p = '/';
    }
    f = fopen(path, "w");
    if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
        abort();
}

/* Run a shell command; its exit status, or -1. */
FIXTURE_FN int
fixture_run(const char *command)
{
    int status = system(command);

    return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Build t/fixtures/<source> into <dir>/<name> with further compiler flags.
 * Never writes into an existing file.  Returns the path, or NULL. */
FIXTURE_FN const char *
fixture_build(const char *source, const char *name, const char *flags)
{
    const char *cc = getenv("CC"), *out = fixture_path(name);
    char command[3 * PATH_MAX];

    snprintf(command, sizeof command,
             "rm -f %s; %s -shared -fPIC -O1 -w -I%s/../core/abi %s "
             "%s/fixtures/%s -o %s",
             out, cc != NULL && cc[0] != '\0' ? cc : "cc", fixture_sources(),
             flags, fixture_sources(), source, out);
    return fixture_run(command) == 0 ? out : NULL;
}

#endif
