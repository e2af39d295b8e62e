/* SPDX-License-Identifier: BSD-2-Clause */
/* elf.c - feeds arbitrary bytes to the reader of shared objects. */
#include "plug/elf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    struct elf_info info;
    char text[256];
    et_err e = {text, sizeof text, 0};

    if (elf_read(data, size, &info, &e) < 0) {
        if (e.n == 0 || e.n >= sizeof text || text[e.n] != '\0')
            abort();
        return 0;
    }
    for (uint32_t i = 0; i < info.n_symbols; i++) {
        et_str s = elf_export(&info, i);

        if (s.p != NULL && (s.p < p || s.n > (size_t)(p + size - s.p)))
            abort();
        (void)elf_is_preemptible(&info, i);
    }
    return 0;
}
