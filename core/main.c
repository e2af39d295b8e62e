/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - where the process begins. */
#include "cli/cli.h"

int
main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
