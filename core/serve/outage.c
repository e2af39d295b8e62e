/* SPDX-License-Identifier: BSD-2-Clause */
/* outage.c - see outage.h. */
#include "serve/outage.h"

#include "base/str.h"
#include "conf/bundle_outage.h"
#include "conf/conf.h"
#include "serve/builder.h"
#include "serve/sections.h"

int
outage_note(const struct conf *conf, const char *section, const char *why,
            int is_loadable)
{
    const struct conf_plugin *p = conf_find_plugin(conf, str_from_z(section));

    return p && !p->required &&
           bundle_outage_note(conf->bundle, section, why, is_loadable) == 0;
}

int
outage_apply(struct builder *b, struct section *s)
{
    const struct bundle_outage *o =
        bundle_outage_find(b->conf->bundle, s->conf->name.p);

    if (!o)
        return 1;
    if (!s->out)
        diag_warn(b->diag, NULL,
                  "%s; plugin %s is left out (required = no): what needs it "
                  "answers 503",
                  o->why, s->conf->name.p);
    s->out = o->why;
    return o->is_loadable;
}

static const char *
first_error(const struct diag *d)
{
    const struct diag_item *i = d->first;

    while (i && i->kind != DIAG_ERROR)
        i = i->next;
    return i ? i->text : "out of memory";
}

int
outage_bear(struct builder *b, struct section *s, struct diag *found,
            int is_loadable)
{
    int is_out =
        found->n_errors > 0 &&
        outage_note(b->conf, s->conf->name.p, first_error(found), is_loadable);

    if (is_out)
        (void)outage_apply(b, s);
    else
        diag_merge(b->diag, found);
    diag_fini(found);
    return is_out;
}
