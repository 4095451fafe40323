// unit/os/test_fail.c - the last words, to the letter, and the end after them.
#include "os/fail.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

static void die_pointer(void *argument) {
    fail_pointer("free", argument, "pointer not from this allocator");
}

static void die_block(void *argument) {
    fail_block("operator delete", argument, "double free of a ", 64, "-byte block");
}

static void die_internal(void *argument) {
    fail_internal(argument);
}

static void die_line(void *argument) {
    struct text_line line;
    fail_begin(&line);
    text_add(&line, argument);
    fail_line(&line);
}

static void warn(void *argument) {
    struct text_line line;
    fail_begin(&line);
    text_add(&line, argument);
    fail_write(&line);
}

// A line that does not fit is cut, not lost.
static void test_long_line(void) {
    struct death death;
    char         what[600];
    memset(what, 'w', sizeof what);
    what[sizeof what - 1] = 0;
    death_run(die_internal, what, &death);
    CHECK_EQ(death.signal, SIGABRT);
    CHECK_EQ(strlen(death.text), TEXT_LINE_BYTES - 1);
    CHECK(strncmp(death.text, "tidemalloc: internal error: www", 31) == 0);
    CHECK(strcmp(death.text + strlen(death.text) - 5, "w...\n") == 0);
}

int main(void) {
    struct death death;
    test_watchdog(60);
    CHECK(death_expect(die_pointer, (void *)0x7f12a0,
                       "tidemalloc: free(0x7f12a0): pointer not from this allocator"));
    CHECK(death_expect(die_block, (void *)0x10,
                       "tidemalloc: operator delete(0x10): double free of a 64-byte block"));
    CHECK(death_expect(die_internal, (void *)"span lost", "tidemalloc: internal error: span lost"));
    CHECK(death_expect(die_line, (void *)"anything", "tidemalloc: anything"));
    test_long_line();
    death_run(warn, (void *)"a warning", &death);
    CHECK(death.signal == 0 && death.status == 0);
    CHECK(strcmp(death.text, "tidemalloc: a warning\n") == 0);
    return 0;
}
