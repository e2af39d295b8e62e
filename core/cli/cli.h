/* SPDX-License-Identifier: BSD-2-Clause */
/* cli.h - the command line. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Do what the arguments say; the exit code (enum server_exit). */
int cli_main(int argc, char **argv);

#endif
