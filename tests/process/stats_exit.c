// tests/process/stats_exit.c - TIDE_STATS writes statistics when the process ends, as text or JSON.
//
// stats_exit --work only does some work: the script check of the JSON runs it so.
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

static const char *const names[] = {
    "live_bytes",     "cached_bytes",   "slack_bytes",  "free_bytes", "huge_cached_bytes",
    "metadata_bytes", "returned_bytes", "mapped_bytes", "arenas",     "refills",
    "purges"};

static int work(void) {
    test_need_tide();
    static void *blocks[1000];
    for (size_t i = 0; i < 1000; i++)
        CHECK((blocks[i] = malloc(i * 50)) != NULL);
    for (size_t i = 0; i < 1000; i += 2)
        free(blocks[i]);
    return 0;
}

static void run(const char *setting, struct proc_result *result) {
    static const char *const drop[] = {"TIDE_", NULL};
    const char              *extra[] = {setting, NULL};
    const char              *argv[] = {proc_self(), "--work", NULL};
    proc_run(argv, proc_environment(drop, extra), 20, result);
    CHECK(!result->hung && result->signal == 0 && result->status == 0);
    CHECK(result->out[0] == '\0');
}

int main(int argc, char **argv) {
    static struct proc_result text, one, json, off;
    test_watchdog(30);
    if (argc > 1 && strcmp(argv[1], "--work") == 0)
        return work();
    run("TIDE_STATS=text", &text);
    run("TIDE_STATS=1", &one);
    run("TIDE_STATS=json", &json);
    run("TIDE_STATS=off", &off);
    CHECK(off.err[0] == '\0');
    CHECK(json.err[0] == '{');
    CHECK(text.err[0] != '{' && text.err[0] != '\0');
    CHECK(one.err[0] == text.err[0]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char quoted[64];
        snprintf(quoted, sizeof quoted, "\"%s\"", names[i]);
        CHECK(strstr(json.err, quoted) != NULL);
        CHECK(strstr(text.err, names[i]) != NULL);
        CHECK(strstr(one.err, names[i]) != NULL);
    }
    return 0;
}
