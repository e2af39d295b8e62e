/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_image.c - see bundle_image.h. */
#include "conf/bundle_image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/bundle.h"
#include "os/memfd.h"

#define SHORT_HASH_LEN 12

/* "auth.so@0123456789ab": what /proc/PID/maps shows. */
static void
label_of(const struct bundle_image *img, char label[NAME_MAX])
{
    const char *slash = strrchr(img->path, '/');
    char hex[SHA256_HEX_LEN + 1];

    sha256_hex(img->sha256, hex);
    snprintf(label, NAME_MAX, "%.180s@%.*s", slash ? slash + 1 : img->path,
             SHORT_HASH_LEN, hex);
}

/* A memfd of img's own for these bytes, or memory where that is refused. */
static int
hold(struct bundle_image *img, const void *bytes, char *why, size_t why_cap)
{
    char label[NAME_MAX];

    label_of(img, label);
    img->fd = memfd_new(label, bytes, (size_t)img->n);
    if (img->fd >= 0)
        return 0;
    img->no_memfd = img->fd;
    img->fd = -1;
    img->bytes = malloc((size_t)img->n + 1);
    if (img->bytes) {
        memcpy(img->bytes, bytes, (size_t)img->n);
        return 0;
    }
    snprintf(why, why_cap, "%s", err_text(ERR_NOMEM));
    return ERR_NOMEM;
}

static int
share(struct bundle_image *img, int fd, char *why, size_t why_cap)
{
    img->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (img->fd >= 0)
        return 0;
    snprintf(why, why_cap, "cannot be kept: %s", strerror(errno));
    return ERR_INVALID;
}

/* A reason not to have this one too, or NULL. */
static const char *
refuse(const struct bundle *b, const struct bundle_image *like)
{
    if (b->n_images >= BUNDLE_IMAGE_MAX)
        return "is one image too many for a bundle";
    if (like->n > BUNDLE_IMAGE_MAX_BYTES ||
        b->image_bytes + like->n > BUNDLE_IMAGE_MAX_BYTES_TOTAL)
        return "is too large for a bundle";
    if (bundle_image_find(b, like->path))
        return "is in the bundle already";
    return NULL;
}

const struct bundle_image *
bundle_image_find(const struct bundle *b, const char *path)
{
    const struct bundle_image *img = b->images;

    while (img && strcmp(img->path, path) != 0)
        img = img->next;
    return img;
}

const struct bundle_image *
bundle_image_add(struct bundle *b, const struct bundle_image *like,
                 const void *bytes, char *why, size_t why_cap)
{
    struct bundle_image *img = arena_alloc(&b->arena, sizeof(*img));
    const char *path = arena_printf(&b->arena, "%s", like->path);
    const char *fault = img && path ? refuse(b, like) : err_text(ERR_NOMEM);
    int rc;

    if (fault) {
        snprintf(why, why_cap, "%s", fault);
        return NULL;
    }
    *img = (struct bundle_image){
        .path = path, .fd = -1, .n = like->n, .source = like->source};
    memcpy(img->sha256, like->sha256, SHA256_LEN);
    if (like->fd >= 0)
        rc = share(img, like->fd, why, why_cap);
    else
        rc = hold(img, bytes, why, why_cap);
    if (rc < 0)
        return NULL;
    *b->last_image = img;
    b->last_image = &img->next;
    b->n_images++;
    b->image_bytes += img->n;
    return img;
}

int
bundle_image_read(const struct bundle_image *img, uint64_t offset, void *p,
                  size_t n)
{
    if (img->fd >= 0)
        return file_read_at(img->fd, offset, p, n);
    memcpy(p, img->bytes + offset, n);
    return 0;
}

int
bundle_image_load(const struct bundle_image *img, char **p)
{
    int rc;

    *p = malloc((size_t)img->n + 1);
    if (!*p)
        return -ENOMEM;
    rc = bundle_image_read(img, 0, *p, (size_t)img->n);
    if (rc < 0) {
        free(*p);
        *p = NULL;
    }
    return rc;
}

void
bundle_image_close(struct bundle *b)
{
    for (struct bundle_image *img = b->images; img; img = img->next) {
        free(img->bytes);
        if (img->fd >= 0)
            close(img->fd);
    }
    b->images = NULL;
    b->last_image = &b->images;
    b->n_images = 0;
    b->image_bytes = 0;
}
