/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.c - see bundle.h. */
#include "conf/bundle.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/bundle_image.h"
#include "conf/bundle_paper.h"
#include "conf/directive.h"
#include "conf/ini.h"
#include "conf/value.h"
#include "os/file.h"
#include "os/limit.h"

#define MAX_DEPTH 16 /* of includes */

/* A file being read, and the one that includes it. */
struct source {
    struct source *parent;
    const char *name; /* as messages show it, and as open() finds it */
    const char *dir;
    et_str text;
    struct file_id id;
    enum bundle_layer layer;
    int depth;
    struct include *first, **last; /* of its [server] */
};

/* A value of `include`. */
struct include {
    struct include *next;
    et_str pattern;
    struct place at;
    int is_environment; /* ETUDE_INCLUDE: relative to the working directory */
};

/* One filling of a bundle. */
struct loader {
    struct bundle *b;
    char *const *env;
    struct diag *d;
    struct source *scanning;
    int section; /* enum directive_kind of what is being scanned; -1: none */
    int rc;
};

/* ---- names ----------------------------------------------------------------*/

/* The folder part of a path, "" if it has none; with the slash. */
static et_str
folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return (et_str){path, slash ? (size_t)(slash - path) + 1 : 0};
}

/* The absolute folder of a file, without a final slash. */
static const char *
absolute_folder(struct bundle *b, const char *path)
{
    et_str folder = folder_of(path);

    if (folder.n > 1)
        folder.n--;
    if (folder.n == 0)
        return b->cwd;
    return value_absolute(&b->arena, b->cwd, folder).p;
}

static int
is_pattern(const char *s)
{
    return strpbrk(s, "*?[") != NULL;
}

/* "conf/etude.ini", "production" -> "conf/etude.production.ini". */
static const char *
overlay_name(struct bundle *b, const char *main_name, const char *which)
{
    size_t n = strlen(main_name);

    if (n > 4 && strcmp(main_name + n - 4, ".ini") == 0)
        n -= 4;
    return arena_printf(&b->arena, "%.*s.%s.ini", (int)n, main_name, which);
}

/* ---- scanning for include and ${...} --------------------------------------*/

static int
add_include(struct loader *l, et_str value, uint32_t line)
{
    struct source *s = l->scanning;
    struct include *inc = arena_zalloc(&l->b->arena, sizeof(*inc));
    int is_secret = 0, rc;
    char why[400];

    if (!inc)
        return ERR_NOMEM;
    rc = vars_expand(&l->b->vars, s->dir, &l->b->arena, value, &inc->pattern,
                     &is_secret, why, sizeof(why));
    if (rc)
        return rc == ERR_NOMEM ? rc : 0; /* conf_parse says so */
    inc->at = (struct place){s->name, line};
    *s->last = inc;
    s->last = &inc->next;
    return 0;
}

/* Read the file that a key names. */
static int
add_paper(struct loader *l, const struct directive *row, et_str value)
{
    struct arena *a = &l->b->arena;
    int is_secret = 0, rc;
    char why[400];
    et_str path;

    rc = vars_expand(&l->b->vars, l->scanning->dir, a, value, &path, &is_secret,
                     why, sizeof(why));
    if (rc)
        return rc == ERR_NOMEM ? rc : 0; /* conf_parse says so */
    if (path.n == 0 || (row->spec.word && value_eq(path, row->spec.word)))
        return 0;
    path = value_absolute(a, l->scanning->dir, path);
    return path.p ? bundle_paper_read(l->b, path.p) : ERR_NOMEM;
}

/* "listen secure" -> listen */
static void
on_section(void *arg, et_str name, uint32_t line)
{
    struct loader *l = arg;
    size_t n = 0;

    (void)line;
    while (n < name.n && name.p[n] != ' ' && name.p[n] != '\t')
        n++;
    l->section = directive_kind((et_str){name.p, n});
}

static void
on_key(void *arg, et_str key, et_str value, uint32_t line)
{
    struct loader *l = arg;
    const struct directive *row;

    if (!l->rc)
        l->rc = vars_capture(&l->b->vars, l->env, l->scanning->dir, value);
    if (l->rc || l->section < 0)
        return;
    row = directive_find((enum directive_kind)l->section, key);
    if (row && row->is_read)
        l->rc = add_paper(l, row, value);
    else if (l->section == DIRECTIVE_SERVER && value_eq(key, "include"))
        l->rc = add_include(l, value, line);
}

