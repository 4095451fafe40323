// tests/support/death.h - runs a deliberate mistake in a child and compares its last words.
//
// The child is made by fork, its stderr caught in memory. Guarantees: the caller's process is
// not touched by what the function does, and a child that neither dies nor returns is killed
// after ten seconds and reported as hung.
#pragma once
#include <stdbool.h>

enum { DEATH_TEXT_MAX = 8192 };

struct death {
    int  signal;                // the signal that ended the child; 0 = it exited
    int  status;                // its exit status; 0 when a signal ended it
    bool hung;                  // it had to be killed
    char text[DEATH_TEXT_MAX];  // what it wrote to stderr, cut there and NUL-terminated
};

// Calls function(arg) in a child; a child whose function returns exits with status 0.
void death_run(void (*function)(void *), void *arg, struct death *out);

// Is text exactly the pattern? In the pattern 0x* stands for any hexadecimal number with its
// 0x, and everything else for itself. A newline at the end of either is ignored.
bool death_matches(const char *text, const char *pattern);

// Did it die as every misuse has to: one line, and SIGABRT? Prints both lines when not.
bool death_is_abort(const struct death *death, const char *pattern);

// death_run and death_is_abort in one.
bool death_expect(void (*function)(void *), void *arg, const char *pattern);
