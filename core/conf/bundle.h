/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.h - everything a configuration is made from, in memory.
 *
 * A bundle holds all ini texts after include and overlay, in the order in which
 * they are read, the values of all ${...} they mention, certificates and keys
 * (bundle_paper.h), and the plugins' files (bundle_image.h).  Files and the
 * process environment are one way to fill it, a dump (bundle_dump.h) the other;
 * once filled it is all that conf and the image stager read, so building it
 * twice gives the same result whatever has happened to the disk or the
 * environment since.  What the texts mean is conf's business: here they are
 * only scanned for `include` of [server], for ${...}, and for the keys whose
 * row says that their file is to be read.
 *
 *   OPEN    from files: an image that is missing is read and added
 *   CLOSED  from a dump: an image that is missing is an error
 *
 * Not in it: files that plugins open themselves, as their options tell them to,
 * and libraries that a plugin is linked with.
 *
 *   files[0]      the main file           layer 0
 *   files[..]     what it includes        layer 0
 *   files[..]     the overlay, includes   layer 1: replaces keys of layer 0
 *
 * What went wrong while the files were read can be kept in it for another
 * process to report (bundle_remark.h).
 *
 * Invariants: n_files >= 1, or a remark says why nothing could be read; layers
 * never decrease; secrets are not printed. */
#ifndef CONF_BUNDLE_H
#define CONF_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/vars.h"
#include "os/file.h"

#define BUNDLE_MAX_FILES 4096u
#define BUNDLE_MAX_FILE_BYTES (16u << 20)
#define BUNDLE_MAX_BYTES (64u << 20)

enum bundle_layer {
    BUNDLE_BASE,    /* the main file and what it includes */
    BUNDLE_OVERLAY, /* NAME.$ETUDE_ENV.ini beside it and what that includes */
};

struct bundle_image;
struct bundle_outage;
struct bundle_paper;
struct bundle_remark;

struct bundle_file {
    const char *name; /* as messages show it: "conf/etude.ini" */
    const char *dir;  /* absolute: what relative paths in it start from */
    et_str text;
    enum bundle_layer layer;
    struct file_id id; /* of the file; zeros if it was none */
};

struct bundle {
    struct arena arena; /* owns everything below but the images' fds, and the
                           texts of papers */
    int is_closed;
    const char *cwd;     /* absolute; relative paths of ETUDE_* start here */
    const char *modules; /* absolute: the folder if the ini names none */
    struct bundle_file *files;
    size_t n_files, cap_files;
    struct vars vars; /* every ${...} mentioned, every ETUDE_* variable, and
                         RUNTIME_DIRECTORY */
    size_t bytes;     /* of all texts */
    struct bundle_image *images, **last_image; /* bundle_image.c's */
    uint32_t n_images;
    uint64_t image_bytes;                      /* of all of them */
    struct bundle_paper *papers, **last_paper; /* bundle_paper.c's */
    uint32_t n_papers;
    size_t paper_bytes;
    struct bundle_remark *remarks, **last_remark; /* bundle_remark.c's */
    uint32_t n_remarks;
    struct bundle_outage *outages; /* bundle_outage.c's */
    uint32_t n_outages;
};

/* Read the file at path, what it includes and its overlay.  env is a NULL-
 * terminated array of "NAME=value" (environ).  NULL only if the main file
 * cannot be read or memory is short; other errors (an include that names no
 * file, a cycle) are in d too, and the bundle holds what could be read, so that
 * conf_parse can report the rest.  A FIFO cannot be read (file_read): nobody is
 * waited for.  Give it back with bundle_free. [control] */
MUST_USE struct bundle *bundle_from_files(const char *path, char *const *env,
                                          struct diag *d);

/* A bundle of n texts given by the caller, which are copied; `include` is not
 * followed, ${file:...} is read.  NULL without memory. [control] */
MUST_USE struct bundle *bundle_from_memory(const struct bundle_file *files,
                                           size_t n, char *const *env,
                                           struct diag *d);

/* An open bundle with nothing in it; cwd and modules are the caller's to set.
 * NULL without memory. [control] */
MUST_USE struct bundle *bundle_new(void);
/* One of files of which none could be read: it has no text, and is to be given
 * a remark.  NULL without memory. [control] */
MUST_USE struct bundle *bundle_of_nothing(void);
/* One text more; f's pointers are kept, and live as long as the bundle.  0 or
 * ERR_NOMEM. [control] */
MUST_USE int bundle_add_file(struct bundle *b, const struct bundle_file *f);

/* Its images' descriptors too; its papers are wiped. [control] */
void bundle_free(struct bundle *b);

/* A captured environment variable by name ("ETUDE_WORKERS"); NULL if it is not
 * set. [control] */
const char *bundle_env(const struct bundle *b, const char *name);

#endif