static const struct ini_handler scan_handler = {on_section, on_key};

/* Capture what the text mentions and collect its includes.  Its faults are
 * conf_parse's to report. */
static int
scan(struct loader *l, struct source *s)
{
    int rc;

    s->first = NULL;
    s->last = &s->first;
    l->scanning = s;
    l->section = -1;
    rc = ini_read(s->text, s->name, NULL, &scan_handler, l);
    return rc < 0 ? rc : l->rc;
}

/* ---- files ----------------------------------------------------------------*/

static int
push(struct loader *l, const struct source *s)
{
    const struct bundle_file f = {.name = s->name,
                                  .dir = s->dir,
                                  .text = s->text,
                                  .layer = s->layer,
                                  .id = s->id};

    return bundle_add_file(l->b, &f);
}

/* Read s->name into s; 0, ERR_NOMEM, or -errno. */
static int
read_source(struct loader *l, struct source *s)
{
    struct bundle *b = l->b;
    char *p;
    size_t n;
    int rc = file_id_path(s->name, &s->id);

    if (rc < 0)
        return rc;
    rc = file_read(s->name, BUNDLE_MAX_FILE_BYTES, &p, &n);
    if (rc < 0)
        return rc;
    if (b->bytes + n > BUNDLE_MAX_BYTES) {
        free(p);
        return -EFBIG;
    }
    b->bytes += n;
    s->text = arena_dup(&b->arena, (et_str){p, n});
    free(p);
    s->dir = absolute_folder(b, s->name);
    return s->text.p && s->dir ? 0 : ERR_NOMEM;
}

static int follow(struct loader *l, struct source *s);

/* A reason not to read this file after all, or NULL. */
static const char *
refuse(struct loader *l, const struct source *s)
{
    const struct source *up;
    size_t i;

    for (up = s->parent; up; up = up->parent)
        if (file_id_equal(&up->id, &s->id))
            return "includes itself";
    for (i = 0; i < l->b->n_files; i++)
        if (file_id_equal(&l->b->files[i].id, &s->id))
            return "is included twice";
    if (s->depth > MAX_DEPTH)
        return "is included too deeply";
    /* one place is kept for the overlay */
    if (l->b->n_files >= BUNDLE_MAX_FILES - (s->layer == BUNDLE_BASE))
        return "is one file too many";
    return NULL;
}

