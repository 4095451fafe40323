// heap/bin_figures.c - what a bin adds to the figures, read without its lock. See bin.h.
#include "heap/bin.h"

#include "conf/counters.h"

uint64_t bin_slack(const struct bin *bin) {
    uint64_t taken = PEEK(&bin->taken), touched = PEEK(&bin->touched);
    uint64_t slack = touched > taken ? (touched - taken) * class_bytes(bin->id) : 0;
    uint64_t holes = PEEK(&bin->hole_bytes);
    return slack > holes ? slack - holes : 0;
}

void bin_count(const struct bin *bin, struct counters *totals) {
    uint64_t taken = PEEK(&bin->taken), holes = PEEK(&bin->hole_bytes);
    totals->value[COUNTER_small_bytes] += taken * class_bytes(bin->id);
    totals->value[COUNTER_slabs] += PEEK(&bin->slab_count);
    totals->value[COUNTER_slack_bytes] += bin_slack(bin);
    totals->value[COUNTER_returned_bytes] += holes;
    totals->value[COUNTER_refills] += PEEK(&bin->refills);
    totals->value[COUNTER_flushes] += PEEK(&bin->flushes);
    totals->value[COUNTER_remote_frees] += PEEK(&bin->merged) + PEEK(&bin->pending);
}
