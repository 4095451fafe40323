// unit/os/test_limits.c - processors by affinity, and the cgroup's limits beside a plain reading.
#include <sched.h>
#include <stdlib.h>

#include "os/os.h"
#include "tests/support/test.h"

// --- the same question, asked with stdio ----------------------------------------------------------

struct reading {
    double   cpus;
    uint64_t memory_bytes;
};

static bool read_line(const char *path, const char *file, char *line, int size) {
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", path, file);
    FILE *stream = fopen(name, "r");
    bool  found = stream && fgets(line, size, stream);
    if (stream)
        fclose(stream);
    return found;
}

static void lower_cpus(struct reading *reading, double quota, double period) {
    if (quota > 0 && period > 0 && quota / period < reading->cpus)
        reading->cpus = quota / period;
}

static void lower_memory(struct reading *reading, const char *line) {
    if (line[0] >= '0' && line[0] <= '9' && strtoull(line, NULL, 10) < reading->memory_bytes)
        reading->memory_bytes = strtoull(line, NULL, 10);
}

static void read_group(struct reading *reading, const char *path) {
    char   line[100], period[100];
    double quota, every;
    if (read_line(path, "cpu.max", line, sizeof line) &&
        sscanf(line, "%lf %lf", &quota, &every) == 2)
        lower_cpus(reading, quota, every);
    if (read_line(path, "cpu.cfs_quota_us", line, sizeof line) &&
        read_line(path, "cpu.cfs_period_us", period, sizeof period))
        lower_cpus(reading, atof(line), atof(period));
    if (read_line(path, "memory.max", line, sizeof line) ||
        read_line(path, "memory.limit_in_bytes", line, sizeof line))
        lower_memory(reading, line);
}

static void read_hierarchy(struct reading *reading, const char *root, char *path) {
    char full[1024];
    for (;;) {
        snprintf(full, sizeof full, "%s%s", root, path);
        read_group(reading, full);
        char *last = strrchr(path, '/');
        if (!last)
            return;
        *last = 0;
    }
}

static struct reading read_slowly(unsigned cpus) {
    struct reading reading = {cpus, UINT64_MAX};
    char           line[1024], list[256], path[700];
    FILE          *groups = fopen("/proc/self/cgroup", "r");
    while (groups && fgets(line, sizeof line, groups)) {
        char copy[700];
        if (sscanf(line, "0::%699s", path) == 1) {
            read_hierarchy(&reading, "/sys/fs/cgroup", path);
        } else if (sscanf(line, "%*d:%255[^:]:%699s", list, path) == 2) {
            memcpy(copy, path, sizeof copy);
            if (strstr(list, "cpu") && !strstr(list, "cpuset"))
                read_hierarchy(&reading, "/sys/fs/cgroup/cpu", path);
            if (strstr(list, "memory"))
                read_hierarchy(&reading, "/sys/fs/cgroup/memory", copy);
        }
    }
    if (groups)
        fclose(groups);
    if (reading.memory_bytes >= (uint64_t)1 << 60)
        reading.memory_bytes = UINT64_MAX;
    return reading;
}

static unsigned rounded_up(double cpus) {
    unsigned whole = (unsigned)cpus;
    return (double)whole < cpus ? whole + 1 : whole;
}

static void check_now(void) {
    cpu_set_t        set;
    struct os_limits limits = {0};
    CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    struct reading reading = read_slowly((unsigned)CPU_COUNT(&set));
    os_limits_read(&limits);
    CHECK(limits.cpus >= 1);
    CHECK_EQ(limits.cpus, rounded_up(reading.cpus));
    CHECK_EQ(limits.memory_bytes, reading.memory_bytes);
    printf("processors %u, memory %llu\n", limits.cpus, (unsigned long long)limits.memory_bytes);
}

int main(void) {
    cpu_set_t old, one;
    test_watchdog(60);
    os_start();
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
