/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables: every row is complete and its default is one it accepts. */
#include "conf/directive.h"

#include "help.h"
#include "t/lib/unit.h"

START_TEST(every_default_parses)
{
    struct arena a;
    char why[256], field[64];
    size_t kind, i;

    arena_init(&a, NULL, 0, NULL, 1u << 20);
    for (kind = 0; kind < DIRECTIVE_KINDS; kind++)
        for (i = 0; i < directive_sections[kind].n; i++) {
            const struct directive *row = &directive_sections[kind].rows[i];

            memset(field, 0, sizeof(field));
            if (row->dflt)
                ck_assert_msg(value_parse(&a, &row->spec, str_from_z(row->dflt),
                                          "/", 0, field, why, sizeof(why)) == 0,
                              "%s: %s", row->name, why);
        }
    arena_reset(&a);
}
END_TEST

START_TEST(every_row_has_a_help_of_one_line)
{
    size_t kind, i;

    for (kind = 0; kind < DIRECTIVE_KINDS; kind++)
        for (i = 0; i < directive_sections[kind].n; i++) {
            const struct directive *row = &directive_sections[kind].rows[i];
            size_t n = strlen(row->help);

            ck_assert_msg(n > 0 && row->help[n - 1] != '.' &&
                              !strchr(row->help, '\n'),
                          "%s", row->name);
            ck_assert_msg(!row->is_required || !row->dflt, "%s", row->name);
            ck_assert_ptr_eq(directive_find((enum directive_kind)kind,
                                            str_from_z(row->name)),
                             row);
        }
}
END_TEST

/* Kubernetes injects ETUDE_PORT, ETUDE_PORT_80_TCP, ETUDE_SERVICE_HOST. */
START_TEST(no_server_key_can_be_meant_by_an_injected_variable)
{
    const struct directive_section *s = &directive_sections[DIRECTIVE_SERVER];
    size_t i;

    for (i = 0; i < s->n; i++) {
        ck_assert_str_ne(s->rows[i].name, "port");
        ck_assert_int_ne(strncmp(s->rows[i].name, "port_", 5), 0);
        ck_assert_int_ne(strncmp(s->rows[i].name, "service_", 8), 0);
        ck_assert_str_ne(s->rows[i].name, "env");
        ck_assert_str_ne(s->rows[i].name, "conf");
    }
}
END_TEST

START_TEST(known_names_are_found_and_near_ones_suggested)
{
    ck_assert_int_eq(directive_kind(str_from_z("scope")), DIRECTIVE_SCOPE);
    ck_assert_int_eq(directive_kind(str_from_z("scopes")), -1);
    ck_assert_str_eq(
        directive_nearest(DIRECTIVE_SERVER, str_from_z("max_boddy")),
        "max_body");
    ck_assert_ptr_null(
        directive_nearest(DIRECTIVE_SERVER, str_from_z("quite_else")));
    ck_assert(directive_is_reserved(str_from_z("use")));
    ck_assert(directive_is_reserved(str_from_z("write_timeout")));
    ck_assert(!directive_is_reserved(str_from_z("workers")));
}
END_TEST

START_TEST(folders_are_absolute)
{
    ck_assert_int_eq(directive_modules_dir()[0], '/');
    ck_assert(!directive_tree() || directive_tree()[0] == '/');
}
END_TEST

UNIT_MAIN(directive, every_default_parses, every_row_has_a_help_of_one_line,
          no_server_key_can_be_meant_by_an_injected_variable,
          known_names_are_found_and_near_ones_suggested, folders_are_absolute)
