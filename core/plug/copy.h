/* SPDX-License-Identifier: BSD-2-Clause */
/* copy.h - where the loader finds an image: the bytes that were checked, under
 * a name that no other image has.
 *
 * In this order, as far as the settings and the machine allow: a sealed memfd;
 * a private file in runtime_dir; the file of modules/ itself.  An image whose
 * libraries are found through $ORIGIN needs its own folder: there the private
 * file stands beside the original.  A place counts only if the kernel maps it
 * PROT_EXEC. */
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
    const char *hash_hex;
    const void *p; /* its bytes */
    size_t n;
    int needs_folder;
    int *source_fd; /* taken (and set to -1) if it is used in place */
};

/* Make a copy.  0, or -errno; why has a reason for every place that was no
 * good, also when a later one was. [control] */
MUST_USE int copy_make(const struct copy_order *o, struct copy *out,
                       char why[COPY_WHY_LEN]);
/* Close, and remove a private file.  Fine for one of fd -1. [control] */
void copy_fini(struct copy *c);

#endif
