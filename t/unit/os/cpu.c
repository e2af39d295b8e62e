/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.c - how many workers, and whether they are pinned. */
#include "os/cpu.h"

#include <sched.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static char why[100];

START_TEST(workers_are_what_mask_and_quota_allow)
{
    static const struct {
        struct cpu_facts f;
        uint32_t n;
        const char *why;
    } rows[] = {
        {{.n_online = 8, .n_allowed = 2}, 2, "2 of 8 CPUs allowed"},
        {{.n_online = 8, .n_allowed = 8, .cgroup.cpu_milli = 1500},
         2,
         "cgroup quota of 1.5 CPUs"},
        {{.n_online = 8, .n_allowed = 8, .cgroup.cpu_milli = 100},
         1,
         "cgroup quota of 0.1 CPUs"},
        {{.n_online = 8, .n_allowed = 8, .cgroup.cpu_milli = 3000},
         3,
         "cgroup quota of 3.0 CPUs"},
        {{.n_online = 8, .n_allowed = 4, .cgroup.cpu_milli = 6000},
         4,
         "4 of 8 CPUs allowed"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_uint_eq(cpu_workers(&rows[i].f, why, sizeof why), rows[i].n);
        ck_assert_str_eq(why, rows[i].why);
    }
}
END_TEST

START_TEST(pinning_needs_cpus_of_our_own)
{
    static const struct {
        struct cpu_facts f;
        int pins;
        const char *why;
    } rows[] = {
        {{.n_online = 4, .n_allowed = 4}, 1, "the whole machine is ours"},
        {{.n_online = 4, .n_allowed = 2},
         0,
         "the affinity mask is a part of the machine"},
        {{.n_online = 4, .n_allowed = 4, .is_container = 1},
         0,
         "in a container, CPUs may be shared"},
        {{.n_online = 4, .n_allowed = 4, .cgroup.cpu_milli = 4000},
         0,
         "a cgroup CPU quota is set"},
        {{.n_online = 4,
          .n_allowed = 2,
          .is_container = 1,
          .cgroup.is_exclusive = 1},
         1,
         "the cpuset is exclusive"},
        {{.n_online = 4,
          .n_allowed = 2,
          .cgroup = {.is_exclusive = 1, .cpu_milli = 1}},
         0,
         "a cgroup CPU quota is set"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(cpu_should_pin(&rows[i].f, why, sizeof why),
                         rows[i].pins);
        ck_assert_str_eq(why, rows[i].why);
    }
}
END_TEST

START_TEST(a_thread_is_pinned_inside_its_mask)
{
    struct cpu_facts f;
    cpu_set_t all, one;
    int cpu;

    cpu_facts_read(&f, "");
    ck_assert_uint_ge(f.n_allowed, 1);
    ck_assert_uint_ge(f.n_online, f.n_allowed);
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    for (uint32_t i = 0; i <= f.n_allowed; i++) {
        cpu = cpu_pin(i);
        ck_assert_int_ge(cpu, 0);
        ck_assert(CPU_ISSET((size_t)cpu, &all));
        ck_assert_int_eq(sched_getaffinity(0, sizeof one, &one), 0);
        ck_assert_int_eq(CPU_COUNT(&one), 1);
        ck_assert(CPU_ISSET((size_t)cpu, &one));
        ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
    }
    ck_assert_int_eq(cpu_pin(0), cpu_pin(f.n_allowed));
}
END_TEST

START_TEST(the_machine_is_read_from_files)
{
    struct cpu_facts f;

    fixture_setup();
    unsetenv("container");
    unsetenv("KUBERNETES_SERVICE_HOST");
    cpu_facts_read(&f, fixture_dir);
    ck_assert_uint_eq(f.n_online, f.n_allowed);
    ck_assert_int_eq(f.is_container, 0);
    fixture_file("sys/devices/system/cpu/online", "0-63,70,80-83\n");
    fixture_file(".dockerenv", "");
    cpu_facts_read(&f, fixture_dir);
    ck_assert_uint_eq(f.n_online, 69);
    ck_assert_int_eq(f.is_container, 1);
    fixture_file("sys/devices/system/cpu/online", "9-3,-,x\n");
    ck_assert_int_eq(unlink(fixture_path(".dockerenv")), 0);
    cpu_facts_read(&f, fixture_dir);
    ck_assert_uint_eq(f.n_online, f.n_allowed);
    setenv("container", "podman", 1);
    cpu_facts_read(&f, fixture_dir);
    ck_assert_int_eq(f.is_container, 1);
    fixture_teardown();
}
END_TEST

/* clang-format off */
UNIT_MAIN(cpu,
    workers_are_what_mask_and_quota_allow,
    pinning_needs_cpus_of_our_own,
    a_thread_is_pinned_inside_its_mask,
    the_machine_is_read_from_files)
/* clang-format on */
