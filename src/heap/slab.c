// heap/slab.c - the bitmaps of slab.h.
#include "heap/slab.h"

#include "conf/options.h"
#include "heap/fence.h"
#include "heap/secret.h"
#include "os/fail.h"
#include "os/os.h"

// Records come in seven lengths, one type-stable pool each: 1, 2, 4 .. 64 words a bitmap.
enum { SLAB_POOLS = 7 };
enum { LINES_MAX = 4 };  // longest batch, in cache lines, that is taken in whole ones
#define RECORD_BYTES(words) ((sizeof(struct slab) + 2 * 8 * (words) + 15) & ~(size_t)15)
#define SLAB_POOL(words)                                                                           \
    { .record_bytes = RECORD_BYTES(words) }
_Static_assert(SLAB_SLOTS_MAX <= 64 * BITMAP_WORD_BITS, "room_words has a bit for each free word");
static struct meta_pool slab_pools[SLAB_POOLS] = {SLAB_POOL(1),  SLAB_POOL(2),  SLAB_POOL(4),
                                                  SLAB_POOL(8),  SLAB_POOL(16), SLAB_POOL(32),
                                                  SLAB_POOL(64)};

void slab_harden(void) {
    for (unsigned i = 0; i < SLAB_POOLS; i++)
        slab_pools[i].record_bytes = (uint32_t)(RECORD_BYTES(1u << i) +
                                                sizeof(uint16_t) * BITMAP_WORD_BITS * (1u << i));
}

// Relaxed: a late reader of the record that was here before may look.
static void clear_marks(struct slab *slab) {
    for (uint32_t slot = 0; slot < slab->slot_count; slot++)
        POKE(slab_mark(slab, slot), SLOT_FRESH);
}

// Slots of a new slab whose pages an earlier holder of the span left resident.
static uint16_t touched_slots(const struct span *span, class_id id) {
    size_t slots = (span->resident + class_bytes(id) - 1) / class_bytes(id);
    return (uint16_t)min_size(slots, size_class_table[id].slots);
}

struct slab *slab_new(struct span *span, struct bin *bin, class_id id) {
    size_t       words = bitmap_words(size_class_table[id].slots);
    unsigned     pool = bits_highest(bits_round_up_power(words));
    struct slab *slab = meta_take(&slab_pools[pool]);
    if (!slab)
        return NULL;
    slab->span = span;
    POKE(&slab->bin, bin);
    slab->base = span->base;
    slab->id = id;
    slab->pool = (uint8_t)pool;
    slab->slot_count = size_class_table[id].slots;
    slab->word_count = (uint16_t)words;
    slab->free_shift = (uint8_t)(max_size(bits_highest(slab->slot_count), 3) - 3);
    slab->free_count = slab->slot_count;
    slab->high_water = touched_slots(span, id);
    slab->room_words = bits_low_mask((unsigned)words);
    slab->listed = false;
    slab->waits = false;
    slab->busy = false;
    slab->hole_bytes = 0;
    slab->seen_free = slab->high_water > 0 ? 0 : slab->slot_count;
    slab->patience = 0;
    slab->by_trim = false;
    slab->fence = SLAB_OPEN;
    slab->spare = false;
    POKE(&slab->handoff, 0);
    for (size_t i = 0; i < words; i++) {
        size_t slots = min_size(slab->slot_count - i * BITMAP_WORD_BITS, BITMAP_WORD_BITS);
        POKE(&slab->words[i], bits_low_mask((unsigned)slots));
        POKE(&slab_returned(slab)[i], 0);
    }
    if (UNLIKELY(option(OPT_HARDENED) != 0))
        clear_marks(slab);
    return slab;
}

void slab_delete(struct slab *slab) {
    meta_give(&slab_pools[slab->pool], slab);
}

// Takes up to `count` slots, lowest first, of one free word that has some, into out[count - 1]
// downwards. Returns how many stay to be taken.
static uint32_t take_word(struct slab *slab, uint32_t word, uint64_t from, void **out,
                          uint32_t count) {
    uint64_t  left = from;
    uint32_t  bytes = slab_bytes(slab);
    uintptr_t start = slab_slot_address(slab, word * BITMAP_WORD_BITS);
    do {
        out[--count] = (void *)(start + (uintptr_t)bits_lowest(left) * bytes);
        left &= left - 1;
    } while (left && count > 0);
    uint64_t free = slab->words[word] & ~(from & ~left);
    POKE(&slab->words[word], free);
    if (!free)
        slab->room_words &= ~((uint64_t)1 << word);
    return count;
}

