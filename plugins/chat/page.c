/* SPDX-License-Identifier: BSD-2-Clause */
/* page.c - see page.h.
 *
 * The room is what stands behind # in the address.  Its states:
 *
 *     lost   a connection is, or is to be, made: later each time, until one has
 *            lasted for five seconds
 *     live   it is in: what one says is sent, one at a time
 *     over   that another connection would end alike is known: the server has
 *            said so by its status or code, or the page knows its rules
 * (wire.h); the user changes something, or tries again
 *
 * What the room remembers is sent anew each time, so each message has an id by
 * which it is shown once.  What one says is said again unless it was heard: it
 * may have met the end of the connection on its way; it was refused; after a
 * few times it is back in its box.  What others say becomes text of the page,
 * never HTML.
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
    "header{display:flex;gap:.25rem 1rem;align-items:baseline;flex-wrap:wrap}" \
    "h1{font-size:1.25rem;margin:0;overflow-wrap:anywhere}" \
    "ol{list-style:none;margin:0;padding:0;flex:1;overflow-y:auto}" \
    "li{padding:.25rem 0;overflow-wrap:anywhere}" \
    "li.event{opacity:.75;font-style:italic}" \
    "li.error,#says,[data-state=over] small{color:#c22}" \
    "time{opacity:.75;font-size:.85rem;margin-right:.5rem}" \
    "form{display:flex;gap:.5rem}" \
    "input,button{font:inherit;padding:.5rem;min-width:0}" \
    "#name{width:9rem;padding:.25rem}" \
    "#text{flex:1}" \
    "#again{padding:.25rem .5rem}" \
    "#says{margin:0;overflow-wrap:anywhere}" \
    "#says:empty{display:none}" \
    "small{opacity:.75}" \
    "[data-state=over] small{opacity:1}" \
    "[data-state=lost] ol,[data-state=over] ol{opacity:.5}" \
    "@media (prefers-color-scheme:dark)" \
    "{li.error,#says,[data-state=over] small{color:#f77}}"
#define STYLE_HASH "x0m3ANsbeNzjzbaev0jvmXgl6TLpRMWgd3B9m4kJ4s8="

#define SCRIPT \
    "'use strict';\n" \
    "const list = document.querySelector('ol');\n" \
    "const nick = document.querySelector('#name');\n" \
    "const text = document.querySelector('#text');\n" \
    "const state = document.querySelector('small');\n" \
    "const again = document.querySelector('#again');\n" \
    "const says = document.querySelector('#says');\n" \
    "const nameMax = 40, roomMax = 64; /* bytes, as the server has them */\n" \
    "const hidden = /[\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\p{Cs}]/u;\n" \
    "const seen = /[^\\p{White_Space}\\p{Default_Ignorable_Code_Point}\\u2800]/u;\n" \
    "const shown = new Set(), keep = 500, unheard = [], mostUnheard = 50;\n" \
    "const least = 250, most = 15000, settled = 5000, gap = 250, patience = 10000, tries = 4, mostRefusals = 6;\n" \
    "let room = '', name = '', textMax = 8000, socket = null, flying = null;\n" \
    "let wait = least, timer = 0, settling = 0, pacing = 0, isSettled = false, turn = 0, refusals = 0;\n" \
    "\n" \
    "function is(what, words) {\n" \
    "  document.body.dataset.state = what;\n" \
    "  state.textContent = words;\n" \
    "  again.hidden = what !== 'over';\n" \
    "}\n" \
    "\n" \
    "function complain(words, field) {\n" \
    "  for (const f of [nick, text]) f.setAttribute('aria-invalid', f === field && words !== '');\n" \
    "  if (says.textContent !== words) says.textContent = words;\n" \
    "}\n" \
    "\n" \
    "function wrong(what, words, max) {\n" \
    "  const n = new TextEncoder().encode(words).length;\n" \
    "  if (n > max) return what + ' has ' + n + ' bytes: ' + max + ' is the most';\n" \
    "  if (hidden.test(words)) return what + ' has control characters';\n" \
    "  return seen.test(words) ? '' : what + ' has nothing to see';\n" \
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
    "/* What could not be said is the user's again. */\n" \
    "function giveBack(one) {\n" \
    "  const at = unheard.indexOf(one);\n" \
    "  if (at >= 0) unheard.splice(at, 1);\n" \
    "  if (text.value === '') text.value = one.words;\n" \
    "  else show('error', 0, '', 'not said: ' + one.words);\n" \
    "}\n" \
    "\n" \
    "function landed() {\n" \
    "  flying = null;\n" \
    "  clearTimeout(pacing);\n" \
    "}\n" \
    "\n" \
    "/* One at a time, so that an error is of it. */\n" \
    "function sayNext() {\n" \
    "  if (flying || !unheard.length || document.body.dataset.state !== 'live') return;\n" \
    "  if (socket.readyState !== 1) return;\n" \
    "  const one = unheard[0], why = wrong('the text', one.words, textMax);\n" \
    "  if (why) {\n" \
    "    giveBack(one);\n" \
    "    complain(why, text);\n" \
    "    sayNext();\n" \
    "    return;\n" \
    "  }\n" \
    "  flying = one;\n" \
    "  one.tries++;\n" \
    "  socket.send(JSON.stringify({ text: one.words }));\n" \
    "  pacing = setTimeout(() => failed('that was not told'), patience);\n" \
    "}\n" \
    "\n" \
    "function failed(why) {\n" \
    "  const one = flying;\n" \
    "  landed();\n" \
    "  complain(why, text);\n" \
    "  if (one.tries >= tries) giveBack(one);\n" \
    "  pacing = setTimeout(sayNext, 1000 * 2 ** one.tries);\n" \
    "}\n" \
    "\n" \
    "function hearText(m) {\n" \
    "  const mine = m.name === name ? unheard.findIndex((u) => u.words === m.text) : -1;\n" \
    "  show('text', m.time, m.name, m.text);\n" \
    "  if (mine < 0) return;\n" \
    "  if (unheard.splice(mine, 1)[0] !== flying) return;\n" \
    "  landed();\n" \
    "  complain('');\n" \
    "  pacing = setTimeout(sayNext, gap);\n" \
    "}\n" \
    "\n" \
    "function hearWelcome(m) {\n" \
    "  if (m.max) textMax = m.max;\n" \
    "  refusals = 0;\n" \
    "  settling = setTimeout(() => { isSettled = true; wait = least; }, settled);\n" \
    "  is('live', 'live');\n" \
    "  complain('');\n" \
    "  sayNext();\n" \
    "}\n" \
    "\n" \
    "function hear(m) {\n" \
    "  if (m.welcome !== undefined) {\n" \
    "    hearWelcome(m);\n" \
    "  } else if (m.error !== undefined) {\n" \
    "    if (flying) failed(m.error);\n" \
    "    else if (document.body.dataset.state === 'live') complain(m.error);\n" \
    "    else stop(m.error);\n" \
    "  } else if (!shown.has(m.id)) {\n" \
    "    shown.add(m.id);\n" \
    "    if (shown.size > 4 * keep) shown.delete(shown.values().next().value);\n" \
    "    if (m.event) show('event', m.time, m.name, m.event === 'join' ? 'comes in' : 'leaves');\n" \
    "    else hearText(m);\n" \
    "  }\n" \
    "}\n" \
    "\n" \
    "function hangUp() {\n" \
    "  const s = socket;\n" \
    "  socket = null;\n" \
    "  turn++;\n" \
    "  isSettled = false;\n" \
    "  landed();\n" \
    "  clearTimeout(settling);\n" \
    "  clearTimeout(timer);\n" \
    "  if (s) s.close();\n" \
    "}\n" \
    "\n" \
    "/* Until the user does something about it. */\n" \
    "function stop(words) {\n" \
    "  hangUp();\n" \
    "  is('over', words);\n" \
    "}\n" \
    "\n" \
    "function later(words) {\n" \
    "  is('lost', words);\n" \
    "  timer = setTimeout(connect, wait * (.5 + Math.random()));\n" \
    "  wait = Math.min(2 * wait, most);\n" \
    "}\n" \
    "\n" \
    "function address() {\n" \
    "  return location.origin + location.pathname.replace(/\\/*$/, '/') + encodeURIComponent(room);\n" \
    "}\n" \
    "\n" \
    "/* It was there. What the same words bring about again is not tried again. */\n" \
    "function closed(code, reason) {\n" \
    "  const last = flying, wasSettled = isSettled;\n" \
    "  const isFinal = [1002, 1003, 1007, 1009, 1010].includes(code) || code >= 4000 ||\n" \
    "      (code === 1008 && !wasSettled);\n" \
    "  hangUp();\n" \
    "  if (last && (isFinal || last.tries >= tries)) giveBack(last);\n" \
    "  if (isFinal) is('over', 'the server has closed this: ' + (reason || code));\n" \
    "  else later('connecting again');\n" \
    "}\n" \
    "\n" \
    "/* It was never there, and a WebSocket does not say why. */\n" \
    "async function refused() {\n" \
    "  const mine = ++turn;\n" \
    "  let status = 0, words = '';\n" \
    "  try {\n" \
    "    const a = await fetch(address(), { cache: 'no-store', signal: AbortSignal.timeout(patience) });\n" \
    "    status = a.status;\n" \
    "    if (/^text\\/plain/.test(a.headers.get('Content-Type'))) words = (await a.text()).slice(0, 200).trim();\n" \
    "  } catch (e) {}\n" \
    "  if (mine !== turn) return;\n" \
    "  words = words || 'status ' + status;\n" \
    "  /* HTTP/2 has no 426. */\n" \
    "  const isThere = status === 426 || (status === 400 && words === '400 this is a WebSocket');\n" \
    "  if (isThere && ++refusals >= mostRefusals) stop('the WebSocket is refused: by a proxy, or as another origin');\n" \
    "  else if (status === 0 || isThere) later('connecting again');\n" \
    "  else if (status === 408 || status === 429 || status >= 500) later(words + '; trying again');\n" \
    "  else stop(words);\n" \
    "}\n" \
    "\n" \
    "function connect() {\n" \
    "  const s = new WebSocket(address().replace(/^http/, 'ws'));\n" \
    "  let isOpen = false;\n" \
    "  socket = s;\n" \
    "  s.onopen = () => {\n" \
    "    isOpen = true;\n" \
    "    s.send(JSON.stringify({ hello: name }));\n" \
    "  };\n" \
    "  s.onmessage = (e) => { if (s === socket) hear(JSON.parse(e.data)); };\n" \
    "  s.onclose = (e) => {\n" \
    "    if (s !== socket) return;\n" \
    "    if (isOpen) closed(e.code, e.reason);\n" \
    "    else refused();\n" \
    "  };\n" \
    "}\n" \
    "\n" \
    "function readRoom() {\n" \
    "  let named = '';\n" \
    "  try { named = decodeURIComponent(location.hash.slice(1)); } catch (e) { named = '\\ud800'; }\n" \
    "  room = named || 'lobby';\n" \
    "  document.querySelector('h1').textContent = room;\n" \
    "  if (/^\\.\\.?$|\\/|%2F/.test(room)) return 'a room is not called that';\n" \
    "  return wrong('the name of the room', room, roomMax);\n" \
    "}\n" \
    "\n" \
    "function enter() {\n" \
    "  const noRoom = readRoom();\n" \
    "  name = nick.value.trim();\n" \
    "  const noName = wrong('your name', name, nameMax);\n" \
    "  hangUp();\n" \
    "  refusals = 0;\n" \
    "  wait = least;\n" \
    "  complain(noName, nick);\n" \
    "  if (noRoom || noName) {\n" \
    "    stop(noRoom || noName);\n" \
    "    return;\n" \
    "  }\n" \
    "  is('lost', 'connecting');\n" \
    "  connect();\n" \
    "}\n" \
    "\n" \
    "text.oninput = () => {\n" \
    "  const why = wrong('the text', text.value.trim() || 'x', textMax);\n" \
    "  complain(why, text);\n" \
    "};\n" \
    "document.querySelector('form').onsubmit = (e) => {\n" \
    "  e.preventDefault();\n" \
    "  const words = text.value.replace(/\\t/g, ' ').trim();\n" \
    "  const what = document.body.dataset.state;\n" \
    "  if (!words) return;\n" \
    "  const why = wrong('the text', words, textMax) ||\n" \
    "      (what === 'over' ? 'not connected: ' + state.textContent : '') ||\n" \
    "      (unheard.length >= mostUnheard ? 'too much waits to be said' : '');\n" \
    "  complain(why, text);\n" \
    "  if (why) return;\n" \
    "  text.value = '';\n" \
    "  unheard.push({ words, tries: 0 });\n" \
    "  if (what !== 'live') complain('that is said when the connection is there again');\n" \
    "  sayNext();\n" \
    "};\n" \
    "addEventListener('hashchange', () => {\n" \
    "  list.textContent = '';\n" \
    "  shown.clear();\n" \
    "  [...unheard].forEach(giveBack);\n" \
    "  enter();\n" \
    "});\n" \
    "nick.value = 'guest' + (1000 + Math.floor(9000 * Math.random()));\n" \
    "nick.onchange = enter;\n" \
    "again.onclick = enter;\n" \
    "enter();\n"
#define SCRIPT_HASH "Y3xEC+vhYii91psfRJs/JsUft5e6R0g6Q/qy1/iEQNQ="

const char page_text[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>Chat</title>\n"
    "<style>" STYLE "</style>\n"
    "<body>\n"
    "<header><h1></h1><label>you are <input id=\"name\" "
    "autocomplete=\"nickname\"></label><small role=\"status\">connecting"
    "</small><button id=\"again\" type=\"button\" hidden>try again</button>"
    "</header>\n"
    "<noscript><p>This page needs JavaScript.</noscript>\n"
    "<ol role=\"log\" tabindex=\"0\" aria-label=\"what was said\"></ol>\n"
    "<form><input id=\"text\" aria-label=\"message\" placeholder=\"message\" "
    "aria-describedby=\"says\" autocomplete=\"off\" enterkeyhint=\"send\">"
    "<button>send</button></form>\n"
    "<p id=\"says\" role=\"alert\"></p>\n"
    "<script>" SCRIPT "</script>\n";

const char page_policy[] =
    "default-src 'none'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "style-src 'sha256-" STYLE_HASH "'; script-src 'sha256-" SCRIPT_HASH "'";
/* clang-format on */
