// unit/os/test_limits.c - processors by affinity and cgroups' quotas, memory by cgroups' limits,
// real and invented ones.
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "os/os.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

// --- the same question, asked with stdio
// ----------------------------------------------------------

static bool read_line(const char *path, const char *file, char *line, int size) {
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", path, file);
    FILE *stream = fopen(name, "r");
    bool  found = stream && fgets(line, size, stream);
    if (stream)
        fclose(stream);
    return found;
}

static void lower_cpus(double *cpus, double quota, double period) {
    if (quota > 0 && period > 0 && quota / period < *cpus)
        *cpus = quota / period;
}

static void read_group(double *cpus, const char *path) {
    char   line[100], period[100];
    double quota, every;
    if (read_line(path, "cpu.max", line, sizeof line) &&
        sscanf(line, "%lf %lf", &quota, &every) == 2)
        lower_cpus(cpus, quota, every);
    if (read_line(path, "cpu.cfs_quota_us", line, sizeof line) &&
        read_line(path, "cpu.cfs_period_us", period, sizeof period))
        lower_cpus(cpus, atof(line), atof(period));
}

static void read_hierarchy(double *cpus, const char *root, char *path) {
    char full[1024];
    for (;;) {
        snprintf(full, sizeof full, "%s%s", root, path);
        read_group(cpus, full);
        char *last = strrchr(path, '/');
        if (!last)
            return;
        *last = 0;
    }
}

static double read_slowly(double cpus) {
    char  line[1024], list[256], path[700];
    FILE *groups = fopen("/proc/self/cgroup", "r");
    while (groups && fgets(line, sizeof line, groups)) {
        if (sscanf(line, "0::%699s", path) == 1)
            read_hierarchy(&cpus, "/sys/fs/cgroup", path);
        else if (sscanf(line, "%*d:%255[^:]:%699s", list, path) == 2 && strstr(list, "cpu") &&
                 !strstr(list, "cpuset"))
            read_hierarchy(&cpus, "/sys/fs/cgroup/cpu", path);
    }
    if (groups)
        fclose(groups);
    return cpus;
}

static unsigned rounded_up(double cpus) {
    unsigned whole = (unsigned)cpus;
    return (double)whole < cpus ? whole + 1 : whole;
}

static void check_now(void) {
    cpu_set_t        set;
    struct os_limits limits = {0};
    CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    os_limits_read(&limits);
    CHECK(limits.cpus >= 1);
    CHECK_EQ(limits.cpus, rounded_up(read_slowly(CPU_COUNT(&set))));
    printf("processors: %u\n", limits.cpus);
}

// --- invented groups, mounted over the real ones in a child
// -----------------------------------------

#define DEEP_PATH "/a-rather-long-name-of-a-slice-as-orchestrators-like-to-give-them"
static char too_long[400];  // as a path; more than is read

