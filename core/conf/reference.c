/* SPDX-License-Identifier: BSD-2-Clause */
/* reference.c - see reference.h. */
#include "conf/reference.h"

#include "conf/describe.h"
#include "conf/directive.h"

static const char head[] =
    "<!-- SPDX-License-Identifier: BSD-2-Clause -->\n"
    "# Configuration reference\n"
    "\n"
    "<!-- Printed from core/conf/directive.c and held equal to it by a test: "
    "edit the table, not this file. -->\n"
    "\n"
    "Etude reads one ini file and what it includes. Without `-c` it is "
    "`$ETUDE_CONF`, else\n"
    "`conf/etude.ini` of the source tree the program was built and stands in, "
    "else\n"
    "`etude/etude.ini` in the system's configuration folder. `etude -t` checks "
    "it: every\n"
    "error is reported, with file, line, section and key; nothing is applied "
    "by halves. Of\n"
    "a plugin's section that no route uses the options are checked, and a "
    "warning says that\n"
    "it is not opened: what only that would show, a folder that is not there, "
    "say, is not known.\n"
    "\n"
    "```ini\n"
    "[server]\n"
    "listen  = 127.0.0.1:8080\n"
    "include = conf.d/*.ini\n"
    "\n"
    "[plugin limit]                  ; an instance named limit of "
    "modules/ratelimit.so\n"
    "module = ratelimit\n"
    "rate   = 100/s\n"
    "\n"
    "[plugin users]                  ; the routes it declares are served by "
    "this alone\n"
    "\n"
    "[route list]\n"
    "match      = GET /members       ; GET,POST /path, or * /path for any "
    "method\n"
    "use        = limit              ; outermost first\n"
    "handler    = users:list         ; a route the plugin declares; or an "
    "instance\n"
    "limit.rate = 10/s               ; this route's own value of one option\n"
    "```\n"
    "\n"
    "## The language\n"
    "\n"
    "* `[section name]`, `key = value`; `;` and `#` begin a comment, at the "
    "start of a line or\n"
    "  behind a blank. Indentation means nothing and `:` never ends a key.\n"
    "* Double quotes around a value keep `;`, `#` and blanks at its edges; "
    "inside them `\\\"` and\n"
    "  `\\\\` stand for `\"` and `\\`. A pair of quotes further in stays as it "
    "is and protects\n"
    "  what it encloses.\n"
    "* A backslash at the end of a line goes on with the next one, without its "
    "indentation.\n"
    "  A value has at most 8192 bytes, a key or section header 128.\n"
    "* Text is UTF-8. Control bytes are errors, and so is a key outside a "
    "section.\n"
    "* A section stands once, except `[server]`: once in each file. A key "
    "stands once, unless\n"
    "  the table says *repeats*. Names of sections are letters, digits, `-` "
    "and `_`.\n"
    "* Relative paths start from the folder of the file they stand in.\n"
    "* An ini file, and that of a `${file:...}`, is a file: a FIFO, a socket "
    "or a device (a\n"
    "  terminal, a pipe at `/dev/stdin`) is an error. `/dev/null` is an empty "
    "one.\n"
    "* Sizes: `4096`, `64k`, `1m`, `2g`, `1KiB`, all base 1024. Times: "
    "`250ms`, `10s`, `5m`,\n"
    "  `2h`, `1d`; only 0 goes without a unit. Rates: `100/s`, `6000/m`, "
    "`1000/h`.\n"
    "\n"
    "## Values from elsewhere\n"
    "\n"
    "| written | stands for |\n"
    "|---|---|\n"
    "| `${NAME}` | the environment variable; not set is an error |\n"
    "| `${NAME:-default}` | the default if it is not set or empty |\n"
    "| `${file:/run/secrets/key}` | the file's content, one newline at its "
    "end cut; read again at each reload, never printed; `$NAME` works in the "
    "path |\n"
    "| `$${` | the two bytes `${` |\n"
    "\n"
    "`ETUDE_ENV=production` reads `etude.production.ini` beside "
    "`etude.ini`: a key there takes\n"
    "the place of all values the key has in the same section. `ETUDE_MAX_BODY` "
    "takes the place\n"
    "of `max_body` of `[server]`, and so for every key of that section; an "
    "empty variable is as\n"
    "none, and one that names no key is ignored.\n"
    "\n"
    "## What a reload changes\n"
    "\n"
    "*live*: everything, from the next request or connection on. *listener*: "
    "a new listener takes\n"
    "the old one's place. *process*: nothing; a reload that changes it is "
    "carried out by another server process, which takes the\n"
    "connections over (without a supervisor: as *restart*). *restart*: "
    "nothing;\n"
    "a reload that changes it is refused.\n"
    "\n"
    "## What is no setting\n"
    "\n"
    "The line in front of a chunk has at most 4096 bytes, and chunk "
    "extensions may not exceed\n"
    "the data they come with by more than 16 KiB: beyond it 400.\n"
    "\n"
    "A request target is what RFC 3986 allows and, beyond it, what browsers "
    "send: `[ ] | ^` in a\n"
    "path, those and `{ } \\`, the backtick and a lone `%` in a query. Other "
    "bytes are 400\n"
    "([why](../core/decisions/0005-bytes-in-targets.md)).\n";

/* A cell: '|' would end it. */
static void
print_cell(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', f);
        fputc(*text, f);
    }
}

static void
print_default(FILE *f, const struct directive *row)
{
    if (row->is_required)
        fputs("required", f);
    else if (row->example)
        print_cell(f, row->example);
    else if (row->dflt)
        fprintf(f, "`%s`", row->dflt);
    else
        fputs("none", f);
}

static void
print_row(FILE *f, const struct directive *row)
{
    static const char *const reloads[] = {[DIRECTIVE_LIVE] = "live",
                                          [DIRECTIVE_LISTENER] = "listener",
                                          [DIRECTIVE_PROCESS] = "process",
                                          [DIRECTIVE_RESTART] = "restart"};
    char text[400];

    describe_spec(&row->spec, text, sizeof(text));
    fprintf(f, "| `%s` | ", row->name);
    print_cell(f, text);
    fprintf(f, "%s | ", row->may_repeat ? "; *repeats*" : "");
    print_default(f, row);
    fprintf(f, " | %s | ", reloads[row->reload]);
    print_cell(f, row->help);
    fputs(" |\n", f);
}

static void
print_options(FILE *f, enum directive_kind kind)
{
    if (kind == DIRECTIVE_PLUGIN)
        fputs("\nAll other keys are the plugin's own options; its README lists "
              "them.\n",
              f);
    else if (directive_sections[kind].has_options)
        fputs("\n`INSTANCE.option = value` sets one option of one instance "
              "here only. A value comes\nfrom the route, else the innermost "
              "scope, else outer scopes, else `[plugin INSTANCE]`,\nelse the "
              "plugin's default; a list set lower replaces the upper one "
              "whole.\n",
              f);
}

void
reference_print(FILE *f)
{
    const struct directive_section *s;
    size_t kind, i;

    fputs(head, f);
    for (kind = 0; kind < DIRECTIVE_KINDS; kind++) {
        s = &directive_sections[kind];
        fprintf(f, "\n## [%s%s]\n\n%s\n\n", s->kind, s->is_named ? " NAME" : "",
                s->help);
        fputs("| key | takes | default | reload | |\n"
              "|---|---|---|---|---|\n",
              f);
        for (i = 0; i < s->n; i++)
            print_row(f, &s->rows[i]);
        print_options(f, (enum directive_kind)kind);
    }
}
