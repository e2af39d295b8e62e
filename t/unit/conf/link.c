/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that lead nowhere. */
#include "conf/link.h"

#include "help.h"
#include "t/lib/unit.h"

static void
says(const char *text, const char *expected)
{
    struct diag d;
    struct conf *c;

    diag_init(&d);
    c = help_conf(text, NULL, &d);
    help_expect(&d, expected);
    ck_assert((c != NULL) == (expected[0] == '\0'));
    conf_free(c);
    diag_fini(&d);
}

START_TEST(every_name_in_use_is_an_instance)
{
    says("[server]\nuse = limit, lmit\n[plugin limit]\nuse = gone\n"
         "[scope s]\nmatch = /*\nuse = x1\n[route r]\nmatch = GET /\n"
         "handler = limit\nuse = x2\n",
         "a.ini:2: [server] use: there is no [plugin lmit]; did you mean "
         "\"limit\"?\n"
         "a.ini:4: [plugin limit] use: there is no [plugin gone]\n"
         "a.ini:11: [route r] use: there is no [plugin x2]\n"
         "a.ini:7: [scope s] use: there is no [plugin x1]\n");
}
END_TEST

START_TEST(a_handler_is_an_instance)
{
    says("[plugin users]\n[route r]\nmatch = GET /\nhandler = user:list\n",
         "a.ini:4: [route r] handler: there is no [plugin user]; did you mean "
         "\"users\"?\n");
}
END_TEST

START_TEST(an_option_is_of_an_instance_that_can_run)
{
    says("[server]\nuse = a\n[plugin a]\n[plugin b]\n[plugin c]\n[plugin d]\n"
         "[plugin h]\n[scope s]\nmatch = /*\nuse = b\nd.k = 1\nz.k = 1\n"
         "[route r]\nmatch = GET /\nhandler = h\nuse = c\na.k = 1\nb.k = 1\n"
         "c.k = 1\nh.k = 1\nd.k = 1\ny.k = 1\n",
         "a.ini:21: [route r] d.k: this route does not use d\n"
         "a.ini:22: [route r] y.k: there is no [plugin y]; did you mean "
         "\"a\"?\n"
         "a.ini:12: [scope s] z.k: there is no [plugin z]; did you mean "
         "\"a\"?\n");
}
END_TEST

START_TEST(an_instance_is_not_called_like_a_key)
{
    says("[plugin use]\n[plugin max_body]\n[plugin workers]\n",
         "a.ini:1: [plugin use]: an instance may not be called like the key "
         "\"use\" of a route or scope\n"
         "a.ini:2: [plugin max_body]: an instance may not be called like the "
         "key \"max_body\" of a route or scope\n");
}
END_TEST

UNIT_MAIN(link, every_name_in_use_is_an_instance, a_handler_is_an_instance,
          an_option_is_of_an_instance_that_can_run,
          an_instance_is_not_called_like_a_key)
