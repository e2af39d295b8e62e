/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.c - limits of control groups, read from folders made up here. */
#include "os/cgroup.h"

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static struct cgroup_limits
limits(void)
{
    struct cgroup_limits l;

    cgroup_read(&l, fixture_dir);
    return l;
}

#define V2_MOUNT                                                               \
    "22 1 0:5 / /proc rw - proc proc rw\n"                                     \
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 "        \
    "rw,nsdelegate\n"

START_TEST(nothing_to_read_is_no_limit)
{
    struct cgroup_limits l;

    l = limits();
    ck_assert_uint_eq(l.memory_max, 0);
    ck_assert_uint_eq(l.cpu_milli, 0);
    ck_assert_int_eq(l.is_exclusive, 0);
    ck_assert_int_eq(l.is_confined, 0);
}
END_TEST

START_TEST(version_2_takes_the_lowest_of_all_groups_above)
{
    struct cgroup_limits l;

    fixture_file("proc/self/mountinfo", V2_MOUNT);
    fixture_file("proc/self/cgroup", "0::/a.slice/b.service\n");
    fixture_file("sys/fs/cgroup/cgroup.procs", "1\n");
    fixture_file("sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
    fixture_file("sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
    fixture_file("sys/fs/cgroup/a.slice/memory.max", "max\n");
    fixture_file("sys/fs/cgroup/a.slice/b.service/memory.max", "1073741824\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 1500);
    ck_assert_uint_eq(l.memory_max, 1073741824);
    ck_assert_int_eq(l.is_confined, 0);
    fixture_file("sys/fs/cgroup/a.slice/b.service/cpu.max", "25000 50000\n");
    fixture_file("sys/fs/cgroup/a.slice/memory.max", "536870912\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 500);
    ck_assert_uint_eq(l.memory_max, 536870912);
}
END_TEST

START_TEST(version_2_inside_a_container)
{
    struct cgroup_limits l;

    fixture_file("proc/self/mountinfo", V2_MOUNT);
    fixture_file("proc/self/cgroup", "0::/\n");
    fixture_file("sys/fs/cgroup/cgroup.type", "domain\n");
    fixture_file("sys/fs/cgroup/cpu.max", "200000 100000\n");
    fixture_file("sys/fs/cgroup/cpuset.cpus.partition", "member\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 2000);
    ck_assert_int_eq(l.is_confined, 1);
    ck_assert_int_eq(l.is_exclusive, 0);
    fixture_file("sys/fs/cgroup/cpuset.cpus.partition", "isolated\n");
    ck_assert_int_eq(limits().is_exclusive, 1);
    fixture_file("sys/fs/cgroup/cpuset.cpus.partition",
                 "root invalid (no cpus)\n");
    ck_assert_int_eq(limits().is_exclusive, 0);
}
END_TEST

START_TEST(version_1_has_a_mount_for_each)
{
    struct cgroup_limits l;

    fixture_file(
        "proc/self/mountinfo",
        "31 23 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
        "rw,cpu,cpuacct\n"
        "32 23 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup "
        "rw,memory\n"
        "33 23 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "34 23 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    fixture_file("proc/self/cgroup", "4:cpuset:/pool/x\n"
                                     "3:cpu,cpuacct:/work\n"
                                     "2:memory:/docker/abc/inner\n"
                                     "0::/\n");
    fixture_file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    fixture_file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    fixture_file("sys/fs/cgroup/cpu,cpuacct/work/cpu.cfs_quota_us", "350000\n");
    fixture_file("sys/fs/cgroup/cpu,cpuacct/work/cpu.cfs_period_us",
                 "100000\n");
    fixture_file("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
    fixture_file("sys/fs/cgroup/memory/inner/memory.limit_in_bytes",
                 "9223372036854771712\n");
    fixture_file("sys/fs/cgroup/cpuset/cpuset.cpu_exclusive", "1\n");
    fixture_file("sys/fs/cgroup/cpuset/pool/x/cpuset.cpu_exclusive", "0\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 3500);
    ck_assert_uint_eq(l.memory_max, 268435456);
    ck_assert_int_eq(l.is_exclusive, 0);
    fixture_file("sys/fs/cgroup/cpuset/pool/x/cpuset.cpu_exclusive", "1\n");
    ck_assert_int_eq(limits().is_exclusive, 1);
}
END_TEST

START_TEST(a_group_outside_the_mount_is_the_mount)
{
    fixture_file("proc/self/mountinfo",
                 "30 23 0:26 /x /sys/fs/cgroup rw - cgroup2 c "
                 "rw\n");
    fixture_file("proc/self/cgroup", "0::/xy\n");
    fixture_file("sys/fs/cgroup/cpu.max", "100000 100000\n");
    fixture_file("sys/fs/cgroup/y/cpu.max", "50000 100000\n");
    ck_assert_uint_eq(limits().cpu_milli, 1000);
}
END_TEST

START_TEST(nonsense_is_no_limit)
{
    static const char *const lines[] = {
        "",        "\n",          "max",
        "0 0\n",   "-5 100000\n", "nan nan\n",
        "inf 1\n", "1 1e300\n",   "99999999999999999999 1\n",
    };

    fixture_file("proc/self/mountinfo",
                 "- -\n x - cgroup2\n - cgroup2 a b\n" V2_MOUNT);
    fixture_file("proc/self/cgroup", "\nx\n0:\n0::/a\n");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        fixture_file("sys/fs/cgroup/a/cpu.max", lines[i]);
        fixture_file("sys/fs/cgroup/a/memory.max", "lots\n");
        ck_assert_uint_eq(limits().cpu_milli, 0);
        ck_assert_uint_eq(limits().memory_max, 0);
    }
}
END_TEST

/* clang-format off */
UNIT_MAIN_IN(fixture_setup, fixture_teardown, cgroup,
    nothing_to_read_is_no_limit,
    version_2_takes_the_lowest_of_all_groups_above,
    version_2_inside_a_container,
    version_1_has_a_mount_for_each,
    a_group_outside_the_mount_is_the_mount,
    nonsense_is_no_limit)
/* clang-format on */
