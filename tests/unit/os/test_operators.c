// unit/os/test_operators.c - in a process in C all C++ operators are ours; not any more with a
// library that has some of its own and calls them.
#include <dlfcn.h>

#include "os/os.h"
#include "tests/support/test.h"

int main(void) {
    test_watchdog(60);
    os_start();
    if (dlsym(RTLD_DEFAULT, "_Znwm") != NULL)
        test_skip("this program has operators already: a sanitizer's");
    CHECK(os_operators_are_ours());
    CHECK(os_operators_are_ours());
    if (dlopen("libstdc++.so.6", RTLD_NOW) == NULL) {
        printf("no libstdc++ for this libc: only a process in C is tested\n");
        return 0;
    }
    CHECK(!os_operators_are_ours());
    return 0;
}
