/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.c - see tree.h. */
#include "conf/tree.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "os/file.h"

struct walk {
    FILE *out; /* in memory */
    uint32_t n, max;
    char path[PATH_MAX];                      /* of the entry being looked at */
    struct file_id above[TREE_MAX_DEPTH + 1]; /* the folders it is in */
};

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_entry(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* 0 or -errno: it leads nowhere. */
static int
write_identity(struct walk *w, const char *name, struct file_id *id)
{
    int32_t rc;

    memset(id, 0, sizeof(*id)); /* padding too */
    rc = file_id_path(w->path, id);
    fwrite(name, 1, strlen(name) + 1, w->out);
    fwrite(&rc, 1, sizeof(rc), w->out);
    fwrite(id, 1, sizeof(*id), w->out);
    return rc;
}

/* Whether a link has led back to a folder that it is in. */
static int
is_above(const struct walk *w, const struct file_id *id, int depth)
{
    int i;

    for (i = 0; i < depth; i++)
        if (w->above[i].dev == id->dev && w->above[i].ino == id->ino)
            return 1;
    return 0;
}

static int walk_folder(struct walk *w, size_t len, int depth);

/* One entry of the folder w->path[0..len). */
static int
walk_entry(struct walk *w, size_t len, const struct dirent *e, int depth)
{
    size_t n = strlen(e->d_name);
    struct file_id id;

    if (w->n++ == w->max || len + n + 2 > sizeof(w->path))
        return ERR_LIMIT;
    w->path[len] = '/';
    memcpy(w->path + len + 1, e->d_name, n + 1);
    if (write_identity(w, e->d_name, &id) < 0 || e->d_type == DT_REG ||
        is_above(w, &id, depth + 1))
        return 0;
    w->above[depth + 1] = id;
    return walk_folder(w, len + 1 + n, depth + 1);
}

/* Everything below w->path, which is len bytes and w->above[depth]; nothing if
 * it is no folder. */
static int
walk_folder(struct walk *w, size_t len, int depth)
{
    struct dirent **names;
    int n = scandir(w->path, &names, is_entry, by_bytes), i, rc = 0;

    if (n < 0)
        return 0;
    if (depth >= TREE_MAX_DEPTH && n > 0)
        rc = ERR_LIMIT;
    for (i = 0; i < n; i++) {
        if (!rc)
            rc = walk_entry(w, len, names[i], depth);
        w->path[len] = '\0';
        free(names[i]);
    }
    free(names);
    fputc('\0', w->out); /* end of folder */
    return rc;
}

int
tree_identity(struct arena *a, const char *path, uint32_t max_entries,
              et_str *out)
{
    struct walk w = {.max = max_entries};
    size_t n = strlen(path);
    char *bytes = NULL;
    size_t len = 0;
    int rc = 0;

    if (n >= sizeof(w.path))
        return ERR_LIMIT;
    memcpy(w.path, path, n + 1);
    w.out = open_memstream(&bytes, &len);
    if (!w.out)
        return ERR_NOMEM;
    if (write_identity(&w, "", &w.above[0]) == 0 && max_entries)
        rc = walk_folder(&w, n, 0);
    if (fclose(w.out) != 0 && !rc)
        rc = ERR_NOMEM;
    if (!rc) {
        *out = arena_dup(a, (et_str){bytes, len});
        rc = out->p ? 0 : ERR_NOMEM;
    }
    free(bytes);
    return rc;
}
