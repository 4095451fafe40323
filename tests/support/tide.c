// tests/support/tide.c - see tide.h.
#include "tests/support/tide.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { BATCH = 50, BATCH_BYTES = 100, PAUSE_MS = 20 };

void *tide_array(size_t bytes) {
    void *array = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(array != MAP_FAILED);
    memset(array, 0xff, bytes);
    return array;
}

size_t tide_mixed_size(uint64_t *state) {
    size_t low = (size_t)16 << test_random(state) % 12;
    return low + 1 + test_random(state) % low;
}

void *tide_block(size_t bytes) {
    void *block = test_hide(malloc(bytes));
    CHECK(block != NULL);
    memset(block, 1, bytes);
    return block;
}

void tide_load_init(struct tide_load *load, size_t most) {
    *load = (struct tide_load){
        .blocks = tide_array(most * sizeof(void *)),
        .sizes = tide_array(most * sizeof(size_t)),
        .most = most,
        .random = 1,
    };
}

void tide_load_add(struct tide_load *load, size_t bytes) {
    CHECK(load->count < load->most);
    load->blocks[load->count] = tide_block(bytes);
    load->sizes[load->count++] = bytes;
    load->live += bytes;
}

void tide_load_free(struct tide_load *load, size_t index) {
    free(load->blocks[index]);
    load->live -= load->blocks[index] ? load->sizes[index] : 0;
    load->blocks[index] = NULL;
}

void tide_load_fill(struct tide_load *load, size_t bytes, size_t (*size)(uint64_t *state)) {
    while (load->live < bytes)
        tide_load_add(load, size(&load->random));
}

void tide_load_empty(struct tide_load *load) {
    for (size_t i = 0; i < load->count; i++)
        tide_load_free(load, i);
}

void tide_load_pack(struct tide_load *load) {
    size_t count = 0;
    for (size_t i = 0; i < load->count; i++) {
        if (!load->blocks[i])
            continue;
        load->blocks[count] = load->blocks[i];
        load->sizes[count++] = load->sizes[i];
    }
    load->count = count;
}

static void batch(enum tide_traffic traffic) {
    void *blocks[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        blocks[i] = tide_block(BATCH_BYTES);
        if (traffic == TIDE_PAIRS)
            free(blocks[i]);
    }
    for (unsigned i = 0; i < BATCH && traffic == TIDE_TOGETHER; i++)
        free(blocks[i]);
}

void tide_light_traffic(enum tide_traffic traffic, unsigned milliseconds) {
    const struct timespec pause = {0, PAUSE_MS * 1000000};
    for (unsigned spent = 0; spent < milliseconds; spent += PAUSE_MS) {
        batch(traffic);
        nanosleep(&pause, NULL);
    }
}

size_t tide_faults(void) {
    struct rusage usage;
    CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
    return (size_t)usage.ru_minflt;
}

size_t tide_rss(void) {
    return proc_rss();
}

void tide_show(const char *what, size_t rss, size_t base, size_t live) {
    const double mib = TIDE_MIB;
    dprintf(STDOUT_FILENO, "%s: RSS %.1f MiB, above the base %.1f MiB", what, (double)rss / mib,
            ((double)rss - (double)base) / mib);
    if (live > 0)
        dprintf(STDOUT_FILENO, ", live %.1f MiB, ratio %.2f", (double)live / mib,
                ((double)rss - (double)base) / (double)live);
    dprintf(STDOUT_FILENO, "\n");
}

void tide_burst(struct tide_load *load, size_t (*size)(uint64_t *state)) {
    size_t base = tide_rss();
    tide_load_fill(load, (size_t)512 * TIDE_MIB, size);
    tide_show("filled", tide_rss(), base, load->live);
    tide_load_empty(load);
    size_t rss = tide_rss();
    tide_show("after the last free", rss, base, 0);
    CHECK_LE(rss, base + (size_t)32 * TIDE_MIB);
    CHECK_EQ(proc_rss_lazy(), 0);
}

void tide_cycles(void (*cycle)(void), unsigned warm, unsigned cycles) {
    for (unsigned i = 0; i < warm; i++)
        cycle();
    size_t before = tide_faults();
    for (unsigned i = 0; i < cycles; i++)
        cycle();
    size_t more = tide_faults() - before;
    dprintf(STDOUT_FILENO, "%zu page faults in %u cycles\n", more, cycles);
    CHECK_LE(more, cycles / 2);
}

void tide_gone(size_t base) {
    enum { TRAFFIC_MS = 2000 };
    tide_light_traffic(TIDE_TOGETHER, TRAFFIC_MS);
    size_t rss = tide_rss();
    tide_show("after light traffic", rss, base, 0);
    CHECK_LE(rss, base + (size_t)32 * TIDE_MIB);
}
