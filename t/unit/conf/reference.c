/* SPDX-License-Identifier: BSD-2-Clause */
/* conf/README.md is what the tables say, and names every key. */
#include "conf/reference.h"

#include "conf/directive.h"
#include "config.h"
#include "help.h"
#include "t/lib/unit.h"

static char *
printed(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(f);
    reference_print(f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

START_TEST(the_file_in_the_tree_is_what_is_printed)
{
    static char kept[1u << 20];
    char *text = printed();
    FILE *f = fopen(ETUDE_SOURCE_DIR "/conf/README.md", "r");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(kept, 1, sizeof(kept) - 1, f);
    fclose(f);
    ck_assert_msg(n == strlen(text) && memcmp(kept, text, n) == 0,
                  "conf/README.md is not what core/conf/reference.c prints");
    free(text);
}
END_TEST

START_TEST(every_key_is_in_it)
{
    char *text = printed(), row[80];
    size_t kind, i;

    for (kind = 0; kind < DIRECTIVE_KINDS; kind++)
        for (i = 0; i < directive_sections[kind].n; i++) {
            snprintf(row, sizeof(row), "\n| `%s` | ",
                     directive_sections[kind].rows[i].name);
            ck_assert_msg(strstr(text, row) != NULL, "%s", row);
        }
    free(text);
}
END_TEST

/* The default configuration is one, and every line it offers commented out is
 * one too. */
START_TEST(the_default_configuration_parses)
{
    struct diag d;
    struct bundle *b;
    struct conf *c;

    diag_init(&d);
    b = bundle_from_files(ETUDE_SOURCE_DIR "/conf/etude.ini", NULL, &d);
    ck_assert_ptr_nonnull(b);
    c = conf_parse(b, &d);
    help_expect(&d, "");
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->listens[0].address.p, "127.0.0.1:8080");
    ck_assert_ptr_nonnull(conf_find_plugin(c, str_from_z("hello")));
    conf_free(c);
    bundle_free(b);
}
END_TEST

START_TEST(its_examples_parse_uncommented)
{
    static char kept[1u << 16], text[1u << 16];
    FILE *f = fopen(ETUDE_SOURCE_DIR "/conf/etude.ini", "r");
    struct diag d;
    struct conf *c;
    char *line, *save = NULL;
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(kept, 1, sizeof(kept) - 1, f);
    fclose(f);
    kept[n] = '\0';
    n = 0;
    for (line = strtok_r(kept, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n",
                              line[0] == ';' && line[1] != ' ' ? line + 1
                                                               : line);
    diag_init(&d);
    c = help_conf(text, NULL, &d);
    help_expect(&d, "");
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_ge(c->n_routes, 2);
    conf_free(c);
}
END_TEST

UNIT_MAIN(reference, the_file_in_the_tree_is_what_is_printed,
          every_key_is_in_it, the_default_configuration_parses,
          its_examples_parse_uncommented)
