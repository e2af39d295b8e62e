/* SPDX-License-Identifier: BSD-2-Clause */
/* page.c - see page.h.
 *
 * EventSource comes again by itself when the connection ends, unless it gets an
 * answer that is no stream, as from a proxy whose server is away: then the page
 * begins anew.  What the server sends becomes text of the page, never HTML.
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
    "p{margin:.5rem}" \
    "small{opacity:.75}" \
    "[data-state=lost] time{opacity:.35}"
#define STYLE_HASH "Ide0ASMR4LiOFKGXq7k8m0ZV3tnXtRQOyM6LWZJENZo="

#define SCRIPT \
    "'use strict';\n" \
    "const time = document.querySelector('time');\n" \
    "const date = document.querySelector('#date');\n" \
    "const state = document.querySelector('small');\n" \
    "const from = location.pathname.replace(/\\/*$/, '/events');\n" \
    "const again = 3000;\n" \
    "\n" \
    "function is(name, text) {\n" \
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
    "  events.onmessage = (e) => show(JSON.parse(e.data).time);\n" \
    "  events.onerror = () => {\n" \
    "    is('lost', 'connecting again');\n" \
    "    if (events.readyState === EventSource.CLOSED)\n" \
    "      setTimeout(listen, again);\n" \
    "  };\n" \
    "}\n" \
    "listen();\n"
#define SCRIPT_HASH "ILhfw3QVGZ5zWbVufwiS97Gsxwzx2DWO2bKiSNjmxLA="

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
