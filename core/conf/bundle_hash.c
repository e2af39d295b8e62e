/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_hash.c - see bundle_hash.h.
 *
 * Lengths and counts go in as well, so that two bundles whose bytes are the
 * same in another division differ. */
#include "conf/bundle_hash.h"

#include <endian.h>
#include <string.h>

#include "base/sha256.h"
#include "conf/bundle.h"
#include "conf/bundle_image.h"
#include "conf/bundle_paper.h"

_Static_assert(BUNDLE_HASH_LEN < SHA256_HEX_LEN, "it is the beginning of one");

static void
add_number(struct sha256 *s, uint64_t n)
{
    n = htole64(n);
    sha256_add(s, &n, sizeof n);
}

static void
add_text(struct sha256 *s, et_str text)
{
    add_number(s, text.n);
    sha256_add(s, text.p, text.n);
}

static void
add_vars(struct sha256 *s, const struct vars *t)
{
    add_number(s, t->n);
    for (size_t i = 0; i < t->n; i++) {
        add_text(s, t->v[i].name);
        add_number(s, t->v[i].value.p != NULL); /* set, if only to nothing */
        add_text(s, t->v[i].value);
    }
}

void
bundle_hash(const struct bundle *b, char out[BUNDLE_HASH_LEN + 1])
{
    uint8_t digest[SHA256_LEN];
    char hex[SHA256_HEX_LEN + 1];
    struct sha256 s;

    sha256_init(&s);
    add_number(&s, b->n_files);
    for (size_t i = 0; i < b->n_files; i++) {
        add_number(&s, b->files[i].layer);
        add_text(&s, b->files[i].text);
    }
    add_vars(&s, &b->vars);
    add_number(&s, b->n_papers);
    for (const struct bundle_paper *p = b->papers; p; p = p->next)
        sha256_add(&s, p->sha256, SHA256_LEN);
    add_number(&s, b->n_images);
    for (const struct bundle_image *i = b->images; i; i = i->next)
        sha256_add(&s, i->sha256, SHA256_LEN);
    sha256_end(&s, digest);
    sha256_hex(digest, hex);
    memcpy(out, hex, BUNDLE_HASH_LEN);
    out[BUNDLE_HASH_LEN] = '\0';
}
