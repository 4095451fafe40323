// heap/hardened_family.c - see hardened_family.h.
#include "heap/hardened_family.h"

#include "os/fail.h"

// The caller just took the block: nobody else writes its record, and nothing is to be proved.
void hardened_note_family(void *pointer, enum family family) {
    uintptr_t address = (uintptr_t)pointer;
    class_id  id = page_map_class(address);
    if (LIKELY(id == CLASS_HEAP_SLAB)) {
        struct slab *slab = slab_find(address);
        uint16_t    *mark = slab_mark(slab, slab_slot_of(slab, address));
        POKE(mark, slot_mark(slot_rest(PEEK(mark)), family));
    } else if (id == CLASS_LARGE || id == CLASS_HUGE) {
        struct span *span = page_map_span(address);
        span_set_request(span, span_requested(span), family);
    }
}

enum family hardened_family(const struct block *block) {
    if (block->kind != BLOCK_SMALL)
        return (enum family)span_family(block->span);
    return (enum family)slot_family(
        PEEK(slab_mark(block->slab, slab_slot_of(block->slab, block->base))));
}

void hardened_fail_family(const char *function, const struct block *block, enum family family) {
    struct text_line line;
    fail_begin_pointer(&line, function, (void *)block->base);
    text_add(&line, "allocated by ");
    text_add(&line, family_maker(family));
    text_add(&line, ": a ");
    block_add_text(&line, block);
    fail_line(&line);
}
