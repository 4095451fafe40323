// heap/hardened_proof.c - see hardened_proof.h.
#include "heap/hardened_proof.h"

#include <string.h>

#include "heap/secret.h"
#include "os/fail.h"

// --- canaries ------------------------------------------------------------------------------------

// The bytes of the word at `address` that lie from `from` on, as a mask.
static uint64_t bytes_from(uintptr_t address, uintptr_t from) {
    return from <= address ? ~(uint64_t)0 : ~(uint64_t)0 << 8 * (from - address);
}

// From the requested end to the end of the room, which is a multiple of eight, as is the base.
void proof_write_canary(uintptr_t base, size_t requested, size_t room) {
    uint64_t  canary = secret_canary(base);
    uintptr_t from = base + requested, at = align_down(from, sizeof canary);
    if (!option(OPT_CANARY) || requested >= room)
        return;
    uint64_t mask = bytes_from(at, from);
    POKE(proof_word(at), (PEEK(proof_word(at)) & ~mask) | (canary & mask));
    while ((at += sizeof canary) < base + room)
        POKE(proof_word(at), canary);
}

// The first byte of the canary that is not as it was written, counted from the base; `room`: it is
// whole.
static size_t broken_at(uintptr_t base, size_t requested, size_t room) {
    uint64_t  canary = secret_canary(base);
    uintptr_t from = base + requested;
    if (!option(OPT_CANARY))
        return room;
    for (uintptr_t at = align_down(from, sizeof canary); at < base + room; at += sizeof canary) {
        uint64_t wrong = (PEEK(proof_word(at)) ^ canary) & bytes_from(at, from);
        if (UNLIKELY(wrong != 0))
            return at - base + bits_lowest(wrong) / 8;
    }
    return room;
}

// --- last words ----------------------------------------------------------------------------------

NORETURN COLD static void fail_behind(const char *function, const struct block *block, size_t at) {
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

NORETURN COLD static void fail_after_free(const char *function, uintptr_t base, size_t bytes,
                                          size_t at) {
    struct text_line line;
    fail_begin_pointer(&line, function, (void *)base);
    text_add(&line, "written after free into a block of the ");
    text_add_number(&line, bytes);
    text_add(&line, "-byte class: byte ");
    text_add_number(&line, at);
    fail_line(&line);
}

void proof_whole(const char *function, const struct block *block, size_t room) {
    size_t at = broken_at(block->base, block->usable, room);
    if (UNLIKELY(at < room))
        fail_behind(function, block, at);
}

// --- what is free is zero ------------------------------------------------------------------------

void proof_clear(class_id id, uintptr_t base) {
    if (option(OPT_ZERO_ON_FREE))
        memset((void *)base, 0, class_bytes(id) - proof_canary_bytes());
}

NORETURN COLD static void fail_not_clear(const char *function, class_id id, uintptr_t base) {
    const uint64_t *words = proof_word(base);
    size_t          at = 0, last = class_bytes(id) / sizeof *words - 1;
    while (at < last && words[at] == 0)
        at++;
    fail_after_free(function, base, class_bytes(id),
                    at * sizeof *words + bits_lowest(words[at] | 1ull << 63) / 8);
}

// Slots are multiples of two words; of the last two one may be canary.
void proof_still_clear(const char *function, class_id id, uintptr_t base) {
    const uint64_t *words = proof_word(base), *last = words + class_bytes(id) / sizeof *words - 2;
    uint64_t        even = last[0], odd = option(OPT_CANARY) ? 0 : last[1];
    if (!option(OPT_ZERO_ON_FREE))
        return;
    for (; words < last; words += 2) {
        even |= words[0];
        odd |= words[1];
    }
    if (UNLIKELY((even | odd) != 0))
        fail_not_clear(function, id, base);
}