/* One file that an include of parent names.  Only ERR_NOMEM stops. */
static int
include_file(struct loader *l, struct source *parent, const struct include *inc,
             const char *name)
{
    struct source s = {.parent = parent,
                       .name = arena_printf(&l->b->arena, "%s", name),
                       .layer = parent->layer,
                       .depth = parent->depth + 1};
    const char *why;
    int rc = s.name ? read_source(l, &s) : ERR_NOMEM;

    if (rc == ERR_NOMEM)
        return rc;
    why = rc < 0 ? file_explain(rc) : refuse(l, &s);
    if (why) {
        diag_error(l->d, &inc->at, "[server] include: %s%s %s", name,
                   rc < 0 ? ": cannot read it:" : "", why);
        return 0;
    }
    rc = push(l, &s);
    if (!rc)
        rc = scan(l, &s);
    return rc ? rc : follow(l, &s);
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Folders that cannot be read are an error, missing ones match nothing. */
static int
on_glob_error(const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

static int
include_matches(struct loader *l, struct source *s, const struct include *inc,
                const char *pattern)
{
    glob_t g = {0};
    size_t i;
    int rc = glob(pattern, GLOB_NOSORT, on_glob_error, &g);

    if (rc == GLOB_NOMATCH || rc == GLOB_NOSPACE || rc == GLOB_ABORTED) {
        globfree(&g);
        if (rc == GLOB_ABORTED)
            diag_error(l->d, &inc->at, "[server] include: cannot list %s: %s",
                       pattern, strerror(errno));
        return rc == GLOB_NOSPACE ? ERR_NOMEM : 0;
    }
    qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_bytes);
    for (rc = 0, i = 0; !rc && i < g.gl_pathc; i++)
        rc = include_file(l, s, inc, g.gl_pathv[i]);
    globfree(&g);
    return rc;
}

/* The pattern as a path from where the process stands, so that names in
 * messages look like the main file's. */
static int
include_pattern(struct loader *l, struct source *s, const struct include *inc)
{
    struct arena *a = &l->b->arena;
    et_str folder = folder_of(inc->is_environment ? "" : s->name);
    char *escaped = arena_alloc(a, 2 * folder.n + 1), *q = escaped;
    const char *path;
    size_t i;

    if (!escaped)
        return ERR_NOMEM;
    if (inc->pattern.p[0] == '/')
        folder.n = 0;
    if (!is_pattern(inc->pattern.p)) {
        path =
            arena_printf(a, "%.*s%s", (int)folder.n, folder.p, inc->pattern.p);
        return path ? include_file(l, s, inc, path) : ERR_NOMEM;
    }
    for (i = 0; i < folder.n; i++) {
        if (strchr("*?[\\", folder.p[i]))
            *q++ = '\\';
        *q++ = folder.p[i];
    }
    *q = '\0';
    path = arena_printf(a, "%s%s", escaped, inc->pattern.p);
    return path ? include_matches(l, s, inc, path) : ERR_NOMEM;
}

static int
follow(struct loader *l, struct source *s)
{
    const struct include *inc;
    int rc = 0;

    for (inc = s->first; !rc && inc; inc = inc->next)
        if (inc->pattern.n)
            rc = include_pattern(l, s, inc);
    return rc;
}

/* ---- the main file and its overlay ----------------------------------------*/

/* ETUDE_INCLUDE takes the place of the ini's includes. */
static int
environment_include(struct loader *l, struct source *s)
{
    const char *value = bundle_env(l->b, "ETUDE_INCLUDE");
    struct include *inc;

    if (!value || !*value)
        return 0;
    inc = arena_zalloc(&l->b->arena, sizeof(*inc));
    if (!inc)
        return ERR_NOMEM;
    inc->pattern = str_from_z(value);
    inc->at.file = "environment variable ETUDE_INCLUDE";
    inc->is_environment = 1;
    s->first = inc;
    return 1;
}

/* Read NAME.$ETUDE_ENV.ini beside the main file into s: 1, 0 if there is none,
 * ERR_NOMEM. */
static int
read_overlay(struct loader *l, struct source *s, const char *main_name)
{
    const char *which = bundle_env(l->b, "ETUDE_ENV");
    struct place at = {"environment variable ETUDE_ENV", 0};
    int rc;

    if (!which || !*which)
        return 0;
    if (!value_is_name(str_from_z(which))) {
        diag_error(l->d, &at, "expected a name such as production");
        return 0;
    }
    s->name = overlay_name(l->b, main_name, which);
    rc = s->name ? read_source(l, s) : ERR_NOMEM;
    if (rc == ERR_NOMEM)
        return rc;
    if (rc == -ENOENT)
        diag_warn(l->d, &at, "there is no %s: nothing is overlaid", s->name);
    else if (rc < 0)
        diag_error(l->d, &at, "cannot read %s: %s", s->name, file_explain(rc));
    return rc == 0;
}

static int
load(struct loader *l, const char *path)
{
    struct source base = {.name = arena_printf(&l->b->arena, "%s", path)};
    struct source over = {.layer = BUNDLE_OVERLAY};
    struct place at = {path, 0};
    char why[LIMIT_TEXT_LEN];
    int rc = base.name ? read_source(l, &base) : ERR_NOMEM;
    int has_overlay, has_override;

    if (rc < 0 && rc != ERR_NOMEM)
        diag_error(l->d, &at, "cannot read it: %s",
                   rc == -ESPIPE ? file_explain(rc)
                                 : limit_explain(rc, why, sizeof(why)));
    if (rc || (rc = push(l, &base)) || (rc = scan(l, &base)))
        return rc;
    has_overlay = read_overlay(l, &over, base.name);
    if (has_overlay < 0 || (has_overlay && (rc = scan(l, &over))))
        return has_overlay < 0 ? has_overlay : rc;
    has_override = environment_include(l, &base);
    if (has_override < 0)
        return has_override;
    if (has_override)
        over.first = NULL;
    else if (over.first) /* an overlay replaces a key wholesale */
        base.first = NULL;
    rc = follow(l, &base);
    if (!rc && has_overlay)
        rc = push(l, &over);
    return rc || !has_overlay ? rc : follow(l, &over);
}

/* ---- bundles --------------------------------------------------------------*/

const char *
bundle_env(const struct bundle *b, const char *name)
{
    const struct var *v = vars_find(&b->vars, str_from_z(name));

    return v ? v->value.p : NULL;
}

struct bundle *
bundle_new(void)
{
    struct bundle *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    arena_init(&b->arena, NULL, 0, NULL, 4 * (size_t)BUNDLE_MAX_BYTES);
    vars_init(&b->vars, &b->arena);
    b->last_image = &b->images;
    b->last_paper = &b->papers;
    b->last_remark = &b->remarks;
    return b;
}

struct bundle *
bundle_of_nothing(void)
{
    struct bundle *b = bundle_new();

    if (b) {
        b->cwd = "/";
        b->modules = directive_modules_dir();
    }
    return b;
}

/* Read the files that ETUDE_* variables name. */
static int
read_overrides(struct bundle *b)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < b->vars.n; i++) {
        const struct var *v = &b->vars.v[i];
        const struct directive *row = directive_of_variable(v->name);
        et_str path;
        if (!row || !row->is_read || v->value.n == 0)
            continue;
        path = value_absolute(&b->arena, b->cwd, v->value);
        rc = path.p ? bundle_paper_read(b, path.p) : ERR_NOMEM;
    }
    return rc;
}

