/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.c - finding our control groups and reading their limits; see
 * cgroup.h.
 *
 *     /proc/self/cgroup     which group we are in:    0::/a/b   4:memory:/a/b
 *     /proc/self/mountinfo  where groups are mounted, and from which group on
 *
 * The folder is the mount point and the group's path without the mount's. */
#include "os/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A limit above this is the kernel's way to say none (v1). */
#define CGROUP_NONE (UINT64_C(1) << 60)

/* The folder of our group of one hierarchy; above it, up to the mount point
 * (its first mount_len bytes), those it is part of. */
struct group {
    char dir[PATH_MAX];
    size_t mount_len;
};

static FILE *
open_file(const char *root, const char *path)
{
    char full[PATH_MAX];
    int n = snprintf(full, sizeof full, "%s%s", root, path);

    return n > 0 && (size_t)n < sizeof full ? fopen(full, "re") : NULL;
}

/* Whether word stands in the comma-separated list. */
static int
has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, word, n) == 0 && strchr(",\n", list[n]))
            return 1;
    }
    return 0;
}

/* The path of our group in the hierarchy of controller ("" for v2). */
static int
find_path(const char *root, const char *controller, char path[PATH_MAX])
{
    FILE *f = open_file(root, "/proc/self/cgroup");
    char line[PATH_MAX + 256];
    int found = 0;

    while (f && !found && fgets(line, sizeof line, f)) {
        char *names = strchr(line, ':');
        char *at = names ? strchr(names + 1, ':') : NULL;
        if (!at)
            continue;
        *at++ = '\0';
        at[strcspn(at, "\n")] = '\0';
        found =
            controller[0] ? has_word(names + 1, controller) : names[1] == '\0';
        if (found)
            found = snprintf(path, PATH_MAX, "%s", at) < PATH_MAX;
    }
    if (f)
        fclose(f);
    return found;
}

/* One line of mountinfo (proc(5)) if it is the hierarchy's: the root within
 * the hierarchy and the mount point. */
static int
parse_mount(char *line, const char *controller, char **top, char **point)
{
    char *tail = strstr(line, " - "), *save, *type, *options;

    if (!tail)
        return 0;
    *tail = '\0';
    type = strtok_r(tail + 3, " ", &save);
    (void)strtok_r(NULL, " ", &save);
    options = strtok_r(NULL, " ", &save);
    if (!type || strcmp(type, controller[0] ? "cgroup" : "cgroup2") != 0 ||
        (controller[0] && (!options || !has_word(options, controller))))
        return 0;
    (void)strtok_r(line, " ", &save);
    for (int i = 0; i < 2; i++)
        (void)strtok_r(NULL, " ", &save);
    *top = strtok_r(NULL, " ", &save);
    *point = strtok_r(NULL, " ", &save);
    return *top && *point;
}

static int
find_group(const char *root, const char *controller, struct group *g)
{
    FILE *f = open_file(root, "/proc/self/mountinfo");
    char line[2 * PATH_MAX], path[PATH_MAX], *top, *point;
    int found = 0;

    if (!find_path(root, controller, path))
        path[0] = '\0';
    while (f && path[0] && !found && fgets(line, sizeof line, f)) {
        const char *below = path;
        size_t n;
        int len;
        if (!parse_mount(line, controller, &top, &point))
            continue;
        n = strcmp(top, "/") == 0 ? 0 : strlen(top);
        /* Elsewhere: all we can see is the mount itself. */
        below =
            strncmp(path, top, n) == 0 && strchr("/", path[n]) ? path + n : "";
        if (strcmp(below, "/") == 0)
            below = "";
        len = snprintf(g->dir, sizeof g->dir, "%s%s%s", root, point, below);
        g->mount_len = strlen(root) + strlen(point);
        found = len > 0 && (size_t)len < sizeof g->dir;
    }
    if (f)
        fclose(f);
    return found;
}

/* Go to the group above.  False at the top. */
static int
go_up(struct group *g)
{
    char *slash = strrchr(g->dir, '/');

    if (!slash || (size_t)(slash - g->dir) < g->mount_len)
        return 0;
    *slash = '\0';
    return 1;
}

/* The first line of a file of the group. */
static int
read_line(const struct group *g, const char *name, char line[64])
{
    char path[PATH_MAX + 64];
    FILE *f;
    int ok;

    snprintf(path, sizeof path, "%s/%s", g->dir, name);
    f = fopen(path, "re");
    if (!f)
        return 0;
    ok = fgets(line, 64, f) != NULL;
    fclose(f);
    return ok;
}

static void
lower_cpu(struct cgroup_limits *out, double quota, double period)
{
    double milli = period > 0 ? quota * 1000 / period : 0;

    if (milli < 1 || milli > UINT32_MAX)
        return;
    if (out->cpu_milli == 0 || milli < out->cpu_milli)
        out->cpu_milli = (uint32_t)milli;
}

static void
lower_memory(struct cgroup_limits *out, const char *line)
{
    uint64_t n = strtoull(line, NULL, 10); /* "max": 0 */

    if (n == 0 || n >= CGROUP_NONE)
        return;
    if (out->memory_max == 0 || n < out->memory_max)
        out->memory_max = n;
}

static void
read_v2(const char *root, struct cgroup_limits *out)
{
    struct group g;
    char line[64], *end;

    if (!find_group(root, "", &g))
        return;
    do {
        if (read_line(&g, "cpu.max", line)) {
            double quota = strtod(line, &end); /* "max 100000": 0 */
            lower_cpu(out, quota, end == line ? 0 : strtod(end, NULL));
        }
        if (read_line(&g, "memory.max", line))
            lower_memory(out, line);
        if (read_line(&g, "cpuset.cpus.partition", line) &&
            (strncmp(line, "root", 4) == 0 ||
             strncmp(line, "isolated", 8) == 0) &&
            !strstr(line, "invalid"))
            out->is_exclusive = 1;
    } while (go_up(&g));
    /* The machine's own top group has no type. */
    out->is_confined = (uint8_t)read_line(&g, "cgroup.type", line);
}

static void
read_v1_cpu(const struct group *g, struct cgroup_limits *out)
{
    char quota[64], period[64];

    if (read_line(g, "cpu.cfs_quota_us", quota) &&
        read_line(g, "cpu.cfs_period_us", period))
        lower_cpu(out, strtod(quota, NULL), strtod(period, NULL));
}

static void
read_v1(const char *root, struct cgroup_limits *out)
{
    struct group g;
    char line[64];

    if (find_group(root, "cpu", &g))
        do
            read_v1_cpu(&g, out);
        while (go_up(&g));
    if (find_group(root, "memory", &g))
        do {
            if (read_line(&g, "memory.limit_in_bytes", line))
                lower_memory(out, line);
        } while (go_up(&g));
    /* The top group says 1 as well, and means nothing by it. */
    if (find_group(root, "cpuset", &g) && strlen(g.dir) > g.mount_len &&
        read_line(&g, "cpuset.cpu_exclusive", line) && line[0] == '1')
        out->is_exclusive = 1;
}

void
cgroup_read(struct cgroup_limits *out, const char *root)
{
    memset(out, 0, sizeof *out);
    read_v2(root, out);
    read_v1(root, out);
}
