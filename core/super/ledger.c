/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.c - see ledger.h. */
#include "super/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/file.h"
#include "os/follow.h"

#define HEAD "etude-ledger "
#define VERSION "1"
#define FILE_MAX (LEDGER_BUILDS * LEDGER_LINE_MAX + 64u)

/* ---- entries -------------------------------------------------------------*/

static struct ledger_build *
find(struct ledger *l, const char *sha256)
{
    for (uint32_t i = 0; i < LEDGER_BUILDS; i++) {
        if (strcmp(l->builds[i].sha256, sha256) == 0)
            return &l->builds[i];
    }
    return NULL;
}

static uint64_t
last_time(const struct ledger_build *b)
{
    return b->n_times > 0 ? b->times[b->n_times - 1] : 0;
}

/* Whether a can be forgotten sooner than b. */
static int
is_staler(const struct ledger_build *a, const struct ledger_build *b)
{
    if (a->is_quarantined != b->is_quarantined)
        return !a->is_quarantined;
    return last_time(a) < last_time(b);
}

static struct ledger_build *
find_or_make(struct ledger *l, const char *sha256, const char *name)
{
    struct ledger_build *b = find(l, sha256);

    if (b)
        return b;
    b = &l->builds[0];
    for (uint32_t i = 0; i < LEDGER_BUILDS && b->sha256[0]; i++) {
        if (!l->builds[i].sha256[0] || is_staler(&l->builds[i], b))
            b = &l->builds[i];
    }
    *b = (struct ledger_build){0};
    snprintf(b->sha256, sizeof b->sha256, "%s", sha256);
    snprintf(b->name, sizeof b->name, "%s", name);
    return b;
}

static void
note(struct ledger_build *b, uint64_t now_ms)
{
    b->n_crashes++;
    if (b->n_times == LEDGER_TIMES)
        memmove(b->times, b->times + 1, --b->n_times * sizeof *b->times);
    b->times[b->n_times++] = now_ms;
}

int
ledger_crash(struct ledger *l, const char *sha256, const char *name,
             uint64_t now_ms, uint32_t limit, uint64_t window_ms)
{
    struct ledger_build *b = find_or_make(l, sha256, name);

    note(b, now_ms);
    if (limit == 0 || b->is_quarantined || b->n_times < limit ||
        now_ms - b->times[b->n_times - limit] > window_ms)
        return 0;
    b->is_quarantined = 1;
    return 1;
}

void
ledger_quarantine(struct ledger *l, const char *sha256, const char *name)
{
    find_or_make(l, sha256, name)->is_quarantined = 1;
}

const struct ledger_build *
ledger_next(const struct ledger *l, uint32_t *i)
{
    while (*i < LEDGER_BUILDS) {
        const struct ledger_build *b = &l->builds[(*i)++];
        if (b->sha256[0] && b->is_quarantined)
            return b;
    }
    return NULL;
}

/* ---- lines ---------------------------------------------------------------*/

void
ledger_write_line(const struct ledger_build *b, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "%s %u %" PRIu64 " ", b->sha256,
                                b->is_quarantined, b->n_crashes);

    for (uint32_t i = 0; i < b->n_times && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%" PRIu64, i ? "," : "",
                              b->times[i]);
    if (n < cap)
        snprintf(out + n, cap - n, "%s %s", b->n_times ? "" : "-", b->name);
}

static int
is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

static void
read_times(struct ledger_build *b, const char *times)
{
    char *end;

    while (b->n_times < LEDGER_TIMES && *times >= '0' && *times <= '9') {
        b->times[b->n_times++] = strtoull(times, &end, 10);
        times = *end == ',' ? end + 1 : end;
    }
}

int
ledger_read_line(struct ledger *l, const char *line)
{
    char sha256[SHA256_HEX_LEN + 1], times[LEDGER_LINE_MAX];
    struct ledger_build *b;
    unsigned is_quarantined;
    uint64_t n_crashes;
    int at = 0;

    _Static_assert(SHA256_HEX_LEN == 64 && LEDGER_LINE_MAX == 640, "as below");
    if (sscanf(line, "%64s %u %" SCNu64 " %639s %n", sha256, &is_quarantined,
               &n_crashes, times, &at) != 4 ||
        !is_hex(sha256, SHA256_HEX_LEN) || line[SHA256_HEX_LEN] != ' ' ||
        at == 0 || find(l, sha256))
        return -EPROTO;
    b = find_or_make(l, sha256, line + at);
    b->is_quarantined = is_quarantined != 0;
    b->n_crashes = n_crashes;
    read_times(b, times);
    return 0;
}

/* ---- the file ------------------------------------------------------------*/

int
ledger_save(const struct ledger *l, const char *path)
{
    char *text = malloc(FILE_MAX);
    size_t n;
    int rc;

    if (!text)
        return -ENOMEM;
    n = (size_t)snprintf(text, FILE_MAX, HEAD VERSION "\n");
    for (uint32_t i = 0; i < LEDGER_BUILDS; i++) {
        if (!l->builds[i].sha256[0])
            continue;
        ledger_write_line(&l->builds[i], text + n, LEDGER_LINE_MAX);
        n += strlen(text + n);
        text[n++] = '\n';
    }
    rc = file_replace(path, text, n, 0600);
    free(text);
    return rc;
}

static int
read_lines(struct ledger *l, char *text, const char *path)
{
    char *rest, *line = strtok_r(text, "\n", &rest);

    if (!line || strncmp(line, HEAD, sizeof HEAD - 1) != 0 ||
        strcmp(line + sizeof HEAD - 1, VERSION) != 0)
        return -EPROTO;
    while ((line = strtok_r(NULL, "\n", &rest))) {
        if (ledger_read_line(l, line) < 0)
            log_warn("%s: passed over: %.80s", path, line);
    }
    return 0;
}

int
ledger_load(struct ledger *l, const char *path)
{
    int fd = follow_open(path, O_RDONLY, 0), rc;
    char *text;
    size_t n;

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    rc = file_read_fd(fd, FILE_MAX, &text, &n);
    close(fd);
    if (rc < 0)
        return rc;
    rc = memchr(text, '\0', n) ? -EPROTO : read_lines(l, text, path);
    free(text);
    return rc;
}