// Of a word's free slots those whose whole cache line is free; `group` slots, 2 or 4, make a line.
static uint64_t whole_lines(uint64_t free, uint32_t group) {
    uint64_t first = free & free >> 1 & 0x5555555555555555;
    if (group == 4)
        first &= first >> 2 & 0x1111111111111111;
    return first * ((1u << group) - 1);
}

// A thread's first batches of the smallest classes are whole lines where the slab has enough of
// them: what two threads write to then shares no line. Returns `count`, or 0: nothing taken.
static uint32_t take_lines(struct slab *slab, void **out, uint32_t count) {
    uint32_t group = CACHE_LINE / slab_bytes(slab), found = 0, left = count;
    for (uint64_t words = slab->room_words; words && found < count; words &= words - 1)
        found += bits_count(whole_lines(slab->words[bits_lowest(words)], group));
    if (found < count)
        return 0;
    for (uint64_t words = slab->room_words; left > 0; words &= words - 1) {
        uint32_t word = bits_lowest(words);
        uint64_t lines = whole_lines(slab->words[word], group);
        if (lines)
            left = take_word(slab, word, lines, out, left);
    }
    return count;
}

static bool wants_lines(const struct slab *slab, uint32_t count) {
    uint32_t bytes = slab_bytes(slab), batch = count * bytes;
    return bytes < CACHE_LINE && CACHE_LINE % bytes == 0 && batch % CACHE_LINE == 0 &&
           batch <= LINES_MAX * CACHE_LINE;
}

// Relaxed: whoever made the fence gave a slot back since, under the lock or through the hand-back.
bool slab_open_fence(struct slab *slab) {
    if (LIKELY(PEEK(&slab->fence) != SLAB_FENCED))
        return true;
    if (!fence_remove((void *)slab->span->base, slab->base - slab->span->base))
        return false;
    POKE(&slab->fence, SLAB_OPEN);
    return true;
}

// `taken` slots were, `highest` among them.
static void note_taken(struct slab *slab, uint32_t taken, uint32_t highest) {
    if (highest >= slab->high_water)
        slab->high_water = (uint16_t)(highest + 1);
    slab->free_count = (uint16_t)(slab->free_count - taken);
    if (slab->seen_free > slab->free_count)
        slab->seen_free = slab->free_count;
    if (slab->hole_bytes)
        slab->hole_bytes -= (uint32_t)min_size(slab->hole_bytes, (size_t)taken * slab_bytes(slab));
}

// The first bit that is set from `turn` on; behind it there is none: the first.
static uint32_t first_from(uint64_t bits, uint32_t turn) {
    uint64_t behind = bits >> turn << turn;
    return bits_lowest(behind ? behind : bits);
}

// A free slot. The word of the first one that was never used is among those chosen from, and all
// before it. One behind taken ones is likelier than others, by as many as these are.
static uint32_t draw(const struct slab *slab, uint32_t high_water, struct secret_dice *dice) {
    uint32_t used = (uint32_t)min_size(high_water / BITMAP_WORD_BITS + 1, slab->word_count);
    uint64_t words = slab->room_words & bits_low_mask(used);
    if (!words)
        words = slab->room_words;
    uint32_t word = first_from(words, secret_throw_below(dice, used));
    uint32_t slots =
        (uint32_t)min_size(slab->slot_count - word * BITMAP_WORD_BITS, BITMAP_WORD_BITS);
    return word * BITMAP_WORD_BITS + first_from(slab->words[word], secret_throw_below(dice, slots));
}

// Apart: inlined, it takes registers from those who have nothing to do with it.
NOINLINE static uint32_t take_random(struct slab *slab, void **out, uint32_t count) {
    uint32_t taken = count < slab->free_count ? count : slab->free_count, end = slab->high_water;
    struct secret_dice dice = {.row = secret_random()};
    if (config_debug)
        slab_check(slab);
    for (uint32_t i = 0; i < taken; i++) {
        uint32_t  slot = draw(slab, end, &dice);
        uint64_t *free = &slab->words[slot / BITMAP_WORD_BITS];
        POKE(free, *free & ~((uint64_t)1 << slot % BITMAP_WORD_BITS));
        if (*free == 0)
            slab->room_words &= ~((uint64_t)1 << slot / BITMAP_WORD_BITS);
        end = (uint32_t)max_size(end, slot + 1);
        out[i] = (void *)slab_slot_address(slab, slot);
    }
    if (taken > 0)
        note_taken(slab, taken, end - 1);
    return taken;
}

