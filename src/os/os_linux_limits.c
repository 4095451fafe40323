// os/os_linux_limits.c - how many processors and how much memory this process may use.
//
// The affinity mask and the machine's memory, cut by the cgroup's limits. Both versions of cgroups
// are read where systems mount them:
//   version 2   /sys/fs/cgroup<path>/cpu.max, memory.max
//   version 1   /sys/fs/cgroup/cpu<path>/cpu.cfs_{quota,period}_us
//               /sys/fs/cgroup/memory<path>/memory.limit_in_bytes
// <path> comes from /proc/self/cgroup. The group and each of its ancestors can limit, so all are
// read, up to the root of the mount: in a container the path may be the host's, and the root is
// then the container's own group. What is missing or odd does not limit.
// Where the root has no group below it, as in most containers, it is the group: then the path is
// not asked for processors, because /proc/self/cgroup of a young process takes longer than all the
// rest.
#include "os/os.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "base/bits.h"
#include "base/text.h"
#include "os/os_linux.h"

enum { CGROUP_PATH_MAX = 320, ROOT_MAX = 32 };
#define ROOT_V1 "/sys/fs/cgroup/cpu"
#define ROOT_V2 "/sys/fs/cgroup"

// --- small readers -----------------------------------------------------------------------------

// The number at *text, which is moved behind it; false when there is none. Too large is UINT64_MAX.
static bool take_number(const char **text, uint64_t *value) {
    const char *at = *text;
    uint64_t    sum = 0;
    bool        too_large = false;
    while (*at == ' ')
        at++;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        too_large |= __builtin_mul_overflow(sum, 10u, &sum);
        too_large |= __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum);
    }
    *text = at;
    *value = too_large ? UINT64_MAX : sum;
    return true;
}

// Up to `capacity` - 1 bytes of a file as a string; false when it cannot be read.
static bool read_text(const char *path, char *text, size_t capacity) {
    ptrdiff_t count = os_read_file(path, text, capacity - 1);
    text[count > 0 ? count : 0] = 0;
    return count > 0;
}

// --- one group ---------------------------------------------------------------------------------

struct group {
    const char *root;         // where its hierarchy is mounted
    const char *path;         // below the root; "" = the root itself
    size_t      path_length;  // the part of `path` that is meant
};

enum { NAME_MAX_BYTES = OS_GROUP_PATH_MAX };
_Static_assert(NAME_MAX_BYTES >= ROOT_MAX + CGROUP_PATH_MAX + 32, "a path of a group fits");

static void group_name(const struct group *group, const char *file, char name[NAME_MAX_BYTES]) {
    size_t at = 0;
    for (size_t i = 0; group->root[i]; i++)
        name[at++] = group->root[i];
    for (size_t i = 0; i < group->path_length; i++)
        name[at++] = group->path[i];
    for (size_t i = 0; file[i]; i++)
        name[at++] = file[i];
    name[at] = 0;
}

// Kept out of line, as all that need a buffer here: the frames would add up to more than 1 KiB.
NOINLINE static bool group_read(const struct group *group, const char *file, char *text,
                                size_t capacity) {
    char name[NAME_MAX_BYTES];
    group_name(group, file, name);
    return read_text(name, text, capacity);
}

// Reads one group, and lowers `*least`, which starts as what there is without groups. False: it has
// no such file.
typedef bool group_reader(uint64_t *least, const struct group *group);

static void lower_cpus(uint64_t *least, uint64_t quota_us, uint64_t period_us) {
    if (period_us != 0 && quota_us != 0)
        *least = min_size(*least, quota_us / period_us + (quota_us % period_us != 0));
}

static bool read_cpu_v2(uint64_t *least, const struct group *group) {
    char        text[64];
    uint64_t    quota, period;
    const char *at = text;
    if (!group_read(group, "/cpu.max", text, sizeof text))
        return false;
    if (take_number(&at, &quota) && take_number(&at, &period))
        lower_cpus(least, quota, period);
    return true;
}

