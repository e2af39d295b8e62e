/* SPDX-License-Identifier: BSD-2-Clause */
/* image.h - from a .so in modules/ to code mapped in this process.
 *
 *     path --stage--> STAGED --open--> MAPPED --last unref--> RETIRED
 *                        |                 ^                    |
 *                        | last unref      +---- same hash -----+
 *                        v                 | (only with ET_P_UNMAP_OK)
 *                      freed  <------------+--------------------+
 *
 * The file in modules/ is never given to the loader: whoever overwrites it
 * would pull the code from under the workers, and a name loaded once answers
 * with the old code for ever.  image_stage takes the bytes from the bundle; if
 * they are not there it reads the file through one descriptor, checks owner,
 * ELF and note on those very bytes, and puts them there.  The loader is given
 * the bundle's sealed memfd (else a private file, else - with a warning - the
 * file in place).  Only image_open runs code of it.  Between the two is the
 * place of the trial load in a child process: everything that child needs is
 * the staged image.
 *
 * A retired image stays mapped unless the plugin said ET_P_UNMAP_OK and the
 * loader really let go; its fd stays open as long, so that its name is not
 * used again.  Staging the bytes of a retired image revives it, so that a
 * reload that fails a thousand times maps one image.
 *
 * All of it [control].  Errors and warnings go into the diag, each beginning
 * with "plugin <path>: "; functions return 0, ERR_INVALID (said in the diag)
 * or ERR_NOMEM (said there too). */
#ifndef PLUG_IMAGE_H
#define PLUG_IMAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"
#include "base/sha256.h"
#include "conf/conf.h"
#include "os/file.h"
#include "plug/copy.h"

struct bundle;
struct plugin;
struct symbols;

/* Settings that may change from one reload to the next.
 *   bundle   of the configuration that is being built: where the bytes are, or
 *            go to
 *   staging  AUTO: memfd, else a file in runtime_dir, else in place;
 *            FILE: the latter two; MEMFD: that or nothing
 *   owner    STRICT: the file and its folder are root's or ours, and nobody
 *            else may write them */
struct image_rules {
    struct bundle *bundle;
    enum conf_staging staging;
    enum conf_owner owner;
    const char *runtime_dir; /* or NULL: none */
};

struct image {
    uint32_t magic;
    uint32_t n_refs; /* 0: retired */
    struct image *next;
    struct image_set *set;
    struct plugin *plugin; /* plugin.c's, while one lives on this image */

    char *path;       /* where it was found: for messages */
    const char *name; /* its last part */
    struct file_id source;
    uint64_t n_bytes;
    uint8_t hash[SHA256_LEN];
    char hash_hex[SHA256_HEX_LEN + 1];
    char build_id[2 * 32 + 1]; /* hexadecimal; "" if it has none */
    struct et_note note;
    uint32_t elf_flags; /* ELF_* */
    uint32_t n_unique;

    struct copy copy;     /* what the loader is given */
    int is_mapped;        /* opened, and not seen to be unmapped */
    void *handle;         /* NULL until image_open */
    uintptr_t start, end; /* where it is mapped; 0, 0 if that is not known */
    /* Its code in it, and what the loader added to the file's addresses. */
    uintptr_t code_start, code_end, base;
    struct symbols *symbols;     /* of its functions; NULL: it names none */
    _Atomic int has_crashed;     /* never unmapped: who knows what it left */
    const et_plugin *descriptor; /* in the image, as the plugin made it */
};

/* All images of this process. */
struct image_set {
    struct image *first;
    uint32_t n_live;     /* with references */
    uint32_t n_mapped;   /* opened and not unmapped, retired ones included */
    uint32_t n_retired;  /* of those, without references */
    int warned_in_place; /* the warning about it is given once */
    char *map_path;      /* what image_write_map wrote, or NULL */
};

/* An empty set. [control] */
void image_set_init(struct image_set *s);
/* Let go of everything: private files and the map file are removed, mappings
 * stay.  No image may be referenced any more. */
void image_set_fini(struct image_set *s);

/* Check and copy the image at path; no code of it runs.  If the bundle has
 * that path the disk is not touched; else the file is read into it, which is an
 * error if the bundle is closed.  *out has one reference of the caller's.
 * Equal content gives the same image, already opened or not, and is in memory
 * once.  at (may be NULL) is where the ini names it. */
MUST_USE int image_stage(struct image_set *s, const struct image_rules *rules,
                         const char *path, const struct place *at,
                         struct diag *d, struct image **out);

/* Map it (constructors run) and find its descriptor.  Good at once if it is
 * mapped already. */
MUST_USE int image_open(struct image *img, const struct place *at,
                        struct diag *d);

/* Write <dir>/<pid>.plugins, for whoever reads a core dump or a profile of this
 * process: a line for each mapped image, retired ones included, of address
 * range, state, id, version, build-id ("-": none), sha256 and path.  Call it
 * when images came or went.  0, or -errno. */
MUST_USE int image_write_map(struct image_set *s, const char *dir);

/* The same where it was written before: images may have gone. [control] */
void image_update_map(struct image_set *s);
/* The process ends: nobody is to take its map for another one's. [control] */
void image_remove_map(struct image_set *s);

/* May it be unmapped when it is retired: the plugin says so, and nothing in the
 * file stands against it?  After image_open. */
MUST_USE int image_may_unmap(const struct image *img);

/* How many retired images of the plugin id are mapped: their code may run
 * again, or their threads may. [control] */
uint32_t image_n_retired(const struct image_set *s, const char *id);
/* The same of the plugin that has most, and its id (in the image; NULL: there
 * is none). [control] */
uint32_t image_most_retired(const struct image_set *s, const char **id);

/* One reference more; returns img. [control] */
struct image *image_ref(struct image *img);
/* The last one retires the image, or frees it if it was never opened or may be
 * unmapped. */
void image_unref(struct image *img);

#endif
