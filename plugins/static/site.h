/* SPDX-License-Identifier: BSD-2-Clause */
/* site.h - an instance: its options, the root, what is made of them once. */
#ifndef STATIC_SITE_H
#define STATIC_SITE_H

#include <etude.h>
#include <sys/types.h>

struct mime;

enum site_symlinks { SITE_LINKS_BENEATH, SITE_LINKS_NONE, SITE_LINKS_ANY };
enum site_etag { SITE_ETAG_STAT, SITE_ETAG_HASH, SITE_ETAG_NONE };

struct options {
    et_str root, types, default_type, charset;
    et_list index, tries, type, cache_control, expires;
    int64_t symlinks, hidden, precompressed, etag;
    int64_t list, list_max;
    int64_t revalidate_ms, cache_entries, cache_files, cache_memory, cache_file;
};

/* "PATTERN value" */
struct site_rule {
    et_str pattern, value;
    int64_t seconds; /* of expires */
};

/* Shared by all workers, read-only once it is open. */
struct site {
    const struct options *o;
    int root;  /* descriptor of the folder */
    dev_t dev; /* it is on */
    uint64_t resolve;
    int is_quick; /* its files are on a disk here: to ask for what is in memory
                     never waits */
    struct mime *mime;
    et_str default_type; /* with its charset */
    et_list index;
    struct site_rule *cache_control, *expires;
};

/* What the options' table cannot judge, and no look at the disk is needed for:
 * 0 or ET_EINVAL. [control] */
int32_t site_check(void *options, et_err *e);
/* [control] */
int32_t site_open(et_conf *c, const void *options, void *inst, et_err *e);
void site_close(void *inst);
/* What the first rule that matches path says, or NULL. [any] */
const struct site_rule *site_rule_of(const struct site_rule *rules, size_t n,
                                     et_str path);

#endif
