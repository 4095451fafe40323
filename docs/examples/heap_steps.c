// docs/examples/heap_steps.c - the classic experiment: which blocks come from where, and go when.
//
//   cc -O1 -fno-builtin -o heap_steps docs/examples/heap_steps.c
//   heap_steps            waits for Enter after each step: time for `tide maps`
//   heap_steps SECONDS    waits so long instead: for `tide watch`
//
// It says on stdout what it did, by write(2): a stream would allocate.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SMALL = 40000, SMALL_BYTES = 200, MIDDLE = 40, MIDDLE_BYTES = 200 << 10 };
enum { BIG = 4, BIG_BYTES = 8 << 20 };

static char  *small[SMALL], *middle[MIDDLE], *big[BIG];
static double seconds;  // 0: wait for Enter

static void step(const char *what) {
    char line[160], answer;
    int  length = snprintf(line, sizeof line, "%d: %s\n", (int)getpid(), what);
    if (write(1, line, (size_t)length) != length)
        exit(1);
    if (seconds > 0) {
        long            whole = (long)seconds;
        struct timespec pause = {whole, (long)((seconds - (double)whole) * 1e9)};
        nanosleep(&pause, NULL);
    } else {
        while (read(0, &answer, 1) == 1 && answer != '\n') {
        }
    }
}

static void fill(char **blocks, size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(bytes);
        if (!blocks[i])
            exit(1);
        memset(blocks[i], 1, bytes);
    }
}

static void empty(char **blocks, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

int main(int argc, char **argv) {
    seconds = argc > 1 ? atof(argv[1]) : 0;
    step("nothing yet");
    fill(small, SMALL, SMALL_BYTES);
    step("40000 blocks of 200 bytes");
    fill(middle, MIDDLE, MIDDLE_BYTES);
    step("and 40 blocks of 200 KiB");
    fill(big, BIG, BIG_BYTES);
    step("and 4 blocks of 8 MiB");
    empty(big, BIG);
    step("the blocks of 8 MiB are freed");
    fill(big, BIG, BIG_BYTES);
    step("4 blocks of 8 MiB again");
    empty(big, BIG);
    empty(middle, MIDDLE);
    step("the blocks of 8 MiB and of 200 KiB are freed");
    empty(small, SMALL);
    step("all is freed");
    malloc_trim(0);
    step("malloc_trim(0)");
    return 0;
}
