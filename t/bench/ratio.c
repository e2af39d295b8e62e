/* SPDX-License-Identifier: BSD-2-Clause */
/* ratio.c - the figures of one scenario of make bench, from the lines that
 * burst.c printed.
 *
 *     ratio SCENARIO BASE[,BASE...] TARGETS [CLAIM...] <lines
 *
 * prints a markdown table: for each server the medians, and its CPU per request
 * as a ratio to each BASE in the same round (median and bootstrap 95 %
 * interval).  A CLAIM is NAME/BASE=TARGET=TEXT about that ratio, or
 * NAME-BASE/N=TARGET=TEXT about the nanoseconds by which a request costs more
 * at NAME, divided by N; the outcome of each is appended to the file TARGETS as
 * a row "TEXT | target | measured | interval | met".  A target is met when the
 * interval's upper end is <= target + 0.03 (for nanoseconds: <= target). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "t/bench/estimate.h"

#define MAX_NAMES 16
#define MAX_ROUNDS ESTIMATE_MAX

enum { REQUESTS, WALL, SERVER, CLIENT, OTHERS, ERRORS, FIGURES };

struct series {
    char name[64];
    double v[MAX_ROUNDS][FIGURES]; /* by round; 0 requests: none */
};

static struct series all[MAX_NAMES];
static int n_names, n_rounds;

/* ---- the series ----------------------------------------------------------*/

static struct series *
find(const char *name, size_t len)
{
    for (int i = 0; i < n_names; i++)
        if (strlen(all[i].name) == len && !memcmp(all[i].name, name, len))
            return &all[i];
    return NULL;
}

static void
read_lines(const char *scenario)
{
    char line[512], of[64], name[64];
    double v[FIGURES];
    int round;

    while (fgets(line, sizeof line, stdin)) {
        struct series *s;
        if (sscanf(line, "%63s %63s %d %lf %lf %lf %lf %lf %lf", of, name,
                   &round, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 9)
            continue;
        if (strcmp(of, scenario) != 0 || round < 0 || round >= MAX_ROUNDS)
            continue;
        s = find(name, strlen(name));
        if (!s) {
            CHECK(n_names < MAX_NAMES);
            s = &all[n_names++];
            memcpy(s->name, name, sizeof name);
        }
        memcpy(s->v[round], v, sizeof v);
        n_rounds = round >= n_rounds ? round + 1 : n_rounds;
    }
}

/* CPU nanoseconds of a request. */
static double
cost(const struct series *s, int round)
{
    return s->v[round][SERVER] / s->v[round][REQUESTS];
}

static int
has(const struct series *s, int round)
{
    return s->v[round][REQUESTS] > 0;
}

static struct estimate
compare(const struct series *s, const struct series *base, double divisor)
{
    double v[MAX_ROUNDS];
    int n = 0;

    for (int i = 0; i < n_rounds; i++) {
        if (!has(s, i) || !has(base, i))
            continue;
        v[n++] = divisor > 0 ? (cost(s, i) - cost(base, i)) / divisor
                             : cost(s, i) / cost(base, i);
    }
    return estimate_of(v, n);
}

/* The median over all rounds of figure a divided by figure b. */
static double
middle(const struct series *s, int a, int b)
{
    double v[MAX_ROUNDS];
    int n = 0;

    for (int i = 0; i < n_rounds; i++)
        if (has(s, i))
            v[n++] = s->v[i][a] / s->v[i][b];
    return estimate_median(v, n);
}

static double
sum_of(const struct series *s, int figure)
{
    double sum = 0;

    for (int i = 0; i < n_rounds; i++)
        sum += s->v[i][figure];
    return sum;
}

/* ---- output --------------------------------------------------------------*/

static void
print_head(char *const *bases, int n)
{
    printf("| server | req/s | CPU us/req |");
    for (int i = 0; i < n; i++)
        printf(" CPU vs %s [95 %%] |", bases[i]);
    printf(" server / client / others CPU %% | errors |\n|---|--:|--:|");
    for (int i = 0; i < n; i++)
        printf("--:|");
    printf("--:|--:|\n");
}

static void
print_row(const struct series *s, char *const *bases, int n)
{
    printf("| %s | %.0f | %.2f |", s->name, middle(s, REQUESTS, WALL) * 1e9,
           middle(s, SERVER, REQUESTS) / 1e3);
    for (int i = 0; i < n; i++) {
        const struct series *base = find(bases[i], strlen(bases[i]));
        struct estimate e = {0};
        if (base == s)
            printf(" 1 |");
        else if (base && (e = compare(s, base, 0)).n > 0)
            printf(" %.2f [%.2f-%.2f] |", e.median, e.low, e.high);
        else
            printf(" - |");
    }
    printf(" %.0f / %.0f / %.0f | %.0f |\n", 100 * middle(s, SERVER, WALL),
           100 * middle(s, CLIENT, WALL), 100 * middle(s, OTHERS, WALL),
           sum_of(s, ERRORS));
}

/* NAME/BASE=TARGET=TEXT or NAME-BASE/N=TARGET=TEXT: neither name has '/', and
 * no BASE has '-' in front of a name (names use '_'). */
static void
judge(const char *claim, FILE *out)
{
    size_t name_len = strcspn(claim, "/-"), base_len;
    const char *base = claim + name_len + 1, *rest;
    double target, divisor = 0;
    const struct series *s, *b;
    struct estimate e;

    base_len = strcspn(base, "/=");
    rest = base + base_len;
    if (*rest == '/')
        divisor = strtod(rest + 1, (char **)&rest);
    CHECK(*rest == '=');
    target = strtod(rest + 1, (char **)&rest);
    CHECK(*rest == '=');
    s = find(claim, name_len);
    b = find(base, base_len);
    if (!s || !b || (e = compare(s, b, divisor)).n == 0)
        return;
    fprintf(out, "%s | %g%s | %.2f | %.2f-%.2f | %s\n", rest + 1, target,
            divisor > 0 ? " ns" : "", e.median, e.low, e.high,
            e.high <= target + (divisor > 0 ? 0 : ESTIMATE_SLACK) ? "yes"
                                                                  : "no");
}

static int
split(char *list, char **items, int max)
{
    int n = 0;

    for (char *at = strtok(list, ","); at && n < max; at = strtok(NULL, ","))
        items[n++] = at;
    return n;
}

int
main(int argc, char **argv)
{
    char *bases[MAX_NAMES];
    FILE *targets;
    int n_bases;

    if (argc < 4) {
        fprintf(stderr, "usage: %s SCENARIO BASES TARGETS [CLAIM...]\n",
                argv[0]);
        return 2;
    }
    n_bases = split(argv[2], bases, MAX_NAMES);
    targets = fopen(argv[3], "ae");
    if (!targets) {
        perror(argv[3]);
        return 1;
    }
    read_lines(argv[1]);
    print_head(bases, n_bases);
    for (int i = 0; i < n_names; i++)
        print_row(&all[i], bases, n_bases);
    for (int i = 4; i < argc; i++)
        judge(argv[i], targets);
    return fclose(targets) == 0 ? 0 : 1;
}