static const struct invented {
    const char *groups;  // the content of /proc/self/cgroup
    struct {
        const char *path, *content;
    } files[4];
    unsigned cpus;    // 0 = as many as the affinity mask has
    uint64_t memory;  // 0 = what the machine has
} invented[] = {
    {"0::/\n", {{"cpu.max", "100000 100000\n"}}, 1, 0},
    {"0::/\n", {{"cpu.max", "max 100000\n"}}, 0, 0},
    {"0::/\n", {{"cpu.max", "1000 100000\n"}}, 1, 0},
    {"0::/\n", {{"cpu.max", "100001 100000\n"}}, 2, 0},
    {"0::/\n", {{"cpu.max", "0 0\n"}}, 0, 0},
    {"0::/\n", {{"cpu.max", "junk\n"}}, 0, 0},
    {"0::/\n", {{"cpu.max", ""}}, 0, 0},
    {"0::/\n", {{"cpu.max", "99999999999999999999999 1\n"}}, 0, 0},
    {"0::/a/b\n",  // the tightest of all groups above
     {{"a/b/cpu.max", "300000 100000\n"},
      {"a/cpu.max", "50000 100000\n"},
      {"cpu.max", "200000 100000\n"}},
     1, 0},
    {"0::/not/here\n", {{"cpu.max", "50000 100000\n"}}, 1, 0},  // a container's root
    {"0::" DEEP_PATH DEEP_PATH "\n", {{DEEP_PATH DEEP_PATH "/cpu.max", "9 100000\n"}}, 1, 0},
    {"12:pids:/x\n5:cpu,cpuacct:/d\n4:memory:/d/e\n1:name=systemd:/\n",
     {{"cpu/d/cpu.cfs_quota_us", "50000\n"}, {"cpu/d/cpu.cfs_period_us", "100000\n"}},
     1, 0},
    {"3:cpuacct,cpu:/\n2:cpuset:/\n",
     {{"cpu/cpu.cfs_quota_us", "-1\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}},
     0, 0},
    {"2:cpuset:/\n",  // no "cpu" in the list
     {{"cpu/cpu.cfs_quota_us", "50000\n"},
      {"cpu/cpu.cfs_period_us", "100000\n"},
      {"cpu/other/cpu.cfs_quota_us", "-1\n"}},
     0, 0},
    // Its path is given up, the root is not.
    {too_long, {{"cpu.max", "50000 100000\n"}, {"other/cpu.max", "max 100000\n"}}, 1, 0},
    {"", {{"cpu.max", "50000 100000\n"}, {"other/cpu.max", "max 100000\n"}}, 0, 0},
    // A group below the root limits those in it only.
    {"0::/\n", {{"cpu.max", "max 100000\n"}, {"other/cpu.max", "50000 100000\n"}}, 0, 0},
    // The root is the only group: whatever the list says.
    {"0::/the/hosts/path\n", {{"cpu.max", "50000 100000\n"}}, 1, 0},
    {"nonsense\n::\n\n0:\n", {{"cpu.max", "50000 100000\n"}}, 1, 0},
    {"", {{"cpu.max", "50000 100000\n"}}, 1, 0},
    {"4:cpu:/the/hosts/path\n",
     {{"cpu/cpu.cfs_quota_us", "50000\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}},
     1, 0},
    // Version 2 with a group that happens to be called cpu, and nothing below it.
    {"0::/cpu\n", {{"cpu.max", "max 100000\n"}, {"cpu/cpu.max", "50000 100000\n"}}, 1, 0},
    {"0::/\n", {{"cpu.max", "50000 100000\n"}, {"cpu/cpu.max", "max 100000\n"}}, 1, 0},
    {"0::/\n", {{"memory.max", "104857600\n"}}, 0, MIB(100)},
    {"0::/\n", {{"memory.max", "max\n"}}, 0, 0},
    {"0::/\n", {{"memory.max", "0\n"}}, 0, 0},
    {"0::/\n", {{"memory.max", "99999999999999999999999\n"}}, 0, 0},
    {"0::/a/b\n",
     {{"a/b/memory.max", "300000000\n"}, {"a/memory.max", "max\n"}, {"memory.max", "200000000\n"}},
     0,
     200000000},
    {"4:memory:/d/e\n1:cpu:/\n",
     {{"memory/d/memory.limit_in_bytes", "104857600\n"},
      {"memory/memory.limit_in_bytes", "9223372036854771712\n"},
      {"memory.max", "4096\n"}},  // of the version that the process is in no group of
     0,
     MIB(100)},
};

static void write_file(const char *directory, const char *path, const char *content) {
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", directory, path);
    for (char *at = name + strlen(directory) + 1; (at = strchr(at, '/')); at++) {
        *at = 0;
        mkdir(name, 0700);
        *at = '/';
    }
    FILE *file = fopen(name, "w");
    CHECK(file && fputs(content, file) >= 0);
    CHECK_EQ(fclose(file), 0);
}

enum { NO_NAMESPACE = 9 };

// A namespace of our own with an empty group file system, and our file as /proc/self/cgroup.
static void mount_invented(const struct invented *row) {
    char list[64];
    if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) != 0)
        _exit(NO_NAMESPACE);
    for (unsigned i = 0; i < ARRAY_COUNT(row->files) && row->files[i].path; i++)
        write_file("/sys/fs/cgroup", row->files[i].path, row->files[i].content);
    write_file("/sys/fs/cgroup", "list", row->groups);
    snprintf(list, sizeof list, "/proc/%d/cgroup", (int)getpid());
    if (mount("/sys/fs/cgroup/list", list, NULL, MS_BIND, NULL) != 0)
        _exit(NO_NAMESPACE);
}

static void check_invented(void *argument) {
    const struct invented *row = argument;
    struct os_limits       limits;
    cpu_set_t              set;
    CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    unsigned usable = (unsigned)CPU_COUNT(&set);
    mount_invented(row);
    os_limits_read(&limits);
    CHECK_EQ(limits.cpus, row->cpus && row->cpus < usable ? row->cpus : usable);
    struct sysinfo machine;
    CHECK_EQ(sysinfo(&machine), 0);
    CHECK_EQ(os_memory_limit(),
             row->memory ? row->memory : (uint64_t)machine.totalram * machine.mem_unit);
}

static void test_invented(void) {
    struct death death;
    memset(too_long, 'x', sizeof too_long - 1);
    memcpy(too_long, "0::/", 4);
    too_long[sizeof too_long - 2] = '\n';
    for (unsigned i = 0; i < ARRAY_COUNT(invented); i++) {
        death_run(check_invented, (void *)(uintptr_t)&invented[i], &death);
        if (death.status == NO_NAMESPACE) {
            printf("no mount namespace to be had: invented groups are not tried\n");
            return;
        }
        if (death.signal || death.status)
            test_fail(__FILE__, __LINE__, death.text[0] ? death.text : invented[i].groups);
    }
    printf("invented groups: %zu\n", ARRAY_COUNT(invented));
}

static void test_data(void) {
    struct rlimit old, limit;
    CHECK_EQ(getrlimit(RLIMIT_DATA, &old), 0);
    CHECK_EQ(os_data_is_limited(), old.rlim_cur != RLIM_INFINITY);
    limit = (struct rlimit){1 << 30, old.rlim_max};
    CHECK_EQ(setrlimit(RLIMIT_DATA, &limit), 0);
    CHECK(os_data_is_limited());
    CHECK_EQ(setrlimit(RLIMIT_DATA, &old), 0);
}

int main(void) {
    cpu_set_t old, one;
    test_watchdog(60);
    os_start();
    test_invented();
    test_data();
    check_now();
    CHECK_EQ(sched_getaffinity(0, sizeof old, &old), 0);
    CPU_ZERO(&one);
    CPU_SET(os_cpu(), &one);
    CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    check_now();
    struct os_limits limits;
    os_limits_read(&limits);
    CHECK_EQ(limits.cpus, 1);
    return 0;
}
