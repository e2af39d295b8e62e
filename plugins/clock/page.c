/* SPDX-License-Identifier: BSD-2-Clause */
/* page.c - see page.h.
 *
 * EventSource comes again by itself when the connection ends, unless it gets an
 * answer that is no stream, as from a proxy whose server is away: then the page
 * begins anew, later each time.  What the server sends becomes text of the
 * page, never HTML.
 *
 * The hashes of STYLE and SCRIPT stand below, so that no library is needed for
 * them; e2e/clock.c says what they are to be. */
#include "page.h"

/* clang-format off */
#define STYLE \
    ":root{color-scheme:light dark}" \
    "body{font:1rem/1.5 system-ui,sans-serif;min-height:100vh;margin:0;" \
    "display:grid;place-content:center;text-align:center}" \
    "time{display:block;font-size:min(19vw,12rem);line-height:1;" \
    "font-variant-numeric:tabular-nums}" \
    "time.fine{font-size:min(13vw,9rem)}" \
    "h1{font-size:1rem;font-weight:normal;opacity:.75;margin:.5rem}" \
    "p{margin:.5rem}" \
    "small{opacity:.75}" \
    "[data-state=lost] time{opacity:.35}"
#define STYLE_HASH "44RcRSbw3HVsB+AUDdsRnlyllmpKxuaT1QIh5sXXgZs="

#define SCRIPT \
    "'use strict';\n" \
    "const time = document.querySelector('time');\n" \
    "const date = document.querySelector('#date');\n" \
    "const state = document.querySelector('small');\n" \
    "const from = location.pathname.replace(/\\/*$/, '/events');\n" \
    "const least = 1000, most = 30000;\n" \
    "let wait = least;\n" \
    "\n" \
    "/* Once: a reader would say it each second. */\n" \
    "function is(name, text) {\n" \
    "  if (document.body.dataset.state === name) return;\n" \
    "  document.body.dataset.state = name;\n" \
    "  state.textContent = text;\n" \
    "}\n" \
    "\n" \
    "function show(now) {\n" \
    "  time.dateTime = now;\n" \
    "  time.textContent = now.slice(11, -1);\n" \
    "  time.className = now.length > 20 ? 'fine' : '';\n" \
    "  date.textContent = now.slice(0, 10);\n" \
    "  is('live', 'live');\n" \
    "}\n" \
    "\n" \
    "function listen() {\n" \
    "  const events = new EventSource(from);\n" \
    "  events.onmessage = (e) => {\n" \
    "    wait = least;\n" \
    "    show(JSON.parse(e.data).time);\n" \
    "  };\n" \
    "  events.onerror = () => {\n" \
    "    is('lost', 'connecting again');\n" \
    "    if (events.readyState !== EventSource.CLOSED) return;\n" \
    "    setTimeout(listen, wait * (.5 + Math.random()));\n" \
    "    wait = Math.min(2 * wait, most);\n" \
    "  };\n" \
    "}\n" \
    "listen();\n"
#define SCRIPT_HASH "iJc01Eb1LfnUe2hnVs9257SFyINhSMUe0H0QD1UGz/w="

const char page_text[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>Clock</title>\n"
    "<style>" STYLE "</style>\n"
    "<body>\n"
    "<main>\n"
    "<h1>Clock</h1>\n"
    "<time>--:--:--</time>\n"
    "<p><span id=\"date\"></span> UTC</p>\n"
    "<p><small role=\"status\">connecting</small></p>\n"
    "</main>\n"
    "<noscript><p>This page needs JavaScript. Without it: <code>curl -N</code>, "
    "the address of this page, and <code>/events</code>.</noscript>\n"
    "<script>" SCRIPT "</script>\n";

const char page_policy[] =
    "default-src 'none'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "style-src 'sha256-" STYLE_HASH "'; script-src 'sha256-" SCRIPT_HASH "'";
/* clang-format on */
