/* SPDX-License-Identifier: BSD-2-Clause */
/* estimate.h - the median of what was measured and how far it can be trusted:
 * its bootstrap 95 % interval.  The random numbers are the same in each run. */
#ifndef T_BENCH_ESTIMATE_H
#define T_BENCH_ESTIMATE_H

#include <stdint.h>
#include <stdlib.h>

#define ESTIMATE_MAX 512
#define ESTIMATE_RESAMPLES 4000
#define ESTIMATE_SLACK 0.03 /* by which an upper end may miss a ratio */

struct estimate {
    double median, low, high;
    int n;
};

static inline int
estimate_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of v, which is sorted; 0 of none. */
static inline double
estimate_median(double *v, int n)
{
    if (n == 0)
        return 0;
    qsort(v, (size_t)n, sizeof *v, estimate_order);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* xorshift64*: below n. */
static inline int
estimate_any_below(uint64_t *state, int n)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (int)((*state * 0x2545f4914f6cdd1du >> 33) % (uint64_t)n);
}

/* v is sorted; at most ESTIMATE_MAX. */
static inline struct estimate
estimate_of(double *v, int n)
{
    static double medians[ESTIMATE_RESAMPLES];
    struct estimate e = {.n = n};
    double sample[ESTIMATE_MAX];
    uint64_t state = 20260101;

    e.median = estimate_median(v, n);
    if (n == 0)
        return e;
    for (int i = 0; i < ESTIMATE_RESAMPLES; i++) {
        for (int k = 0; k < n; k++)
            sample[k] = v[estimate_any_below(&state, n)];
        medians[i] = estimate_median(sample, n);
    }
    qsort(medians, ESTIMATE_RESAMPLES, sizeof medians[0], estimate_order);
    e.low = medians[ESTIMATE_RESAMPLES * 25 / 1000];
    e.high = medians[ESTIMATE_RESAMPLES - 1 - ESTIMATE_RESAMPLES * 25 / 1000];
    return e;
}

#endif