uint32_t slab_take(struct slab *slab, void **out, uint32_t count) {
    if (config_debug)
        slab_check(slab);
    uint32_t taken = count < slab->free_count ? count : slab->free_count;
    if (taken == 0)
        return 0;
    uint32_t left = taken;
    if (wants_lines(slab, count) && taken == count)
        left -= take_lines(slab, out, count);
    while (left > 0) {
        uint32_t word = bits_lowest(slab->room_words);
        left = take_word(slab, word, slab->words[word], out, left);
    }
    note_taken(slab, taken, slab_slot_of(slab, (uintptr_t)out[0]));  // the highest
    return taken;
}

uint32_t slab_take_next(struct slab *slab, void **out, uint32_t count) {
    if (LIKELY(option(OPT_HARDENED) == 0) || option(OPT_RANDOM_SLOTS) == 0)
        return slab_take(slab, out, count);
    return take_random(slab, out, count);
}

uint32_t slab_give(struct slab *slab, void *const *slots, uint32_t count) {
    // In variables of their own: to the compiler, a bitmap word that is written may be any of them.
    const struct size_class *class = &size_class_table[slab->id];
    uintptr_t     base = slab->base;
    uint64_t      reciprocal = class->reciprocal, room_words = slab->room_words;
    size_t        bytes = class->bytes, used = slab->slot_count * bytes, words = slab->word_count;
    void *const  *at = slots, *const *end = slots + count;
    do {
        size_t offset = (uintptr_t)*at - base;
        if (offset >= used)
            break;
        uint64_t  slot = size_class_slot_by(reciprocal, offset), word = slot / BITMAP_WORD_BITS;
        uint64_t *place = &slab->words[word], free = *place;
        uint64_t  not_taken = free | PEEK(&place[words]);
        if (UNLIKELY(slot * bytes != offset || ((not_taken >> (slot % BITMAP_WORD_BITS)) & 1)))
            break;
        POKE(place, free | (uint64_t)1 << (slot % BITMAP_WORD_BITS));
        room_words |= (uint64_t)1 << (word % 64);
    } while (++at < end);
    slab->room_words = room_words;
    slab->free_count = (uint16_t)(slab->free_count + (at - slots));
    return (uint32_t)(at - slots);
}

// A double free that raced with the first: both passed the look of slab_return_bits.
NORETURN COLD static void fail_returned(const struct slab *slab, uint32_t word, uint64_t bits) {
    uint32_t slot = word * BITMAP_WORD_BITS + bits_lowest(bits);
    slab_fail("free", (void *)slab_slot_address(slab, slot), slab);
}

uint32_t slab_merge(struct slab *slab) {
    uint32_t count = 0;
    if (config_debug)
        slab_check(slab);
    // M2. Acquire and release: pairs with R3 (slab_return_end), see theory a.
    __atomic_fetch_and(&slab->handoff, ~(uint32_t)1, __ATOMIC_ACQ_REL);
    for (uint32_t word = 0; word < slab->word_count; word++) {
        uint64_t came = bitmap_atomic_take_word(&slab_returned(slab)[word]);
        if (!came)
            continue;
        if (UNLIKELY(came & slab->words[word]))
            fail_returned(slab, word, came & slab->words[word]);
        POKE(&slab->words[word], slab->words[word] | came);
        count += bits_count(came);
        slab->room_words |= (uint64_t)1 << word;
    }
    slab->free_count = (uint16_t)(slab->free_count + count);
    return count;
}

bool slab_is_idle(const struct slab *slab) {
    // Acquire: pairs with R3; a zero means that every R is done with the slab.
    return slab->free_count == slab->slot_count && !slab->busy &&
           __atomic_load_n(&slab->handoff, __ATOMIC_ACQUIRE) == 0;
}

size_t slab_resident(const struct slab *slab) {
    size_t before = slab->span->resident - slab->tail_bytes;
    size_t used = max_size((size_t)slab->high_water * slab_bytes(slab), before);
    return used - min_size(used, slab->hole_bytes) + slab->tail_bytes;
}

