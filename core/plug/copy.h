/* SPDX-License-Identifier: BSD-2-Clause */
/* copy.h - where the loader finds an image: the bytes that were checked, under
 * a name that no other image has.
 *
 * In this order, as far as the settings and the machine allow: the sealed memfd
 * of the bundle, through a descriptor of the copy's own (so the bytes are in
 * memory once); a private file in runtime_dir; the file of modules/ itself, if
 * it holds these bytes.  An image whose libraries are found through $ORIGIN
 * needs its own folder: there the private file stands beside the original.  A
 * place counts only if the kernel maps it PROT_EXEC. */
#ifndef PLUG_COPY_H
#define PLUG_COPY_H

#include <stddef.h>

#include "base/check.h"
#include "conf/conf.h"

#define COPY_WHY_LEN 1024

struct copy {
    int fd;              /* open for as long as the image is mapped */
    char *load_path;     /* what the loader is given */
    int is_private_file; /* load_path is ours to remove in the end */
    int is_in_place;     /* load_path leads to the file in modules/ itself */
};

struct copy_order {
    enum conf_staging staging;
    const char *runtime_dir; /* or NULL */
    const char *path, *name; /* of the original; name is path's last part */
    const void *p;           /* its bytes */
    size_t n;
    int fd, no_memfd; /* its bytes, as in struct bundle_image */
    int needs_folder;
    int *source_fd; /* the original, taken (and set to -1) if it is used in
                       place; -1: not read, opened if there is no other way */
};

/* Make a copy.  0, or -errno; why has a reason for every place that was no
 * good, also when a later one was. [control] */
MUST_USE int copy_make(const struct copy_order *o, struct copy *out,
                       char why[COPY_WHY_LEN]);
/* Whether c.fd is a sealed memfd. [any] */
int copy_is_sealed(const struct copy *c);
/* Close, and remove a private file.  Fine for one of fd -1. [control] */
void copy_fini(struct copy *c);

#endif
