/* SPDX-License-Identifier: BSD-2-Clause */
/* page.c - see page.h.
 *
 * Each file goes by a PUT to the page's own path, one after the other, so that
 * a phone's line is shared by nobody.  XMLHttpRequest and not fetch, which does
 * not tell how far an upload has come.  What the server answers becomes text of
 * the page, never HTML. */
#include "page.h"

#include <openssl/evp.h>

#include "digest.h"

/* clang-format off */
static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;"
    "margin:0 auto;padding:1rem}"
    "label{display:block;padding:2.5rem 1rem;text-align:center;"
    "border:2px dashed #8888;border-radius:.75rem;cursor:pointer}"
    "label:hover,label.over,label:focus-within"
    "{border-color:Highlight;background:#8882}"
    "input{display:block;margin:1rem auto 0;max-width:100%}"
    "ul{list-style:none;padding:0}"
    "li{padding:.75rem 0;border-bottom:1px solid #8884;"
    "overflow-wrap:anywhere}"
    "progress{width:100%;height:.5rem}"
    "button{font:inherit;float:right;margin-left:1rem}"
    "code{font-size:.85rem}"
    "small{opacity:.75}"
    "[data-state=failed] output{color:#c22}"
    "@media (prefers-color-scheme:dark)"
    "{[data-state=failed] output{color:#f77}}";

static const char script[] =
    "'use strict';\n"
    "const input = document.querySelector('input');\n"
    "const zone = document.querySelector('label');\n"
    "const list = document.querySelector('ul');\n"
    "let last = Promise.resolve();\n"
    "\n"
    "function make(parent, name, text) {\n"
    "  const e = parent.appendChild(document.createElement(name));\n"
    "  if (text) e.textContent = text;\n"
    "  return e;\n"
    "}\n"
    "\n"
    "function send(file, row) {\n"
    "  return new Promise((done) => {\n"
    "    const x = new XMLHttpRequest();\n"
    "    const end = (state, text) => {\n"
    "      if (document.activeElement === row.stop) input.focus();\n"
    "      row.bar.remove();\n"
    "      row.stop.remove();\n"
    "      if (state === 'done') make(row.says, 'code', text);\n"
    "      else row.says.textContent = text;\n"
    "      row.item.dataset.state = state;\n"
    "      done();\n"
    "    };\n"
    "    row.stop.onclick = () => x.abort();\n"
    "    x.upload.onprogress = (e) => {\n"
    "      if (e.lengthComputable) row.bar.value = e.loaded / (e.total || 1);\n"
    "    };\n"
    "    x.onload = () => {\n"
    "      let a = null;\n"
    "      try { a = JSON.parse(x.responseText); } catch (e) {}\n"
    "      if (x.status < 300 && a) end('done', a.sha256);\n"
    "      else end('failed', x.responseText.trim() || 'status ' + x.status);\n"
    "    };\n"
    "    x.onerror = () => end('failed', 'the connection was lost');\n"
    "    x.onabort = () => end('failed', 'stopped');\n"
    "    row.item.dataset.state = 'sending';\n"
    "    x.open('PUT', location.pathname);\n"
    "    x.setRequestHeader('Accept', 'application/json, text/plain');\n"
    "    x.setRequestHeader('Content-Type', 'application/octet-stream');\n"
    "    x.send(file);\n"
    "  });\n"
    "}\n"
    "\n"
    "function upload(file) {\n"
    "  const row = { item: document.createElement('li') };\n"
    "  row.stop = make(row.item, 'button', 'stop');\n"
    "  row.stop.setAttribute('aria-label', 'stop ' + file.name);\n"
    "  make(row.item, 'b', file.name);\n"
    "  make(row.item, 'small', ' ' + file.size.toLocaleString() + ' bytes');\n"
    "  row.bar = make(row.item, 'progress');\n"
    "  row.bar.setAttribute('aria-label', file.name);\n"
    "  row.bar.value = 0;\n"
    "  row.says = make(make(row.item, 'div'), 'output');\n"
    "  row.item.dataset.state = 'waiting';\n"
    "  let stopped = false;\n"
    "  row.stop.onclick = () => { stopped = true; row.item.remove(); };\n"
    "  list.prepend(row.item);\n"
    "  last = last.then(() => stopped || send(file, row));\n"
    "}\n"
    "\n"
    "input.onchange = () => {\n"
    "  for (const file of input.files) upload(file);\n"
    "  input.value = '';\n"
    "};\n"
    "for (const name of ['dragover', 'dragleave', 'drop'])\n"
    "  document.addEventListener(name, (e) => {\n"
    "    e.preventDefault();\n"
    "    zone.classList.toggle('over', name === 'dragover');\n"
    "    if (name === 'drop')\n"
    "      for (const file of e.dataTransfer.files) upload(file);\n"
    "  });\n";

static const char frame[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>Upload</title>\n"
    "<style>%s</style>\n"
    "<h1>Upload</h1>\n"
    "<noscript><p>This page needs JavaScript. Without it: <code>curl -T FILE"
    "</code> and the address of this page.</noscript>\n"
    "<label>Drop files here, or choose them"
    "<input type=\"file\" multiple></label>\n"
    "<ul aria-live=\"polite\"></ul>\n"
    "<script>%s</script>\n";

static const char rules[] =
    "default-src 'none'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "style-src 'sha256-%s'; script-src 'sha256-%s'";
/* clang-format on */

/* As a policy names it. */
static int
name_hash(const char *text, char name[DIGEST_BASE64 + 1])
{
    unsigned char sha256[DIGEST_BYTES];
    if (!EVP_Digest(text, strlen(text), sha256, NULL, EVP_sha256(), NULL))
        return 0;
    digest_to_base64(sha256, name);
    return 1;
}

int32_t
page_make(struct page *p)
{
    char styled[DIGEST_BASE64 + 1], scripted[DIGEST_BASE64 + 1];
    int n;
    if (!name_hash(style, styled) || !name_hash(script, scripted))
        return ET_ENOMEM;
    n = snprintf(p->policy, sizeof p->policy, rules, styled, scripted);
    if (n < 0 || (size_t)n >= sizeof p->policy)
        return ET_ENOMEM;
    n = snprintf(p->text, sizeof p->text, frame, style, script);
    if (n < 0 || (size_t)n >= sizeof p->text)
        return ET_ENOMEM;
    p->n = (size_t)n;
    return 0;
}