static bool read_cpu_v1(uint64_t *least, const struct group *group) {
    char        text[64];
    uint64_t    quota, period;
    const char *at = text;
    if (!group_read(group, "/cpu.cfs_quota_us", text, sizeof text))
        return false;
    // No quota is "-1", which is no number here.
    if (!take_number(&at, &quota))
        return true;
    at = text;
    if (group_read(group, "/cpu.cfs_period_us", text, sizeof text) && take_number(&at, &period))
        lower_cpus(least, quota, period);
    return true;
}

// The links of a directory of groups are two and one for each group below. Any other file system
// may count otherwise: only two means none.
NOINLINE static bool has_no_groups(const char *root) {
    struct stat about;
    return syscall(SYS_newfstatat, AT_FDCWD, root, &about, 0) == 0 && about.st_nlink == 2;
}

// The root of a hierarchy, when it is the only group. False: it is not, or is none.
static bool read_lone_root(uint64_t *least, const char *root, group_reader *reader) {
    return has_no_groups(root) && reader(least, &(struct group){root, "", 0});
}

// "max" is no number here; 0 would mean that nothing may run.
static bool read_bytes(uint64_t *least, const struct group *group, const char *file) {
    char        text[64];
    uint64_t    bytes;
    const char *at = text;
    if (!group_read(group, file, text, sizeof text))
        return false;
    if (take_number(&at, &bytes) && bytes > 0)
        *least = min_size(*least, bytes);
    return true;
}

static bool read_memory_v2(uint64_t *least, const struct group *group) {
    return read_bytes(least, group, "/memory.max");
}

static bool read_memory_v1(uint64_t *least, const struct group *group) {
    return read_bytes(least, group, "/memory.limit_in_bytes");
}

// What is asked of all groups.
struct question {
    group_reader *v2;
    const char   *controller;  // version 1: in the list of a line
    const char   *root;        // version 1: where its hierarchy is mounted
    group_reader *v1;
};
static const struct question about_cpus = {read_cpu_v2, "cpu", ROOT_V1, read_cpu_v1};
static const struct question about_memory = {read_memory_v2, "memory", "/sys/fs/cgroup/memory",
                                             read_memory_v1};

// --- the groups of this process ----------------------------------------------------------------

// Reads a group and all groups above it.
static void read_upwards(uint64_t *least, const char *root, const char *path,
                         group_reader *reader) {
    struct group group = {root, path, text_length(path)};
    for (;;) {
        while (group.path_length > 0 && path[group.path_length - 1] == '/')
            group.path_length--;
        reader(least, &group);
        if (group.path_length == 0)
            return;
        while (group.path_length > 0 && path[group.path_length - 1] != '/')
            group.path_length--;
    }
}

// True when the comma-separated `list`, which ends at a colon, holds `word`.
static bool list_has(const char *list, const char *word) {
    const char *rest;
    for (;;) {
        if (text_starts(list, word, &rest) && (*rest == ',' || *rest == ':'))
            return true;
        while (*list && *list != ',' && *list != ':')
            list++;
        if (*list++ != ',')
            return false;
    }
}

// One line of /proc/self/cgroup: "ID:CONTROLLERS:PATH"; version 2 is "0::PATH".
static void read_line(const struct question *question, uint64_t *least, const char *line) {
    const char *list = line, *path;
    while (*list && *list != ':')
        list++;
    if (*list++ != ':')
        return;
    for (path = list; *path && *path != ':';)
        path++;
    if (*path++ != ':')
        return;
    if (*list == ':')
        read_upwards(least, ROOT_V2, path, question->v2);
    if (question->v1 && list_has(list, question->controller))
        read_upwards(least, question->root, path, question->v1);
}

// Reads a line that is too long for us without its path: the root of the hierarchy is left.
static void drop_path(char *line) {
    unsigned colons = 0;
    while (*line && colons < 2)
        colons += *line++ == ':';
    *line = 0;
}

