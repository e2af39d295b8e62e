/* SPDX-License-Identifier: BSD-2-Clause */
/* module.h - the plugins in a server's modules/, read, replaced and rebuilt
 * while it serves.
 *
 * Another build of a fixture is made without a compiler, by writing other
 * digits over the eight behind "STAMP:" in its file. */
#ifndef T_LIB_MODULE_H
#define T_LIB_MODULE_H

#include <stddef.h>
#include <sys/types.h>

struct server;

/* Whether the plugin is there to be copied: what needs a library may not be. */
int module_is_built(const char *name);
/* modules/NAME.so, in a static buffer. */
const char *module_path(const struct server *s, const char *name);
/* Its n bytes; free them. */
char *module_read(const struct server *s, const char *name, size_t *n);
/* The file from anywhere as modules/NAME.so. */
void module_add(const struct server *s, const char *from, const char *name);
/* Put n bytes in its place, in one piece: by rename. */
void module_write(const struct server *s, const char *name, const char *p,
                  size_t n, mode_t mode);
/* Other digits in n bytes of an image. */
void module_stamp_bytes(char *p, size_t n, int number);
/* A new build of NAME with these digits, in its place. */
void module_stamp(const struct server *s, const char *name, int number);
/* The same, as a new module TO. */
void module_stamp_as(const struct server *s, const char *name, const char *to,
                     int number);

#endif
