// tests/process/secure.c - a setuid program ignores every variable of ours and of glibc's.
//
// Links the static library, so that the copy needs no library path. Needs root to make the copy.
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { OTHER_USER = 65534, NOT_SECURE = 33 };

static const char *const loud[] = {
    "TIDE_VERBOSE=1", "TIDE_TYPO=1", "TIDE_STATS=1", "TIDE_ARENAS=x", "MALLOC_ARENA_MAX=3",
    "TIDE_CACHE=64K", NULL};

// Run with the setuid bit: prints the settings in force.
static int run_secure(void) {
    char arenas[32], cache[32];
    free(malloc(100));  // the library reads the environment now or never
    if (!getauxval(AT_SECURE))
        return NOT_SECURE;
    CHECK_EQ(tide_option_get("arenas", arenas, sizeof arenas), 0);
    CHECK_EQ(tide_option_get("cache", cache, sizeof cache), 0);
    printf("%s %s\n", arenas, cache);
    return 0;
}

static void run_copy(const char *path, struct proc_result *result) {
    static const char *const drop[] = {"TIDE_", "MALLOC_", NULL};
    const char              *argv[] = {path, "--secure", NULL};
    proc_run(argv, proc_environment(drop, loud), 20, result);
}

// The same program without the bit shows that the variables would have spoken.
static void check_loud(const struct proc_result *result) {
    CHECK_EQ(result->status, NOT_SECURE);
    CHECK(strstr(result->err, "TIDE_TYPO") != NULL);
}

static void check_silent(const struct proc_result *result) {
    char arenas[32], cache[32], expected[80];
    if (result->status == NOT_SECURE)
        test_skip("the setuid bit has no effect in this directory (mounted nosuid)");
    CHECK_EQ(result->signal, 0);
    CHECK_EQ(result->status, 0);
    CHECK(result->err[0] == '\0');
    CHECK_EQ(tide_option_get("arenas", arenas, sizeof arenas), 0);
    CHECK_EQ(tide_option_get("cache", cache, sizeof cache), 0);
    snprintf(expected, sizeof expected, "%s %s\n", arenas, cache);
    CHECK(strcmp(result->out, expected) == 0);
}

static void copy_file(const char *from, const char *to) {
    char  bytes[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    CHECK(in != NULL && out != NULL);
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, in)) > 0;)
        CHECK_EQ(fwrite(bytes, 1, got, out), got);
    CHECK_EQ(fclose(out), 0);
    CHECK_EQ(fclose(in), 0);
}

int main(int argc, char **argv) {
    static struct proc_result plain, secure;
    test_watchdog(30);
    test_need_tide();
    if (argc > 1 && strcmp(argv[1], "--secure") == 0)
        return run_secure();
    if (geteuid() != 0)
        test_skip("only root can make a program of another user with the setuid bit");
    char directory[] = "/tmp/tide-secure-......", path[64];
    memset(strchr(directory, '.'), 'X', 6);
    CHECK(mkdtemp(directory) != NULL);
    CHECK_EQ(chmod(directory, 0755), 0);
    snprintf(path, sizeof path, "%s/program", directory);
    copy_file(proc_self(), path);
    CHECK_EQ(chmod(path, 0755), 0);
    run_copy(path, &plain);
    CHECK_EQ(chown(path, OTHER_USER, OTHER_USER), 0);
    CHECK_EQ(chmod(path, 04755), 0);
    run_copy(path, &secure);
    unlink(path);
    rmdir(directory);
    check_loud(&plain);
    check_silent(&secure);
    return 0;
}
