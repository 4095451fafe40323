// tests/process/maps_random.c - 5 million random operations of 64 KB to 1 MB: the process stays
// below 500 mappings (with a mapping a block there would be more).
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { OPERATIONS = 5000 * 1000, SLOTS = 2000, LOOKS = 1000, MAPPINGS_MAX = 500 };
enum { LEAST = 64 * 1000, MOST = 1000 * 1000 };

static struct {
    char  *block;
    size_t size;
} slots[SLOTS];

static void replace(uint64_t *random) {
    size_t at = test_random(random) % SLOTS;
    char  *block = slots[at].block;
    if (block != NULL)
        CHECK(block[0] == (char)at && block[slots[at].size - 1] == (char)(at + 1));
    free(block);
    slots[at].size = LEAST + test_random(random) % (MOST - LEAST + 1);
    slots[at].block = block = malloc(slots[at].size);
    CHECK(block != NULL);
    block[0] = (char)at;
    block[slots[at].size - 1] = (char)(at + 1);
}

int main(int argc, char **argv) {
    int      operations = argc > 1 ? atoi(argv[1]) : OPERATIONS;
    uint64_t random = 16;
    size_t   most = 0;
    test_watchdog(300);
    test_need_tide();
    // A replacement is a free and a malloc: two operations.
    for (int i = 0; i < operations / 2; i++) {
        replace(&random);
        if (i % (OPERATIONS / 2 / LOOKS) == 0) {
            size_t mappings = proc_map_count();
            most = mappings > most ? mappings : most;
            CHECK_LE(mappings, MAPPINGS_MAX);
        }
    }
    printf("most mappings: %zu\n", most);
    return 0;
}
