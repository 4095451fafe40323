// local/front.h - where a thread of a hardened process puts the small slots that it frees, before
// the quarantine that all threads share: so that few frees take a lock.
//
//   freed slot -> place: takes one of FRONT_PLACES, by chance; who had it goes on
//              -> passing: until there are FRONT_PASSING of them
//              -> the queue of the quarantine (heap/quarantine.h), all at once
//
// Outside of TIDE_QUARANTINE's bytes: at most FRONT_PLACES + FRONT_PASSING slots a thread, of which
// each is a small part of them (quarantine_front_most).
// The thread alone writes, and who has its cache after it (caches.h). Between two stores of its a
// slot may be nowhere, never in two places: a forked child has at most lost one.
#pragma once
#include "heap/quarantine.h"
#include "heap/secret.h"

enum { FRONT_BITS = 5, FRONT_PLACES = 1 << FRONT_BITS, FRONT_PASSING = 16 };

struct front {
    struct secret_dice dice;
    uint32_t           count;  // of those that pass
    uintptr_t          places[FRONT_PLACES];  // quarantine_word; 0: nobody
    uintptr_t          passing[FRONT_PASSING];
};

// Makes one there. NULL: the process is not hardened, or has no quarantine.
struct front *front_make(void *place);
// There is room for one that passes. False: then there is none for another; front_pass is due.
ALWAYS_INLINE bool front_put(struct front *front, void *slot, class_id id) {
    uintptr_t *place = &front->places[secret_throw(&front->dice, FRONT_BITS)];
    uintptr_t  displaced = *place;
    POKE(place, quarantine_word(slot, id));
    if (UNLIKELY(displaced == 0))
        return true;
    uint32_t count = front->count;
    POKE(&front->passing[count], displaced);
    __atomic_signal_fence(__ATOMIC_RELEASE);
    POKE(&front->count, count + 1);
    return LIKELY(count + 1 < FRONT_PASSING);
}
// Those that pass go to the quarantine, until some leave that for them; true: there are more.
bool front_pass(struct front *front, struct quarantine_leavers *leavers);
// All that are here do, as far as that takes no memory, and what leaves the quarantine for that
// goes to its slabs. NULL is nothing. False: there were none.
bool front_drain(struct front *front);
// Slots of a class, asked by any thread: a figure of a moment.
uint64_t front_count(const struct front *front, class_id id);
// Calls `look` for each of them.
void front_each(const struct front *front, void (*look)(void *slot));
