// tests/tools/tide_nothing.c - linked statically, without the library: no preload reaches it.
#include <unistd.h>

int main(void) {
    usleep(500000);
    return 3;
}