void slab_return_begin(struct slab *slab) {
    // R1. Relaxed: ordered before R2 by R2's release, which is what M4 relies on (theory b).
    __atomic_fetch_add(&slab->handoff, 2, __ATOMIC_RELAXED);
}

uint64_t slab_return_bits(struct slab *slab, uint32_t word, uint64_t bits) {
    // The free word belongs to the bin's lock; a relaxed look can only miss a misuse, never invent
    // one: the bits in question are taken, and nobody else may change them.
    uint64_t free_already = PEEK(&slab->words[word]) & bits;
    return bitmap_atomic_or(&slab_returned(slab)[word], bits) | free_already;
}

bool slab_return_end(struct slab *slab) {
    // R3. Acquire and release: pairs with M2 and M4, see theory a and b.
    uint32_t old = PEEK(&slab->handoff);
    while (!__atomic_compare_exchange_n(&slab->handoff, &old, (old | 1) - 2, true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    }
    return !(old & 1);
}

bool slab_slot_is_free(struct slab *slab, uint32_t slot) {
    uint32_t word = slot / BITMAP_WORD_BITS;
    uint64_t both = PEEK(&slab->words[word]) | PEEK(&slab_returned(slab)[word]);
    return (both >> (slot % BITMAP_WORD_BITS)) & 1;
}

// Relaxed: while a slab's holes are given back others may still free slots of it, never take them.
// A bit that is missed costs a hole.
static bool bit_peek(const uint64_t *words, uint32_t bit) {
    return (PEEK(&words[bit / BITMAP_WORD_BITS]) >> (bit % BITMAP_WORD_BITS)) & 1;
}

// The end of the run of free slots that starts at `slot`; everything from high_water on is outside.
static uint32_t free_run_end(const struct slab *slab, uint32_t slot) {
    while (slot < slab->high_water && bit_peek(slab->words, slot))
        slot++;
    return slot;
}

size_t slab_slack(const struct slab *slab) {
    return (size_t)(slab->free_count + slab->high_water - slab->slot_count) * slab_bytes(slab);
}

uintptr_t slab_touched_end(const struct slab *slab) {
    return align_up(slab_slot_address(slab, slab->high_water), os_page_bytes());
}

bool slab_next_hole(const struct slab *slab, uint32_t *slot, uintptr_t *start, uintptr_t *end) {
    size_t    page = os_page_bytes();
    uintptr_t touched_end = slab_touched_end(slab);
    while (*slot < slab->high_water) {
        uint32_t last = free_run_end(slab, *slot);
        *start = align_up(slab_slot_address(slab, *slot), page);
        *end = last == slab->high_water ? span_end(slab->span)
                                        : align_down(slab_slot_address(slab, last), page);
        *slot = last + 1;
        if (*start < min_size(*end, touched_end))
            return true;
    }
    return false;
}

void slab_fail(const char *function, const void *pointer, const struct slab *slab) {
    uint32_t slot = slab_slot_of(slab, (uintptr_t)pointer), bytes = slab_bytes(slab);
    if (slot < slab->slot_count && slab_slot_address(slab, slot) == (uintptr_t)pointer)
        fail_block(function, pointer, "double free of a ", bytes, "-byte block");
    struct text_line line;
    fail_begin_pointer(&line, function, pointer);
    text_add(&line, "pointer into the middle of a ");
    text_add_number(&line, bytes);
    text_add(&line, "-byte block (starts at ");
    text_add_hex(&line, slab_slot_address(slab, slot));
    text_add(&line, ")");
    fail_line(&line);
}

void slab_check(struct slab *slab) {
    if (bitmap_count(slab->words, slab->slot_count) != slab->free_count)
        fail_internal("slab: free_count is not the number of free slots");
    if (!bitmap_all_set(slab->words, slab->high_water, slab->slot_count))
        fail_internal("slab: a slot above the high water mark is taken");
    for (uint32_t word = 0; word < slab->word_count; word++) {
        if (slab->words[word] & PEEK(&slab_returned(slab)[word]))
            fail_internal("slab: a slot is both free and returned");
        if ((slab->words[word] != 0) != ((slab->room_words >> word) & 1))
            fail_internal("slab: room_words is not the words with room");
    }
}