/* A bundle that knows where it is and what env says of ETUDE_*. */
static struct bundle *
make(char *const *env)
{
    struct bundle *b = bundle_new();
    char cwd[PATH_MAX];
    char *const *e;
    int rc;

    if (!b)
        return NULL;
    b->modules = directive_modules_dir();
    b->cwd =
        arena_printf(&b->arena, "%s", getcwd(cwd, sizeof(cwd)) ? cwd : "/");
    rc = vars_capture_name(&b->vars, env, str_from_z("RUNTIME_DIRECTORY"));
    for (e = env; !rc && e && *e; e++)
        if (strncmp(*e, "ETUDE_", 6) == 0)
            rc = vars_capture_name(&b->vars, env,
                                   (et_str){*e, strcspn(*e, "=")});
    if (!rc && b->cwd)
        rc = read_overrides(b);
    if (!b->cwd || rc) {
        bundle_free(b);
        return NULL;
    }
    return b;
}

int
bundle_add_file(struct bundle *b, const struct bundle_file *f)
{
    size_t cap = b->cap_files ? 2 * b->cap_files : 16;
    struct bundle_file *files;

    if (b->n_files == b->cap_files) {
        files = arena_alloc(&b->arena, cap * sizeof(*files));
        if (!files)
            return ERR_NOMEM;
        if (b->n_files)
            memcpy(files, b->files, b->n_files * sizeof(*files));
        b->files = files;
        b->cap_files = cap;
    }
    b->files[b->n_files++] = *f;
    return 0;
}

struct bundle *
bundle_from_files(const char *path, char *const *env, struct diag *d)
{
    struct loader l = {.b = make(env), .env = env, .d = d};
    int rc = l.b ? load(&l, path) : ERR_NOMEM;

    if (rc == 0)
        return l.b;
    if (rc == ERR_NOMEM)
        diag_error(d, NULL, "not enough memory to read %s", path);
    bundle_free(l.b);
    return NULL;
}

static int
add_text(struct loader *l, const struct bundle_file *f)
{
    struct arena *a = &l->b->arena;
    struct source s = {.layer = f->layer};
    int rc;

    s.name = arena_printf(a, "%s", f->name);
    s.dir = arena_printf(a, "%s", f->dir ? f->dir : l->b->cwd);
    s.text = arena_dup(a, f->text.p ? f->text : (et_str){"", 0});
    if (!s.name || !s.dir || !s.text.p)
        return ERR_NOMEM;
    rc = push(l, &s);
    return rc ? rc : scan(l, &s);
}

struct bundle *
bundle_from_memory(const struct bundle_file *files, size_t n, char *const *env,
                   struct diag *d)
{
    struct loader l = {.b = make(env), .env = env, .d = d};
    int rc = l.b ? 0 : ERR_NOMEM;
    size_t i;

    for (i = 0; !rc && i < n; i++)
        rc = add_text(&l, &files[i]);
    if (rc == 0)
        return l.b;
    diag_error(d, NULL, "not enough memory for the configuration");
    bundle_free(l.b);
    return NULL;
}

void
bundle_free(struct bundle *b)
{
    if (!b)
        return;
    bundle_image_close(b);
    bundle_paper_wipe(b);
    arena_reset(&b->arena);
    free(b);
}
