/* SPDX-License-Identifier: BSD-2-Clause */
/* value.h - from text to a typed value: one parser per type.
 *
 * Shared by the server's own keys (directive.h) and by plugins' options
 * (option.h): types below 32 are the ABI's ET_O_*, the others are the server's
 * own.  Parsers take the whole text; blanks around it are the caller's.  Units
 * are unit.h's, the wording of complaints describe.h's. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"

/* The C type of the field a type fills stands beside it. */
enum value_type {
    VALUE_STR = ET_O_STR,         /* et_str */
    VALUE_INT = ET_O_INT,         /* int64_t */
    VALUE_BOOL = ET_O_BOOL,       /* int64_t: 0 or 1 */
    VALUE_SIZE = ET_O_SIZE,       /* int64_t: bytes */
    VALUE_TIME = ET_O_TIME,       /* int64_t: milliseconds */
    VALUE_PATH = ET_O_PATH,       /* et_str: absolute */
    VALUE_RATE = ET_O_RATE,       /* et_rate */
    VALUE_CHOICE = ET_O_CHOICE,   /* int64_t: index into the choices */
    VALUE_LIST = ET_O_LIST,       /* one et_str of an et_list */
    VALUE_HEADER = ET_O_HEADER,   /* et_field */
    VALUE_HEADERS = ET_O_HEADERS, /* one et_str "Name: value" of an et_list */
    VALUE_OWN = 32,
    VALUE_MODE = VALUE_OWN, /* int64_t: octal permission bits */
    VALUE_TARGET,           /* et_str: a request path such as /healthz */
    VALUE_NAMES,            /* et_list: comma list of instance names */
    VALUE_HOSTS,            /* et_list: comma list of host names, lower case */
    VALUE_NETS,             /* et_list: comma list of networks */
    VALUE_LISTEN,           /* et_list: comma list of listen addresses */
    VALUE_GLOBS,            /* et_list: one item, not split */
    VALUE_PATHS,            /* et_list: one item, absolute */
    VALUE_MATCH,            /* "GET,POST /path": bound by conf.c */
    VALUE_PREFIX,           /* "/path" of a scope: bound by conf.c */
    VALUE_HANDLER,          /* "instance" or "instance:route": by conf.c */
    VALUE_TYPES
};

/* How a key's text is to be read. */
struct value_spec {
    uint32_t type;       /* enum value_type */
    const char *choices; /* CHOICE: "auto|yes|no" */
    const char *word;    /* also accepted; stands for the number word_value, or
                            for "absent" if the field is a text (of PATHS: for
                            an empty item); or NULL */
    int64_t word_value;
    int64_t min, max; /* numbers, and the count of a RATE; both 0: unbounded */
};

/* Parse text as spec says into *field, of the C type named above.  Texts are
 * copied to a.  dir is the absolute folder a relative PATH starts from.  List
 * types of the server's own append their items to the et_list.  0, or
 * ERR_NOMEM, or ERR_INVALID with why, "expected ..., found ...", NUL-terminated
 * in why; secret replaces what was found by "(secret)". [control] */
MUST_USE int value_parse(struct arena *a, const struct value_spec *spec,
                         et_str text, const char *dir, int secret, void *field,
                         char *why, size_t why_cap);

/* yes no on off true false 1 0.  0 or ERR_INVALID, like all below. [any] */
MUST_USE int value_bool(et_str s, int64_t *out);
/* Decimal, with an optional '-'. */
MUST_USE int value_int(et_str s, int64_t *out);
/* Bytes: a number alone or with k, m, g (either case), KiB, MiB, GiB; base
 * 1024. */
MUST_USE int value_size(et_str s, int64_t *out);
/* Milliseconds: a number with ms, s, m, h, d; alone only 0. */
MUST_USE int value_time(et_str s, int64_t *out);
/* "100/s", "6000/m", "1000/h": {100, 1000}. */
MUST_USE int value_rate(et_str s, et_rate *out);
/* The index of s in "a|b|c". */
MUST_USE int value_choice(et_str s, const char *choices, int64_t *out);
/* "Name: value"; the parts point into s.  The name is an RFC 9110 token, the
 * value has no CR, LF, NUL. */
MUST_USE int value_header(et_str s, et_field *out);
/* "0660": octal, at most 0777. */
MUST_USE int value_mode(et_str s, int64_t *out);

/* A name of letters, digits, '-' and '_' that begins with a letter or digit;
 * at most 64 bytes: what instances, routes and scopes are called. [any] */
int value_is_name(et_str s);
/* The same bytes as a NUL-terminated string. [any] */
int value_eq(et_str s, const char *z);
/* The next item of a comma list, trimmed; *rest goes past it.  0 at its end.
 * *item is {NULL, 0} before the first call; an empty text has no item. [any] */
int value_next(et_str *rest, et_str *item);
/* Append item to an et_list whose array is in a; 0 or ERR_NOMEM. [any] */
MUST_USE int value_append(struct arena *a, et_list *list, et_str item);
/* path, or dir/path if it is relative; in a, NUL-terminated; {NULL,0} without
 * memory. [any] */
et_str value_absolute(struct arena *a, const char *dir, et_str path);
/* Whether two fields of this type hold the same value. [any] */
int value_same(uint32_t type, const void *a, const void *b);
/* The next of "a|b|c" at *rest, which ends as NULL; 0 at the end. [any] */
int value_next_choice(const char **rest, et_str *item);

#endif
