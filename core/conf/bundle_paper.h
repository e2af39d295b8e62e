/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_paper.h - the files in a bundle that a configuration names to be read:
 * certificates, their keys, keys of tickets.
 *
 * Whoever fills a bundle from files is root, perhaps; who serves is not, and
 * has to make its certificates from what it was handed.  A paper is found by
 * the path the configuration leads to and stays what it was when that was read;
 * a file that could not be read is one too, with the reason.
 *
 * Their texts are secrets.  Each lies in memory of its own, which no core file
 * has, is wiped before it is given back, and is printed by nobody.
 *
 * Invariants: no path twice; a paper has a text or a reason, until the texts
 * are wiped. */
#ifndef CONF_BUNDLE_PAPER_H
#define CONF_BUNDLE_PAPER_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/sha256.h"

#define BUNDLE_PAPER_MAX 4096u             /* of a bundle */
#define BUNDLE_PAPER_MAX_BYTES (1u << 20)  /* of one */
#define BUNDLE_PAPER_MAX_TOTAL (64u << 20) /* of all */

struct bundle;

struct bundle_paper {
    struct bundle_paper *next;
    const char *path; /* absolute */
    const char *why;  /* it could not be read: the end of a sentence; or NULL */
    char *text;       /* NUL-terminated; NULL: none, or wiped */
    size_t n;         /* bytes, wiped or not */
    uint32_t mode;    /* permission bits of the file */
    uint8_t sha256[SHA256_LEN]; /* of the text */
};

/* The paper at path, or NULL. [control] */
const struct bundle_paper *bundle_paper_find(const struct bundle *b,
                                             et_str path);
/* Read the file at path, unless it is there already.  What goes wrong is kept
 * in the paper.  0 or ERR_NOMEM. [control] */
MUST_USE int bundle_paper_read(struct bundle *b, const char *path);
/* Room for one more like this one, with n bytes of text to be filled in, or
 * with a reason; path and why live as long as b.  NULL: a bound is reached, the
 * path is there already, or no memory. [control] */
MUST_USE struct bundle_paper *bundle_paper_add(struct bundle *b,
                                               const struct bundle_paper *like);
/* There is a private key in PEM in it, or what looks like one. [any] */
int bundle_paper_has_key(const struct bundle_paper *p);
/* What was made of the texts is all that is wanted of them: wipe them.  The
 * bundle can still be told from others (bundle_hash.h), but not dumped.
 * [control] */
void bundle_paper_wipe(struct bundle *b);

#endif
