/* SPDX-License-Identifier: BSD-2-Clause */
/* uri.h - request targets, paths, queries and hosts.
 *
 * RFC 9112 section 3.2 and RFC 3986, for what a server is sent.  Pure: slices
 * of what came in, or bytes into the caller's buffer, which never need to be
 * longer than the input.
 *
 * Decided, where browsers and RFC 3986 differ (core/decisions/0005): beside the
 * grammar a path may hold [ ] | ^ and a query those, \ ` { } and any '%': what
 * browsers send raw.  Nothing else: no " < > # , blank, control or byte above
 * 0x7e anywhere. */
#ifndef PROTO_URI_H
#define PROTO_URI_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

enum uri_form {
    URI_ORIGIN,    /* /path?query */
    URI_ABSOLUTE,  /* http://host/path?query */
    URI_ASTERISK,  /* * of OPTIONS */
    URI_AUTHORITY, /* host:port of CONNECT */
};

struct uri {
    et_str scheme;    /* "http", "https" as sent; absent unless absolute */
    et_str authority; /* host[:port]; absent unless absolute or authority */
    et_str path;      /* raw, begins with '/'; "*" in asterisk-form; absent in
                         authority-form.  May be a literal, not a slice. */
    et_str query;     /* raw, without '?'; absent if there is none */
    uint8_t form;     /* enum uri_form */
    uint8_t path_is_plain; /* uri_normalise(path) would copy it unchanged */
};

/* Take a request-target apart; method (ET_M_*) decides which forms may be:
 * authority-form with CONNECT only and nothing else with it, "*" with OPTIONS
 * only.  Absolute-form takes http and https, no user info, a valid non-empty
 * host; without a path its path is "/" ("*" for OPTIONS).  0 or ERR_TARGET.
 * [any] */
int uri_split(et_str target, uint32_t method, struct uri *out) MUST_USE;

/* True if uri_normalise would not change the path. [any] */
int uri_is_plain(et_str path);

/* Decode and normalise a path as uri_split gave it (it begins with '/') into
 * out (path.n bytes of room; out may be path.p itself).  %xx is decoded, except
 * that %2F stays (in capitals); then "." and ".." segments go, as RFC
 * 3986 5.2.4 does, encoded ones too, never above the root.  Repeated slashes
 * stay.  Returns 0 and the length, or ERR_TARGET for %00 and a malformed %.
 * Note that %25 is decoded: the result may hold '%' and is not to be decoded
 * again. [any] */
int uri_normalise(et_str path, char *out, size_t *out_len) MUST_USE;
/* The same, but what is percent-encoded stays so: a path to point somebody to.
 * path is one that uri_normalise takes.  Length of what is written to out.
 * [any] */
size_t uri_remove_dots(et_str path, char *out);

/* ---- queries and forms (application/x-www-form-urlencoded) ---------------*/

/* Walk a query: q starts as the raw query and is cut at its front.  Returns 1
 * and the raw key and value ("a=1", "a=" and "a": value empty), 0 at the end.
 * Empty pairs ("&&") are skipped. [any] */
int uri_query_next(et_str *q, et_str *key, et_str *value);
/* Decode '+' to a blank and %xx into out (s.n bytes of room, out may be s.p);
 * a malformed % stays as it is.  Returns the length. [any] */
size_t uri_form_decode(et_str s, char *out);
/* True if uri_form_decode would change s. [any] */
int uri_form_is_coded(et_str s);
/* True if the raw key decodes to name. [any] */
int uri_form_eq(et_str raw, et_str name);
/* The raw value of the nth (from 0) pair whose key decodes to name; absent if
 * there is none. [any] */
et_str uri_query_find(et_str query, et_str name, uint32_t nth);

/* ---- hosts ---------------------------------------------------------------*/

struct uri_host {
    et_str name;  /* without port and one trailing dot; [v6] keeps brackets */
    int32_t port; /* -1: none or empty */
    uint8_t is_v6;
    uint8_t has_upper; /* name holds A-Z */
};

/* Check uri-host [":" port] (RFC 9110 7.2, RFC 3986 3.2.2) and take it apart.
 * An empty name is in the grammar: the caller decides.  0 or ERR_HOST. [any] */
int uri_host_parse(et_str s, struct uri_host *out) MUST_USE;
/* Lower-case s into out (s.n bytes, may be s.p). [any] */
void uri_host_lower(et_str s, char *out);

#endif
