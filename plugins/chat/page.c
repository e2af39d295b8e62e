/* SPDX-License-Identifier: BSD-2-Clause */
/* page.c - see page.h.
 *
 * The room is what stands behind # in the address.  Whatever ends a connection,
 * another one is made, later each time until one is welcomed; what the room
 * remembers is sent anew then, so each message has an id by which it is shown
 * once.  What one says is said again there unless it was heard by then: it may
 * have met the end of the connection on its way.  What others say becomes text
 * of the page, never HTML.
 *
 * The hashes of STYLE and SCRIPT stand below, so that no library is needed for
 * them; e2e/chat.c says what they are to be. */
#include "page.h"

/* clang-format off */
#define STYLE \
    ":root{color-scheme:light dark}" \
    "body{font:1rem/1.5 system-ui,sans-serif;box-sizing:border-box;" \
    "height:100vh;height:100dvh;max-width:45rem;margin:0 auto;padding:1rem;" \
    "display:flex;flex-direction:column;gap:.75rem}" \
    "header{display:flex;gap:1rem;align-items:baseline;flex-wrap:wrap}" \
    "h1{font-size:1.25rem;margin:0;overflow-wrap:anywhere}" \
    "ol{list-style:none;margin:0;padding:0;flex:1;overflow-y:auto}" \
    "li{padding:.25rem 0;overflow-wrap:anywhere}" \
    "li.event{opacity:.75;font-style:italic}" \
    "li.error{color:#d33}" \
    "time{opacity:.75;font-size:.85rem;margin-right:.5rem}" \
    "form{display:flex;gap:.5rem}" \
    "input,button{font:inherit;padding:.5rem;min-width:0}" \
    "#name{flex:0 1 9rem}" \
    "#text{flex:1}" \
    "small{opacity:.75}" \
    "[data-state=lost] ol{opacity:.5}"
#define STYLE_HASH "zvNAApK9WQwj0JdJwNjF/AeQ3l+FuPooXAkyI8Zm/y0="

