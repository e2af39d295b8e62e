/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - golden.c against the mock host of today; 0, or the line that
 * failed. */
#include <etude_test.h>

#define WANT(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            return 1;                                                          \
        }                                                                      \
    } while (0)

int
main(void)
{
    et_test_option("word", "Au");
    et_test_option("header", "X-A: 1");
    WANT(et_test_open() == 0);

    et_test_request("GET", "/golden/a%20b?value=c%26");
    WANT(et_test_run() == 401);
    WANT(strcmp(et_test_field("X-Golden", 0), "Au") == 0);
    WANT(!et_test_field("X-Golden", 1));

    et_test_request("GET", "/golden/a%20b?value=c%26");
    et_test_header("X-Golden", "k");
    WANT(et_test_run() == 200);
    WANT(strcmp(et_test_text(), "Au a b 1 a%20b=c%26\n") == 0);
    WANT(strcmp(et_test_field("X-Golden", 1), "k") == 0);
    WANT(strcmp(et_test_field("X-A", 0), "1") == 0);

    et_test_request("POST", "/golden");
    et_test_header("X-Golden", "k");
    et_test_header("Content-Type", "application/x-www-form-urlencoded");
    et_test_body("a=40&b=2", 8);
    WANT(et_test_run() == 200);
    WANT(strcmp(et_test_text(), "42\n") == 0);

    et_test_request("PUT", "/x?y");
    et_test_header("X-Golden", "k");
    et_test_body("1234", 4);
    WANT(et_test_run() == 200);
    WANT(strcmp(et_test_text(), "{\"method\":\"PUT\",\"path\":\"/x\","
                                "\"query\":\"y\",\"body\":4}\n") == 0);
    WANT(strcmp(et_test_line(3), "golden 200") == 0);
    et_test_end();
    return 0;
}
