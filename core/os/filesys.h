/* SPDX-License-Identifier: BSD-2-Clause */
/* filesys.h - where a file lies: on this machine, or with somebody who may take
 * his time. */
#ifndef OS_FILESYS_H
#define OS_FILESYS_H

#include <stdint.h>

/* A number of the file system of fd, another one for each that is mounted; 0:
 * it cannot be told.  Nobody is asked for it who could take his time. [any] */
uint64_t filesys_of(int fd);
/* The same, and whether the file of fd has a name still; if that cannot be told
 * it has none. [any] */
uint64_t filesys_look(int fd, int *has_name);
/* 1: it is one of disks or of memory; 0: a program has it (FUSE), or another
 * machine, or it is not known, or it cannot be told.  May wait. [any] */
int filesys_is_local(int fd);

#endif
