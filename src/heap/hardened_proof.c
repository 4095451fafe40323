// heap/hardened_proof.c - see hardened_proof.h.
#include "heap/hardened_proof.h"

#include "os/fail.h"

#define HIGHEST(bytes) (~(uint64_t)0 << (64 - 8 * (bytes)))

const uint64_t proof_tail_masks[] = {
    0,          0,          0,          0,          0,          0,          0,
    0,          0,          0,          0,          0,          0,          0,
    0,          0,          0,          HIGHEST(1), HIGHEST(2), HIGHEST(3), HIGHEST(4),
    HIGHEST(5), HIGHEST(6), HIGHEST(7), HIGHEST(8), HIGHEST(8), HIGHEST(8), HIGHEST(8),
    HIGHEST(8), HIGHEST(8), HIGHEST(8), HIGHEST(8), HIGHEST(8)};

uintptr_t proof_broken(uintptr_t base, uintptr_t from, uintptr_t end, const uint64_t *words) {
    uint64_t canary = secret_canary(base), mask = proof_canary_mask(from - base);
    for (uintptr_t at = align_down(from, sizeof canary); at < end; at += sizeof canary) {
        uint64_t wrong = (PEEK(words++) ^ canary) & mask;
        if (UNLIKELY(wrong != 0))
            return at + bits_lowest(wrong) / 8;
        mask = ~(uint64_t)0;
    }
    return end;
}

size_t proof_broken_at(const struct block *block, size_t room) {
    return proof_broken(block->base, block->base + block->usable, block->base + room,
                        proof_canary_start(block->base, block->usable)) -
           block->base;
}

// --- last words ----------------------------------------------------------------------------------

void proof_fail_behind(const char *function, const struct block *block, size_t at) {
    struct text_line line;
    fail_begin_pointer(&line, function, (void *)block->base);
    text_add(&line, "written behind the end of the ");
    block_add_text(&line, block);
    text_add(&line, ": byte ");
    text_add_number(&line, at);
    fail_line(&line);
}

void proof_fail_before(const char *function, const struct block *block) {
    struct text_line line;
    fail_begin_pointer(&line, function, (void *)block->base);
    text_add(&line, "written before the start of the ");
    block_add_text(&line, block);
    fail_line(&line);
}

// The first byte that is not zero; one of the last word, where somebody cleared it meanwhile.
static size_t written_at(uintptr_t base, size_t room) {
    const uint64_t *words = proof_word(base);
    size_t          at = 0, last = room / sizeof *words - 1;
    while (at < last && words[at] == 0)
        at++;
    return at * sizeof *words + bits_lowest(words[at] | 1ull << 63) / 8;
}

void proof_fail_clear(const char *function, uintptr_t base, size_t room) {
    struct text_line line;
    fail_begin_pointer(&line, function, (void *)base);
    text_add(&line, "written after free into a block of the ");
    text_add_number(&line, room);
    text_add(&line, "-byte class: byte ");
    text_add_number(&line, written_at(base, room));
    fail_line(&line);
}