// The file has no bound on its length, so it is read through a small window.
NOINLINE static void read_groups(const struct question *question, uint64_t *least) {
    char   line[CGROUP_PATH_MAX], window[256];
    size_t length = 0;
    int    fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cgroup", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    long count;
    while ((count = syscall(SYS_read, fd, window, sizeof window)) > 0) {
        for (long i = 0; i < count; i++) {
            if (window[i] != '\n') {
                if (length < sizeof line - 1)
                    line[length++] = window[i];
                continue;
            }
            line[length] = 0;
            if (length == sizeof line - 1)
                drop_path(line);
            read_line(question, least, line);
            length = 0;
        }
    }
    syscall(SYS_close, fd);
}

// --- a file of the own group -------------------------------------------------------------------

struct search {
    uint64_t    found;  // first, because the reader is given its address
    const char *file;
    char       *path;
};

// The own group is asked first, then those above it. Where version 1 is in use too, version 2 is
// mounted beside it.
static bool find_file(uint64_t *found, const struct group *group) {
    static const char *const roots[] = {ROOT_V2, "/sys/fs/cgroup/unified"};
    struct search           *search = (struct search *)found;
    for (unsigned i = 0; i < ARRAY_COUNT(roots) && !search->found; i++) {
        struct group here = {roots[i], group->path, group->path_length};
        group_name(&here, search->file, search->path);
        search->found = syscall(SYS_faccessat, AT_FDCWD, search->path, F_OK) == 0;
    }
    return search->found;
}

bool os_group_file(const char *file, char path[OS_GROUP_PATH_MAX]) {
    static const struct question about_file = {find_file, NULL, NULL, NULL};
    struct search                search = {0, file, path};
    read_groups(&about_file, &search.found);
    return search.found != 0;
}

// --- processors --------------------------------------------------------------------------------

NOINLINE static unsigned count_affinity(void) {
    uint64_t mask[64];  // 4096 processors
    long     bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    unsigned count = 0;
    for (long i = 0; i < bytes / (long)sizeof mask[0]; i++)
        count += bits_count(mask[i]);
    return count;
}

// The list of the processors that are on, such as "0-3,8": used when the mask is refused.
NOINLINE static unsigned count_online(void) {
    char text[128];
    if (!read_text("/sys/devices/system/cpu/online", text, sizeof text))
        return 0;
    const char *at = text;
    uint64_t    first, last;
    unsigned    count = 0;
    while (take_number(&at, &first)) {
        last = first;
        if (*at == '-') {
            at++;
            if (!take_number(&at, &last))
                break;
        }
        if (last >= first && last - first < 65536)
            count += (unsigned)(last - first) + 1;
        if (*at++ != ',')
            break;
    }
    return count;
}

void os_limits_read(struct os_limits *limits) {
    uint64_t cpus = count_affinity();
    if (cpus == 0)
        cpus = count_online();
    if (cpus == 0)
        cpus = 1;
    // A quota could only make less of it.
    if (cpus > 1 && !read_lone_root(&cpus, ROOT_V1, read_cpu_v1) &&
        !read_lone_root(&cpus, ROOT_V2, read_cpu_v2))
        read_groups(&about_cpus, &cpus);
    limits->cpus = (unsigned)cpus;
}

// --- memory ------------------------------------------------------------------------------------

uint64_t os_memory_limit(void) {
    struct sysinfo machine;
    uint64_t       bytes = UINT64_MAX;
    if (syscall(SYS_sysinfo, &machine) == 0)
        bytes = (uint64_t)machine.totalram * machine.mem_unit;
    read_groups(&about_memory, &bytes);
    return bytes == UINT64_MAX ? 0 : bytes;
}

bool os_data_is_limited(void) {
    struct rlimit limit;
    return syscall(SYS_prlimit64, 0, RLIMIT_DATA, NULL, &limit) == 0 &&
           limit.rlim_cur != RLIM_INFINITY;
}

uint64_t os_resident_bytes(void) {
    char        text[96];
    const char *at = text;
    uint64_t    total, resident;
    if (!read_text("/proc/self/statm", text, sizeof text) || !take_number(&at, &total) ||
        !take_number(&at, &resident))
        return 0;
    return resident * os_page_bytes();
}
