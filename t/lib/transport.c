/* SPDX-License-Identifier: BSD-2-Clause */
/* transport.c - over what tests talk to servers; see transport.h. */
#include "t/lib/transport.h"

#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/gateway.h"
#include "t/lib/secure.h"

static int
open_tls(int fd, const char *alpn)
{
#ifdef ETUDE_TLS
    struct secure how = {.fd = fd, .alpn = alpn, .is_lazy = 1};

    return secure_connect(&how).fd;
#else
    (void)alpn;
    return fd;
#endif
}

static int
open_h2(int fd, const char *scheme)
{
#ifdef ETUDE_HTTP2
    return gateway_open(fd, scheme);
#else
    (void)scheme;
    return fd;
#endif
}

#ifdef ETUDE_TLS
#define HAS_TLS 1
#else
#define HAS_TLS 0
#endif
#ifdef ETUDE_HTTP2
#define HAS_HTTP2 1
#else
#define HAS_HTTP2 0
#endif

static const struct transport transports[] = {
    {"plain", "http", 1, 0, 0, NULL},
    {"tls", "https", 0, 1, 0, "tls.self_signed = dev\n"},
    {"h2c", "http", 0, 0, 1, "h2c = yes\n"},
    {"h2", "https", 0, 1, 1, "tls.self_signed = dev\n"},
};

const struct transport *
transport_here(void)
{
    const char *name = getenv("T_TRANSPORT");

    if (!name || !*name)
        name = "plain";
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++)
        if (strcmp(transports[i].name, name) == 0)
            return &transports[i];
    fprintf(stderr, "there is no T_TRANSPORT=%s\n", name);
    exit(1);
}

/* Before main(): in a test case of Check's, which is a process of its own, it
 * would be an early exit and no skip. */
__attribute__((constructor)) static void
skip_what_is_not_built(void)
{
    const struct transport *t = transport_here();

    if (t->is_tls <= HAS_TLS && t->is_h2 <= HAS_HTTP2)
        return;
    printf("skipped: T_TRANSPORT=%s is not built\n", t->name);
    exit(77);
}

/* ---- what a server listens for --------------------------------------------*/

/* The value of "name = value"; else NULL. */
static const char *
value_of(const char *line, const char *name)
{
    size_t n = strlen(name);

    if (strncmp(line, name, n) != 0)
        return NULL;
    line += n;
    line += strspn(line, " ");
    return *line == '=' ? line + 1 + strspn(line + 1, " ") : NULL;
}

static const char *
next_line(const char *line)
{
    const char *stop = strchr(line, '\n');

    return stop ? stop + 1 : line + strlen(line);
}

static int
is_tcp(const char *address)
{
    return strncmp(address, "unix:", 5) != 0;
}

/* A section of its own for each address of a line of [server]. */
static void
put_listeners(FILE *f, const char *address, int *n, const char *lines)
{
    const char *end = address + strcspn(address, "\n");

    while (address < end) {
        size_t len = strcspn(address, ",\n");
        fprintf(f, "[listen transport%d]\naddress = %.*s\n%s", (*n)++, (int)len,
                address, is_tcp(address) ? lines : "");
        address += len;
        address += strspn(address, ", ");
    }
}

/* Whether one of the addresses of a line is that. */
static int
is_for_unix(const char *line)
{
    const char *at = strstr(line, "unix:");

    return at && at < line + strcspn(line, "\n");
}

/* A section [listen], from its line on; its end is the next section's line. */
static const char *
put_section(FILE *f, const char *section, const char *lines)
{
    const char *end = strstr(section, "\n[");
    int is_own = 0; /* it says itself what it speaks */

    end = end ? end + 1 : section + strlen(section);
    for (const char *line = section; line < end; line = next_line(line)) {
        const char *value = value_of(line, "address");
        is_own |= strncmp(line, "tls.", 4) == 0 || value_of(line, "h2c") ||
                  (value && is_for_unix(value));
    }
    fprintf(f, "%.*s", (int)(end - section), section);
    if (end > section && end[-1] != '\n')
        putc('\n', f);
    if (!is_own)
        fputs(lines, f);
    return end;
}

/* An empty line for each of what has moved: all others keep their numbers. */
static void
put_empty(FILE *f, const char *from, const char *end)
{
    for (; from < end; from++)
        if (*from == '\n')
            putc('\n', f);
}

/* All but what is about listeners, which goes to moved. */
static void
put_rest(FILE *f, FILE *moved, const char *ini, const char *lines)
{
    int is_server = 0, n = 0;

    for (const char *line = ini, *next; *line; line = next) {
        const char *address = value_of(line, "listen");
        next = next_line(line);
        if (*line == '[')
            is_server = strncmp(line, "[server]", 8) == 0;
        if (strncmp(line, "[listen ", 8) == 0)
            next = put_section(moved, line, lines);
        else if (is_server && address)
            put_listeners(moved, address, &n, lines);
        else
            fprintf(f, "%.*s", (int)(next - line), line);
        if ((is_server && address) || strncmp(line, "[listen ", 8) == 0)
            put_empty(f, line, next);
    }
}

char *
transport_ini(const char *ini)
{
    const struct transport *t = transport_here();
    char *text = NULL, *listeners = NULL;
    size_t n, k;
    FILE *f, *moved;

    if (t->is_plain)
        return strdup(ini);
    f = open_memstream(&text, &n);
    moved = open_memstream(&listeners, &k);
    put_rest(f, moved, ini, t->lines);
    fclose(moved);
    fprintf(f, "\n%s", listeners);
    fclose(f);
    free(listeners);
    return text;
}

/* ---- clients --------------------------------------------------------------*/

int
transport_was_told(int fd)
{
    const struct transport *t = transport_here();

#ifdef ETUDE_HTTP2
    if (t->is_h2)
        return gateway_was_told(fd);
#endif
#ifdef ETUDE_TLS
    if (t->is_tls)
        return secure_ended(&(struct client){.fd = fd}) == 1;
#endif
    (void)fd;
    return t->is_plain;
}

int
transport_open(int fd)
{
    const struct transport *t = transport_here();

    if (t->is_tls)
        fd = open_tls(fd, t->is_h2 ? "h2" : "http/1.1");
    if (t->is_h2)
        fd = open_h2(fd, t->scheme);
    return fd;
}
