// tests/misuse/hardened/main.c - the score of a hardened process: many mistakes with small, medium
// and large blocks, each in a child of its own.
//
// misuse_hardened CATEGORY [other]. A child ends in one of three ways: detected (the library's line
// and SIGABRT, or SIGSEGV at the access itself), harmless (it goes on, and nothing that it looks at
// was harmed: neighbours keep their content, nobody gets a block twice, nothing of a freed block
// can be read), or missed. At least 95 of 100 must be one of the first two, and as many as the
// category says the first: what is harmless by luck is no protection.
// `other` is for another allocator that was preloaded: detected is any end by SIGABRT, SIGILL or
// SIGTRAP, but with a line of this library.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/misuse/hardened/cases.h"
#include "tests/support/death.h"

static const size_t sizes[] = {1, 24, 60, 500, 3000, 4096, 20000, 40000, 200000, MIB(1), MIB(3)};

enum outcome { DETECTED, HARMLESS, MISSED };

static bool of_other;

static bool stopped(const struct death *death) {
    bool said = strncmp(death->text, "tidemalloc: ", 12) == 0;
    if (!of_other)
        return death->signal == SIGABRT && said;
    return (death->signal == SIGABRT || death->signal == SIGILL || death->signal == SIGTRAP) &&
           !said;
}

static enum outcome outcome_of(const struct death *death) {
    if (death->signal == SIGSEGV || stopped(death))
        return DETECTED;
    return !death->hung && death->signal == 0 && death->status == 0 ? HARMLESS : MISSED;
}

static void run_case(void *argument) {
    const struct mistake *mistake = argument;
    mistake->run(mistake->bytes, mistake->distance);
    exit(0);
}

static void count(const struct mistake *mistake, unsigned outcomes[3]) {
    struct death death;
    death_run(run_case, (void *)(uintptr_t)mistake, &death);
    enum outcome outcome = outcome_of(&death);
    outcomes[outcome]++;
    if (outcome == MISSED)
        printf("missed: %s by %td, %zu bytes: signal %d, status %d, %s\n", mistake->name,
               mistake->distance, mistake->bytes, death.signal, death.status, death.text);
}

static bool score(const struct category *category) {
    unsigned outcomes[3] = {0, 0, 0}, all = 0;
    for (const struct mistake *row = category->rows; row->run; row++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++, all++) {
            struct mistake mistake = *row;
            mistake.bytes = sizes[i];
            count(&mistake, outcomes);
        }
    unsigned good = outcomes[DETECTED] + outcomes[HARMLESS];
    printf("%s: %u of %u (%u detected, %u harmless)\n", category->name, good, all,
           outcomes[DETECTED], outcomes[HARMLESS]);
    return all > 0 && good * 100 >= all * 95 &&
           outcomes[DETECTED] * 100 >= all * category->least_detected;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    of_other = argc == 3 && strcmp(argv[2], "other") == 0;
    bool is_right = argc == 2 || of_other;
    for (const struct category *category = categories; is_right && category->name; category++)
        if (strcmp(category->name, argv[1]) == 0)
            return score(category) ? 0 : 1;
    fprintf(stderr, "usage: misuse_hardened CATEGORY [other]\n");
    return 2;
}
