// tests/package/consumer/preload.c - a program that does not link tidemalloc: does it have it?
#include <stdlib.h>

int tide_version(void) __attribute__((weak));

int main(void) {
    int (*volatile version)(void) = tide_version;
    void *block = malloc(100);
    free(block);
    return version && version() > 0 && block ? 0 : 1;
}
