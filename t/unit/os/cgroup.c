/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.c - limits of control groups, read from folders made up here. */
#include "os/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/unit.h"

static char root[] = "/tmp/cgroup-test-XXXXXX";

/* Write a file below root, its folders too. */
static void
file(const char *path, const char *text)
{
    char full[PATH_MAX];
    FILE *f;

    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(full, 0700);
        *p = '/';
    }
    f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    fclose(f);
}

static struct cgroup_limits
limits(void)
{
    struct cgroup_limits l;

    cgroup_read(&l, root);
    return l;
}

static void
setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void
teardown(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
}

#define V2_MOUNT                                                               \
    "22 1 0:5 / /proc rw - proc proc rw\n"                                     \
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 "        \
    "rw,nsdelegate\n"

START_TEST(nothing_to_read_is_no_limit)
{
    struct cgroup_limits l;

    setup();
    l = limits();
    ck_assert_uint_eq(l.memory_max, 0);
    ck_assert_uint_eq(l.cpu_milli, 0);
    ck_assert_int_eq(l.is_exclusive, 0);
    ck_assert_int_eq(l.is_confined, 0);
    teardown();
}
END_TEST

START_TEST(version_2_takes_the_lowest_of_all_groups_above)
{
    struct cgroup_limits l;

    setup();
    file("/proc/self/mountinfo", V2_MOUNT);
    file("/proc/self/cgroup", "0::/a.slice/b.service\n");
    file("/sys/fs/cgroup/cgroup.procs", "1\n");
    file("/sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
    file("/sys/fs/cgroup/a.slice/memory.max", "max\n");
    file("/sys/fs/cgroup/a.slice/b.service/memory.max", "1073741824\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 1500);
    ck_assert_uint_eq(l.memory_max, 1073741824);
    ck_assert_int_eq(l.is_confined, 0);
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "25000 50000\n");
    file("/sys/fs/cgroup/a.slice/memory.max", "536870912\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 500);
    ck_assert_uint_eq(l.memory_max, 536870912);
    teardown();
}
END_TEST

START_TEST(version_2_inside_a_container)
{
    struct cgroup_limits l;

    setup();
    file("/proc/self/mountinfo", V2_MOUNT);
    file("/proc/self/cgroup", "0::/\n");
    file("/sys/fs/cgroup/cgroup.type", "domain\n");
    file("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    file("/sys/fs/cgroup/cpuset.cpus.partition", "member\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 2000);
    ck_assert_int_eq(l.is_confined, 1);
    ck_assert_int_eq(l.is_exclusive, 0);
    file("/sys/fs/cgroup/cpuset.cpus.partition", "isolated\n");
    ck_assert_int_eq(limits().is_exclusive, 1);
    file("/sys/fs/cgroup/cpuset.cpus.partition", "root invalid (no cpus)\n");
    ck_assert_int_eq(limits().is_exclusive, 0);
    teardown();
}
END_TEST

START_TEST(version_1_has_a_mount_for_each)
{
    struct cgroup_limits l;

    setup();
    file("/proc/self/mountinfo",
         "31 23 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
         "rw,cpu,cpuacct\n"
         "32 23 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup "
         "rw,memory\n"
         "33 23 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
         "34 23 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    file("/proc/self/cgroup", "4:cpuset:/pool/x\n"
                              "3:cpu,cpuacct:/work\n"
                              "2:memory:/docker/abc/inner\n"
                              "0::/\n");
    file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    file("/sys/fs/cgroup/cpu,cpuacct/work/cpu.cfs_quota_us", "350000\n");
    file("/sys/fs/cgroup/cpu,cpuacct/work/cpu.cfs_period_us", "100000\n");
    file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
    file("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes",
         "9223372036854771712\n");
    file("/sys/fs/cgroup/cpuset/cpuset.cpu_exclusive", "1\n");
    file("/sys/fs/cgroup/cpuset/pool/x/cpuset.cpu_exclusive", "0\n");
    l = limits();
    ck_assert_uint_eq(l.cpu_milli, 3500);
    ck_assert_uint_eq(l.memory_max, 268435456);
    ck_assert_int_eq(l.is_exclusive, 0);
    file("/sys/fs/cgroup/cpuset/pool/x/cpuset.cpu_exclusive", "1\n");
    ck_assert_int_eq(limits().is_exclusive, 1);
    teardown();
}
END_TEST

START_TEST(a_group_outside_the_mount_is_the_mount)
{
    setup();
    file("/proc/self/mountinfo", "30 23 0:26 /x /sys/fs/cgroup rw - cgroup2 c "
                                 "rw\n");
    file("/proc/self/cgroup", "0::/xy\n");
    file("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    file("/sys/fs/cgroup/y/cpu.max", "50000 100000\n");
    ck_assert_uint_eq(limits().cpu_milli, 1000);
    teardown();
}
END_TEST

START_TEST(nonsense_is_no_limit)
{
    static const char *const lines[] = {
        "",        "\n",          "max",
        "0 0\n",   "-5 100000\n", "nan nan\n",
        "inf 1\n", "1 1e300\n",   "99999999999999999999 1\n",
    };

    setup();
    file("/proc/self/mountinfo",
         "- -\n x - cgroup2\n - cgroup2 a b\n" V2_MOUNT);
    file("/proc/self/cgroup", "\nx\n0:\n0::/a\n");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        file("/sys/fs/cgroup/a/cpu.max", lines[i]);
        file("/sys/fs/cgroup/a/memory.max", "lots\n");
        ck_assert_uint_eq(limits().cpu_milli, 0);
        ck_assert_uint_eq(limits().memory_max, 0);
    }
    teardown();
}
END_TEST

/* clang-format off */
UNIT_MAIN(cgroup,
    nothing_to_read_is_no_limit,
    version_2_takes_the_lowest_of_all_groups_above,
    version_2_inside_a_container,
    version_1_has_a_mount_for_each,
    a_group_outside_the_mount_is_the_mount,
    nonsense_is_no_limit)
/* clang-format on */
