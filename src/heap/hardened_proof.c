// heap/hardened_proof.c - see hardened_proof.h.
#include "heap/hardened_proof.h"

#include "os/fail.h"

// The first byte of the canary that is not as it was written, counted from the base.
static size_t broken_at(uintptr_t base, size_t requested, size_t room) {
    uint64_t  canary = secret_canary(base), mask = proof_canary_mask(requested);
    uint64_t *word = proof_canary_start(base, requested), *end = proof_word(base + room);
    for (; word < end; word++, mask = ~(uint64_t)0) {
        uint64_t wrong = (PEEK(word) ^ canary) & mask;
        if (wrong != 0)
            return (uintptr_t)word - base + bits_lowest(wrong) / 8;
    }
    return room;
}

void proof_fail_behind(const char *function, const struct block *block, size_t room) {
    struct text_line line;
    fail_begin_pointer(&line, function, (void *)block->base);
    text_add(&line, "written behind the end of the ");
    block_add_text(&line, block);
    text_add(&line, ": byte ");
    text_add_number(&line, broken_at(block->base, block->usable, room));
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
