// tests/unit/cases.h - runs each case of a test in a process of its own.
//
// The floors keep state for ever (records, leaves of the page map, arenas), so only a new process
// starts from nothing. A case that fails, hangs or dies ends the test, and its name is printed.
#pragma once
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/support/test.h"

enum { CASE_SECONDS = 60 };

static inline void case_run(const char *name, void (*function)(void)) {
    int   status = 0;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        test_watchdog(CASE_SECONDS);
        function();
        exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    test_say("case ");
    test_say(name);
    test_say(WIFSIGNALED(status) ? ": died of a signal\n" : ": failed\n");
    _exit(TEST_FAILED);
}

#define CASE(function) case_run(#function, function)
