/* SPDX-License-Identifier: BSD-2-Clause */
/* browser.h - a real browser that does what a test says: headless Chromium,
 * by way of chromedriver (https://www.w3.org/TR/webdriver2/).
 *
 *     struct browser b;
 *     browser_open(&b);
 *     browser_go(&b, "http://127.0.0.1:%u/chat", s.port);
 *     browser_type(&b, "#text", "hello\n");
 *     browser_wait_text(&b, "li", "hello");
 *     ck_assert_int_eq(browser_errors(&b), 0);
 *     browser_close(&b);
 *
 * Several may be open, each with a profile of its own: they share nothing.  A
 * css selector means the first element that it fits, which is waited for.  No
 * name but 127.0.0.1 leads anywhere.  It speaks what this run is for
 * (transport.h), and to a server whose certificate nobody has signed.  A call
 * that fails fails the test, and so does what has not come about after 20
 * seconds; whatever becomes of the test, no process and no file stays. */
#ifndef T_LIB_BROWSER_H
#define T_LIB_BROWSER_H

#include <stddef.h>

struct browser {
    char id[64]; /* the session's */
    char *got;   /* what the last call returned */
};

/* Whether there is one here, and it speaks what this run is for; if not, it
 * says so. */
int browser_is_there(void);
/* What main() then returns: 77, for tests that are skipped; or 1, with
 * T_BROWSER=required in the environment. */
int browser_skip(void);

void browser_open(struct browser *b);
void browser_close(struct browser *b);
/* Open that page; printf.  Returns when it is loaded. */
void browser_go(struct browser *b, const char *url, ...)
    __attribute__((format(printf, 2, 3)));
/* A page of the server at that port. */
void browser_visit(struct browser *b, unsigned port, const char *path);
/* So large its window is, in pixels. */
void browser_resize(struct browser *b, int width, int height);
/* As a hand does it.  Into an input of type file goes the path of a file. */
void browser_click(struct browser *b, const char *css);
void browser_type(struct browser *b, const char *css, const char *text);
/* The text of an element, as it is shown.  Good until the next call. */
const char *browser_text(struct browser *b, const char *css);
/* The value of an expression of JavaScript, as a string; the same. */
const char *browser_eval(struct browser *b, const char *expression);
/* Until an expression is true. */
void browser_wait(struct browser *b, const char *expression);
/* Until the text of one of the elements has that in it. */
void browser_wait_text(struct browser *b, const char *css, const char *text);
/* How many errors the console has got since the last such call: exceptions,
 * what could not be loaded, what the page's policy forbids.  They are printed.
 */
int browser_errors(struct browser *b);

#endif
