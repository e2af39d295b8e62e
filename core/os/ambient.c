/* SPDX-License-Identifier: BSD-2-Clause */
/* ambient.c - see ambient.h. */
#include "os/ambient.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the floating point unit ---------------------------------------------*/

/* Of MXCSR: which exceptions there were, as each operation may leave it. */
#define MXCSR_FLAGS 0x3fu

static void
take_float(uint32_t *mxcsr, uint16_t *x87)
{
    *mxcsr = 0;
    *x87 = 0;
#ifdef __x86_64__
    __asm__ volatile("stmxcsr %0" : "=m"(*mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(*x87));
    *mxcsr &= ~MXCSR_FLAGS;
#endif
}

static void
put_float(const struct ambient *a)
{
#ifdef __x86_64__
    __asm__ volatile("ldmxcsr %0" : : "m"(a->mxcsr));
    __asm__ volatile("fldcw %0" : : "m"(a->x87));
#else
    (void)a;
#endif
}

/* ---- noting --------------------------------------------------------------*/

/* To read it is to set it; another thread's file is rather of too strict a
 * mode than of too lax a one. */
static mode_t
read_umask(void)
{
    mode_t now = umask(077);

    umask(now);
    return now;
}

static void
read_folder(char out[PATH_MAX])
{
    if (!getcwd(out, PATH_MAX))
        out[0] = '\0';
}

static void
read_locale(char out[AMBIENT_LOCALE_MAX])
{
    const char *now = setlocale(LC_ALL, NULL);
    size_t n = now ? strlen(now) : 0;

    if (n >= AMBIENT_LOCALE_MAX)
        n = 0;
    if (n > 0)
        memcpy(out, now, n);
    out[n] = '\0';
}

void
ambient_take(struct ambient *a, int is_whole)
{
    pthread_sigmask(SIG_BLOCK, NULL, &a->mask);
    take_float(&a->mxcsr, &a->x87);
    a->is_whole = is_whole;
    if (!is_whole)
        return;
    a->umask = read_umask();
    read_folder(a->folder);
    read_locale(a->locale);
}

/* ---- putting back --------------------------------------------------------*/

/* What differed. */
struct words {
    char *out;
    size_t cap, n;
    int count;
};

static void
add(struct words *w, const char *what)
{
    int n = snprintf(w->out + w->n, w->cap - w->n, "%s%s",
                     w->count > 0 ? ", " : "", what);

    w->count++;
    w->n += n < 0 ? 0 : (size_t)n;
    if (w->n >= w->cap)
        w->n = w->cap - 1;
}

static int
is_same_mask(const sigset_t *a, const sigset_t *b)
{
    for (int n = 1; n < NSIG; n++) {
        if (sigismember(a, n) != sigismember(b, n))
            return 0;
    }
    return 1;
}

static void
restore_thread(const struct ambient *a, struct words *w)
{
    uint32_t mxcsr;
    uint16_t x87;
    sigset_t mask;

    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    if (!is_same_mask(&a->mask, &mask)) {
        pthread_sigmask(SIG_SETMASK, &a->mask, NULL);
        add(w, "its thread's signal mask");
    }
    take_float(&mxcsr, &x87);
    if (mxcsr != a->mxcsr || x87 != a->x87) {
        put_float(a);
        add(w, "how its thread rounds and traps (MXCSR, x87)");
    }
}

static void
restore_folder(const struct ambient *a, struct words *w)
{
    char now[PATH_MAX];

    read_folder(now);
    if (!a->folder[0] || strcmp(now, a->folder) == 0)
        return;
    add(w, chdir(a->folder) == 0 ? "the working folder"
                                 : "the working folder (there is no way back)");
}

static void
restore_locale(const struct ambient *a, struct words *w)
{
    char now[AMBIENT_LOCALE_MAX];

    read_locale(now);
    if (!a->locale[0] || strcmp(now, a->locale) == 0)
        return;
    add(w, setlocale(LC_ALL, a->locale) ? "the locale"
                                        : "the locale (there is no way back)");
}

int
ambient_restore(const struct ambient *a, char *out, size_t cap)
{
    struct words w = {.out = out, .cap = cap};

    out[0] = '\0';
    restore_thread(a, &w);
    if (!a->is_whole)
        return w.count;
    if (umask(a->umask) != a->umask)
        add(&w, "the umask");
    restore_folder(a, &w);
    restore_locale(a, &w);
    return w.count;
}
