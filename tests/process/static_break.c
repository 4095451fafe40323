// tests/process/static_break.c - a static program whose break is not placed at random: between its
// data, which is the library's too, and the first block lies what cannot be read.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>

#include "tests/support/test.h"

extern char end[];  // of the program's data

// The kernel's answer to a read of it.
static bool is_readable(int pipe_end, const char *address) {
    return write(pipe_end, address, 1) == 1;
}

static unsigned unreadable_pages(const char *from, const char *to) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned        count = 0;
    int             ends[2];
    CHECK(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    for (uintptr_t at = (uintptr_t)from & -page; at < (uintptr_t)to; at += page)
        count += !is_readable(ends[1], (const char *)at);
    return count;
}

int main(int argc, char **argv) {
    const char *block = test_hide(malloc(24));
    (void)argc;
    CHECK(block != NULL);
    int before = personality(0xffffffff);
    if (before >= 0 && !(before & ADDR_NO_RANDOMIZE) &&
        personality((unsigned long)before | ADDR_NO_RANDOMIZE) >= 0) {
        execv("/proc/self/exe", argv);
        return 1;
    }
    if (before < 0 || !(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
        test_say("skipped: the kernel does not let the break be at its place\n");
        return 0;
    }
    // Where a mapping comes first it is far.
    const char *first = sbrk(0);
    CHECK(first > end && first - end < 64 << 20);
    CHECK(block > end && block < first);
    CHECK(unreadable_pages(end, block) > 0);
    return 0;
}