#define SCRIPT \
    "'use strict';\n" \
    "const list = document.querySelector('ol');\n" \
    "const nick = document.querySelector('#name');\n" \
    "const text = document.querySelector('#text');\n" \
    "const state = document.querySelector('small');\n" \
    "const shown = new Set(), keep = 500, least = 250, most = 15000;\n" \
    "const unheard = [];\n" \
    "let room = '', socket = null, wait = least, timer = 0;\n" \
    "\n" \
    "function is(what, words) {\n" \
    "  document.body.dataset.state = what;\n" \
    "  state.textContent = words;\n" \
    "}\n" \
    "\n" \
    "function show(kind, when, who, words) {\n" \
    "  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 50;\n" \
    "  const item = document.createElement('li');\n" \
    "  item.className = kind;\n" \
    "  if (when) {\n" \
    "    const time = item.appendChild(document.createElement('time'));\n" \
    "    time.dateTime = new Date(when).toISOString();\n" \
    "    time.textContent = new Date(when).toLocaleTimeString();\n" \
    "  }\n" \
    "  if (who) {\n" \
    "    const b = item.appendChild(document.createElement('b'));\n" \
    "    b.dir = 'auto';\n" \
    "    b.textContent = who;\n" \
    "    item.append(' ');\n" \
    "  }\n" \
    "  const span = item.appendChild(document.createElement('span'));\n" \
    "  span.dir = 'auto';\n" \
    "  span.textContent = words;\n" \
    "  list.append(item);\n" \
    "  while (list.children.length > keep) list.firstChild.remove();\n" \
    "  if (isAtEnd) list.scrollTop = list.scrollHeight;\n" \
    "}\n" \
    "\n" \
    "function say(words) {\n" \
    "  if (socket.readyState === 1) socket.send(JSON.stringify({ text: words }));\n" \
    "}\n" \
    "\n" \
    "function hear(m) {\n" \
    "  if (m.welcome !== undefined) {\n" \
    "    wait = least;\n" \
    "    is('live', 'live');\n" \
    "    unheard.forEach(say);\n" \
    "  } else if (m.error !== undefined) {\n" \
    "    unheard.length = 0;\n" \
    "    show('error', 0, '', m.error);\n" \
    "  } else if (!shown.has(m.id)) {\n" \
    "    shown.add(m.id);\n" \
    "    if (shown.size > 4 * keep) shown.delete(shown.values().next().value);\n" \
    "    if (m.event) show('event', m.time, m.name, m.event === 'join' ? 'comes in' : 'leaves');\n" \
    "    else show('text', m.time, m.name, m.text);\n" \
    "    const mine = m.name === nick.value ? unheard.indexOf(m.text) : -1;\n" \
    "    if (mine >= 0) unheard.splice(mine, 1);\n" \
    "  }\n" \
    "}\n" \
    "\n" \
    "function connect() {\n" \
    "  const s = new WebSocket(location.origin.replace(/^http/, 'ws') +\n" \
    "      location.pathname.replace(/\\/*$/, '/') + encodeURIComponent(room));\n" \
    "  socket = s;\n" \
    "  s.onopen = () => s.send(JSON.stringify({ hello: nick.value }));\n" \
    "  s.onmessage = (e) => { if (s === socket) hear(JSON.parse(e.data)); };\n" \
    "  s.onclose = () => {\n" \
    "    if (s !== socket) return;\n" \
    "    is('lost', 'connecting again');\n" \
    "    timer = setTimeout(connect, wait * (.5 + Math.random()));\n" \
    "    wait = Math.min(2 * wait, most);\n" \
    "  };\n" \
    "}\n" \
    "\n" \
    "function enter() {\n" \
    "  const s = socket;\n" \
    "  socket = null;\n" \
    "  if (s) s.close();\n" \
    "  clearTimeout(timer);\n" \
    "  try { room = decodeURIComponent(location.hash.slice(1)); } catch (e) { room = ''; }\n" \
    "  room = room || 'lobby';\n" \
    "  document.querySelector('h1').textContent = room;\n" \
    "  is('lost', 'connecting');\n" \
    "  connect();\n" \
    "}\n" \
    "\n" \
    "document.querySelector('form').onsubmit = (e) => {\n" \
    "  e.preventDefault();\n" \
    "  const words = text.value.trim();\n" \
    "  text.value = '';\n" \
    "  if (!words) return;\n" \
    "  unheard.push(words);\n" \
    "  if (document.body.dataset.state === 'live') say(words);\n" \
    "};\n" \
    "addEventListener('hashchange', () => {\n" \
    "  list.textContent = '';\n" \
    "  shown.clear();\n" \
    "  enter();\n" \
    "});\n" \
    "nick.value = 'guest' + (1000 + Math.floor(9000 * Math.random()));\n" \
    "nick.onchange = enter;\n" \
    "enter();\n"
#define SCRIPT_HASH "FcbBI3dqFDxdR7hmPeUx9IDdZZOgY7iyIDsmJ7YJ4bs="

const char page_text[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>Chat</title>\n"
    "<style>" STYLE "</style>\n"
    "<body>\n"
    "<header><h1></h1><small role=\"status\">connecting</small></header>\n"
    "<noscript><p>This page needs JavaScript.</noscript>\n"
    "<ol role=\"log\"></ol>\n"
    "<form><input id=\"name\" aria-label=\"your name\" maxlength=\"40\" "
    "autocomplete=\"nickname\"><input id=\"text\" aria-label=\"message\" "
    "autocomplete=\"off\" enterkeyhint=\"send\"><button>send</button></form>\n"
    "<script>" SCRIPT "</script>\n";

const char page_policy[] =
    "default-src 'none'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "style-src 'sha256-" STYLE_HASH "'; script-src 'sha256-" SCRIPT_HASH "'";
/* clang-format on */
