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
    struct secure how = {.fd = fd, .alpn = alpn};

    fd = secure_connect(&how).fd;
    ck_assert_str_eq(how.alpn_chosen, alpn);
#else
    (void)alpn;
#endif
    return fd;
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

static const struct transport transports[] = {
    {"plain", "http", 0, 0, NULL},
#ifdef ETUDE_TLS
    {"tls", "https", 1, 0, "tls.self_signed = dev\n"},
#endif
#ifdef ETUDE_HTTP2
    {"h2c", "http", 0, 1, "h2c = yes\n"},
#ifdef ETUDE_TLS
    {"h2", "https", 1, 1, "tls.self_signed = dev\n"},
#endif
#endif
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
    printf("skipped: T_TRANSPORT=%s is not built\n", name);
    exit(77);
}

/* "listen = ADDRESS" of a TCP port: where the address begins; else NULL. */
static const char *
address_of(const char *line)
{
    if (strncmp(line, "listen", 6) != 0)
        return NULL;
    line += 6;
    line += strspn(line, " ");
    if (*line != '=')
        return NULL;
    line += 1 + strspn(line + 1, " ");
    return strncmp(line, "unix:", 5) == 0 ? NULL : line;
}

static const char *
next_line(const char *line, const char *end)
{
    const char *stop = memchr(line, '\n', (size_t)(end - line));

    return stop ? stop + 1 : end;
}

/* A section of its own for each address of [server], between from and end. */
static void
put_listeners(FILE *f, const char *from, const char *end, const char *lines)
{
    int n = 0;

    for (; from < end; from = next_line(from, end)) {
        const char *address = address_of(from);
        if (address)
            fprintf(f, "\n[listen transport%d]\naddress = %.*s\n%s", n++,
                    (int)strcspn(address, "\n"), address, lines);
    }
}

char *
transport_ini(const char *ini)
{
    const struct transport *t = transport_here();
    const char *section = strstr(ini, "[server]"), *end;
    char *text = NULL;
    size_t n;
    FILE *f;

    if (!t->lines || !section)
        return strdup(ini);
    end = strstr(section, "\n[");
    end = end ? end + 1 : section + strlen(section);
    f = open_memstream(&text, &n);
    fprintf(f, "%.*s", (int)(section - ini), ini);
    for (const char *line = section, *next; line < end; line = next) {
        next = next_line(line, end);
        if (!address_of(line))
            fprintf(f, "%.*s", (int)(next - line), line);
        else if (next[-1] == '\n')
            putc('\n', f); /* lines keep their numbers */
    }
    fputs(end, f);
    put_listeners(f, section, end, t->lines);
    fclose(f);
    return text;
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
