/* SPDX-License-Identifier: BSD-2-Clause */
/* image.c - see image.h. */
#include "plug/image.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/bundle.h"
#include "conf/bundle_image.h"
#include "conf/paths.h"
#include "os/dso.h"
#include "plug/elf.h"
#include "plug/guard.h"
#include "plug/manners.h"
#include "plug/reach.h"
#include "plug/source.h"
#include "plug/symbols.h"
#include "plug/text.h"
#include "plug/vet.h"
#include "plug/why.h"

#define IMAGE_MAGIC 0x65696d67u
#define WHY_LEN 1024
#define ENTRY_SYMBOL "et_plugins_v1"

/* One image_stage: what its parts need of each other. */
struct staging {
    struct image_set *set;
    const struct image_rules *rules;
    const char *path;
    const struct place *at;
    struct diag *d;
    const struct bundle_image *from; /* NULL: not in the bundle yet */
    struct source src; /* its bytes; fd -1 if they come from the bundle */
    struct elf_info elf;
};

/* ---- messages -------------------------------------------------------------*/

/* What goes on regardless of a refusal: a live build from the same path. */
static const char *
consolation(const struct image_set *s, const char *path,
            const struct image *except)
{
    for (const struct image *i = s->first; i != NULL; i = i->next)
        if (i != except && i->n_refs > 0 && i->descriptor != NULL &&
            strcmp(i->path, path) == 0)
            return ". The build that is loaded keeps running";
    return "";
}

static int
complain(const struct staging *g, const char *why, int rc)
{
    diag_error(g->d, g->at, "plugin %s: %s%s", g->path, why,
               consolation(g->set, g->path, NULL));
    return rc;
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* ---- the set --------------------------------------------------------------*/

void
image_set_init(struct image_set *s)
{
    *s = (struct image_set){0};
}

static void
destroy(struct image *img)
{
    text_remove(img);
    copy_fini(&img->copy);
    symbols_free(img->symbols);
    free(img->path);
    img->magic = 0;
    free(img);
}

void
image_set_fini(struct image_set *s)
{
    struct image *next;

    for (struct image *i = s->first; i != NULL; i = next) {
        CHECK(i->n_refs == 0);
        next = i->next;
        destroy(i);
    }
    image_remove_map(s);
    *s = (struct image_set){0};
}

static void
drop(struct image *img)
{
    struct image **at = &img->set->first;

    while (*at != img)
        at = &(*at)->next;
    *at = img->next;
    destroy(img);
}

static struct image *
find(const struct image_set *s, const uint8_t hash[SHA256_LEN])
{
    for (struct image *i = s->first; i != NULL; i = i->next)
        if (memcmp(i->hash, hash, SHA256_LEN) == 0)
            return i;
    return NULL;
}

static void
build_id_text(struct image *img, const struct elf_info *elf)
{
    for (uint32_t i = 0; i < elf->build_id_len; i++)
        snprintf(img->build_id + 2 * i, 3, "%02x", elf->build_id[i]);
}

static struct image *
new_image(const struct staging *g)
{
    struct image *img = calloc(1, sizeof *img);

    if (img == NULL || (img->path = strdup(g->path)) == NULL) {
        free(img);
        return NULL;
    }
    img->magic = IMAGE_MAGIC;
    img->set = g->set;
    img->name = base_name(img->path);
    img->source = g->from->source;
    img->n_bytes = g->from->n;
    memcpy(img->hash, g->from->sha256, SHA256_LEN);
    sha256_hex(img->hash, img->hash_hex);
    build_id_text(img, &g->elf);
    img->note = g->elf.note;
    img->elf_flags = g->elf.flags;
    img->n_unique = g->elf.n_unique;
    img->copy.fd = -1;
    return img;
}

/* Warned of once: it is the machine's property, not the plugin's. */
static void
warn_in_place(const struct staging *g, const char *why)
{
    if (!g->set->warned_in_place)
        diag_warn(g->d, g->at,
                  "plugin %s: is used in place, since no copy of it may be "
                  "executed (%s). Never write into a file of that folder while "
                  "the server runs: put new builds there by rename",
                  g->path, why);
    g->set->warned_in_place = 1;
}

static int
make_copy(struct staging *g, struct image *img)
{
    struct copy_order order = {
        .staging = g->rules->staging,
        .runtime_dir = g->rules->runtime_dir,
        .path = img->path,
        .name = img->name,
        .p = g->src.p,
        .n = g->src.n,
        .fd = g->from->fd,
        .no_memfd = g->from->no_memfd,
        .needs_folder = (g->elf.flags & ELF_ORIGIN) != 0,
        .source_fd = &g->src.fd,
    };
    char why[COPY_WHY_LEN];
    int rc = copy_make(&order, &img->copy, why);

    if (rc < 0) {
        diag_error(g->d, g->at, "plugin %s: cannot be staged (%s)", g->path,
                   why);
        return ERR_INVALID;
    }
    if (img->copy.is_in_place)
        warn_in_place(g, why);
    return 0;
}

/* A new member of the set; n_refs 0 until the caller references it. */
static int
admit(struct staging *g, struct image **out)
{
    struct image *img = new_image(g);
    int rc;

    if (img == NULL)
        return complain(g, err_text(ERR_NOMEM), ERR_NOMEM);
    rc = make_copy(g, img);
    if (rc < 0) {
        destroy(img);
        return rc;
    }
    vet_warn(&g->elf, g->path, g->at, g->d);
    img->symbols = symbols_new(g->src.p, g->src.n);
    img->next = g->set->first;
    g->set->first = img;
    *out = img;
    return 0;
}

static int
examine(struct staging *g)
{
    char why[WHY_LEN];
    et_err e = {why, sizeof why, 0};
    int rc = vet_check(g->src.p, g->src.n, &g->elf, &e);

    return rc < 0 ? complain(g, why, rc) : 0;
}

/* Put what was read into the bundle.  Bytes that are staged already stay in
 * memory once. */
static int
keep(struct staging *g)
{
    struct bundle_image read = {
        .path = g->path, .fd = -1, .n = g->src.n, .source = g->src.id};
    const struct image *same;
    char why[WHY_LEN];

    sha256_of(g->src.p, g->src.n, read.sha256);
    same = find(g->set, read.sha256);
    if (same != NULL && copy_is_sealed(&same->copy))
        read.fd = same->copy.fd;
    g->from =
        bundle_image_add(g->rules->bundle, &read, g->src.p, why, sizeof why);
    return g->from != NULL ? 0 : complain(g, why, ERR_INVALID);
}

/* Of the file, unless the bundle is to be all there is. */
static int
read_file(struct staging *g)
{
    char why[WHY_LEN];
    et_err e = {why, sizeof why, 0};
    int rc;

    if (g->rules->bundle->is_closed)
        return complain(g, "is not in the bundle", ERR_INVALID);
    rc = source_read(g->path, g->rules->owner, &g->src, &e);
    if (rc < 0)
        return complain(g, why, rc);
    rc = examine(g);
    return rc < 0 ? rc : keep(g);
}

/* Of the bundle, into this process for the first time. */
static int
read_bundle(struct staging *g)
{
    char why[WHY_LEN];
    int rc = bundle_image_load(g->from, &g->src.p);

    if (rc < 0) {
        snprintf(why, sizeof why, "cannot be read from the bundle: %s",
                 strerror(-rc));
        return complain(g, why, rc == -ENOMEM ? ERR_NOMEM : ERR_INVALID);
    }
    g->src.n = (size_t)g->from->n;
    return examine(g);
}

static int
stage(struct staging *g, struct image **out)
{
    int rc = g->from != NULL ? 0 : read_file(g);

    if (rc < 0)
        return rc;
    *out = find(g->set, g->from->sha256);
    if (*out != NULL)
        return 0;
    rc = g->src.p != NULL ? 0 : read_bundle(g);
    return rc < 0 ? rc : admit(g, out);
}

int
image_stage(struct image_set *s, const struct image_rules *rules,
            const char *path, const struct place *at, struct diag *d,
            struct image **out)
{
    struct staging g = {s, rules, path, at, d, .src = {.fd = -1}};
    int rc;

    *out = NULL;
    g.from = bundle_image_find(rules->bundle, path);
    rc = stage(&g, out);
    source_fini(&g.src);
    if (rc == 0)
        image_ref(*out);
    return rc;
}

/* ---- mapped ---------------------------------------------------------------*/

/* The loader's words, without the name it knows the image by. */
static int
loader_failed(const struct image *img, const char *text, et_err *e)
{
    static const char undefined[] = "undefined symbol: ";
    size_t n = strlen(img->copy.load_path);
    const char *at;

    if (strncmp(text, img->copy.load_path, n) == 0 && text[n] == ':')
        text += n + 1 + strspn(text + n + 1, " ");
    at = strstr(text, undefined);
    if (at != NULL)
        return why_set(e,
                       "undefined symbol \"%s\" - link it with the library "
                       "that has it (-l...)",
                       at + sizeof undefined - 1);
    if (strstr(text, "static TLS") != NULL)
        return why_set(e,
                       "%s: too many builds with static TLS are held. Restart "
                       "the server, or build it without -ftls-model=initial-"
                       "exec",
                       text);
    return why_set(e, "%s", text);
}

/* Whether the loader gave us another image's code: it knows a file by its
 * inode, so a file overwritten in place is still the old one to it. */
static int
is_of_another(const struct image *img, const void *handle)
{
    for (const struct image *i = img->set->first; i != NULL; i = i->next)
        if (i != img && i->handle == handle)
            return 1;
    return 0;
}

struct opening {
    const struct image *img;
    char *error;
    void *handle;
};

static int
run_loader(void *arg)
{
    struct opening *o = arg;

    o->handle = dso_open(o->img->copy.load_path, o->error);
    return 0;
}

/* The loader holds its own locks while constructors run: what goes wrong in
 * them is named, but it cannot be left. */
static void *
load(const struct image *img, char *error)
{
    const struct guard_who who = {
        .call = GUARD_MAP, .image = img, .name = img->path};
    struct opening o = {img, error, NULL};

    (void)!manners_run(&who, run_loader, &o);
    return o.handle;
}

static void
locate(struct image *img)
{
    if (dso_range(img->handle, &img->start, &img->end) < 0)
        img->start = img->end = 0;
    if (dso_code(img->handle, &img->base, &img->code_start, &img->code_end) < 0)
        img->code_start = img->code_end = 0;
    text_remove(img); /* it may be there since before it was given back */
    text_add(img);
}

static int
map(struct image *img, et_err *e)
{
    char error[DSO_ERROR_LEN];
    void *handle = load(img, error);

    if (handle == NULL)
        return loader_failed(img, error, e);
    if (is_of_another(img, handle)) {
        dso_close(handle);
        return why_set(e, "was overwritten while its old build is in use in "
                          "place: restart the server to load it");
    }
    img->handle = handle;
    locate(img);
    if (!img->is_mapped)
        img->set->n_mapped++;
    img->is_mapped = 1;
    return 0;
}

/* Our own copy of theirs, as much as it has and we know. */
static int
read_descriptor(const et_plugin *theirs, et_plugin *ours, et_err *e)
{
    size_t n = sizeof *ours;

    *ours = (et_plugin){0};
    if (reach_has(theirs, sizeof theirs->size, _Alignof(et_plugin)) &&
        theirs->size < n)
        n = theirs->size;
    if (!reach_has(theirs, n, _Alignof(et_plugin)))
        return why_set(e, "its descriptor " REACH_NOT_INSIDE);
    memcpy(ours, theirs, n);
    return 0;
}

static int
check_descriptor(const struct image *img, const et_plugin *desc, et_err *e)
{
    const char *astray;

    if (desc->size < offsetof(et_plugin, version) + sizeof desc->version)
        return why_set(e, "has a descriptor of only %u bytes", desc->size);
    if (desc->major != img->note.major)
        return why_set(e, "its note says ABI %u, its descriptor ABI %u",
                       img->note.major, desc->major);
    astray = reach_astray_in_plugin(desc);
    if (astray != NULL)
        return why_set(e, "%s of its descriptor " REACH_NOT_INSIDE, astray);
    if (desc->id == NULL || strcmp(desc->id, img->note.id) != 0)
        return why_set(e, "its note says \"%s\", its descriptor \"%s\"",
                       img->note.id, desc->id == NULL ? "" : desc->id);
    return 0;
}

static int
find_descriptor(struct image *img, et_err *e)
{
    const et_plugin *const *all = dso_symbol(img->handle, ENTRY_SYMBOL);
    et_plugin desc;
    int rc;

    if (all != NULL && !reach_has(all, 2 * sizeof *all, _Alignof(et_plugin *)))
        return why_set(e, ENTRY_SYMBOL " " REACH_NOT_INSIDE);
    if (all == NULL || all[0] == NULL)
        return why_set(e, ENTRY_SYMBOL " is empty");
    if (all[1] != NULL)
        return why_set(e, "holds more than one plugin: this server takes one "
                          "a file");
    rc = read_descriptor(all[0], &desc, e);
    if (rc == 0)
        rc = check_descriptor(img, &desc, e);
    if (rc == 0)
        img->descriptor = all[0];
    return rc;
}

int
image_open(struct image *img, const struct place *at, struct diag *d)
{
    char why[WHY_LEN];
    et_err e = {why, sizeof why, 0};
    int rc = 0;

    CHECK(img->magic == IMAGE_MAGIC && img->n_refs > 0);
    if (img->handle == NULL)
        rc = map(img, &e);
    if (rc == 0 && img->descriptor == NULL)
        rc = find_descriptor(img, &e);
    if (rc < 0)
        diag_error(d, at, "plugin %s: %s%s", img->path, why,
                   consolation(img->set, img->path, img));
    return rc;
}

/* ---- the map file ---------------------------------------------------------*/

static void
print_map(const struct image_set *s, FILE *out)
{
    for (const struct image *i = s->first; i != NULL; i = i->next)
        if (i->is_mapped)
            fprintf(out, "%lx-%lx %s %s %s %s %s %s\n", (unsigned long)i->start,
                    (unsigned long)i->end, i->n_refs > 0 ? "live" : "retired",
                    i->note.id, i->note.version,
                    i->build_id[0] != '\0' ? i->build_id : "-", i->hash_hex,
                    i->path);
}

int
image_write_map(struct image_set *s, const char *dir)
{
    char path[PATH_MAX], *copy, *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    int rc;

    if (out == NULL)
        return -ENOMEM;
    print_map(s, out);
    copy = paths_map(dir, getpid(), path, sizeof path) ? strdup(path) : NULL;
    if (fclose(out) != 0 || copy == NULL) {
        free(copy);
        free(text);
        return -ENOMEM;
    }
    rc = file_replace(path, text, n, 0644);
    free(text);
    free(s->map_path);
    s->map_path = copy;
    return rc;
}

void
image_update_map(struct image_set *s)
{
    char *dir = s->map_path ? strdup(s->map_path) : NULL;

    if (!dir)
        return;
    *strrchr(dir, '/') = '\0';
    (void)!image_write_map(s, dir);
    free(dir);
}

void
image_remove_map(struct image_set *s)
{
    if (s->map_path != NULL)
        unlink(s->map_path);
    free(s->map_path);
    s->map_path = NULL;
}

/* ---- references -----------------------------------------------------------*/

uint32_t
image_n_retired(const struct image_set *s, const char *id)
{
    uint32_t n = 0;

    for (const struct image *i = s->first; i; i = i->next)
        n += i->is_mapped && i->n_refs == 0 && strcmp(i->note.id, id) == 0;
    return n;
}

uint32_t
image_most_retired(const struct image_set *s, const char **id)
{
    uint32_t most = 0;

    *id = NULL;
    for (const struct image *i = s->first; i; i = i->next) {
        uint32_t n = image_n_retired(s, i->note.id);
        if (n > most) {
            most = n;
            *id = i->note.id;
        }
    }
    return most;
}

struct image *
image_ref(struct image *img)
{
    CHECK(img->magic == IMAGE_MAGIC);
    if (img->n_refs++ == 0) {
        img->set->n_live++;
        img->set->n_retired -= img->is_mapped ? 1 : 0;
    }
    return img;
}

int
image_may_unmap(const struct image *img)
{
    return img->descriptor != NULL && !img->has_crashed &&
           (img->descriptor->flags & ET_P_UNMAP_OK) &&
           !(img->elf_flags & ELF_NODELETE) && img->n_unique == 0;
}

/* Unmap if the plugin allows it.  The loader may keep an image that it gave
 * the handle of away (a thread_local's destructor, a unique symbol). */
static int
close_handle(void *arg)
{
    dso_close(arg);
    return 0;
}

static void
unmap(struct image *img)
{
    const struct guard_who who = {
        .call = GUARD_UNMAP, .image = img, .name = img->path};

    if (img->handle == NULL || !image_may_unmap(img))
        return;
    (void)!guard_run(&who, close_handle, img->handle);
    img->handle = NULL;
    img->descriptor = NULL;
    if (dso_is_loaded(img->copy.load_path))
        return;
    text_remove(img);
    img->is_mapped = 0;
    img->set->n_mapped--;
}

void
image_unref(struct image *img)
{
    CHECK(img->magic == IMAGE_MAGIC && img->n_refs > 0);
    if (--img->n_refs > 0)
        return;
    img->set->n_live--;
    unmap(img);
    if (img->is_mapped)
        img->set->n_retired++;
    else
        drop(img);
}
