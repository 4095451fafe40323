// local/front.c - see front.h.
#include "local/front.h"

#include "heap/hardened.h"

// Who counts may look meanwhile.
struct front *front_make(void *place) {
    struct front *front = place;
    if (!hardened_is_on() || quarantine_front_most == 0)
        return NULL;
    POKE(&front->count, 0);
    for (unsigned i = 0; i < FRONT_PLACES; i++)
        POKE(&front->places[i], 0);
    for (unsigned i = 0; i < FRONT_PASSING; i++)
        POKE(&front->passing[i], 0);
    front->dice = (struct secret_dice){.row = secret_random()};
    return front;
}

static bool pass(struct front *front, bool may_grow, struct quarantine_leavers *leavers) {
    quarantine_pass(front->passing, &front->count, may_grow, leavers);
    return front->count > 0;
}

bool front_pass(struct front *front, struct quarantine_leavers *leavers) {
    return pass(front, true, leavers);
}

// While there is room.
static bool move_places(struct front *front) {
    bool left = false;
    for (unsigned i = 0; i < FRONT_PLACES; i++) {
        uintptr_t word = front->places[i];
        if (word == 0)
            continue;
        if (front->count == FRONT_PASSING) {
            left = true;
            break;
        }
        POKE(&front->places[i], 0);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        POKE(&front->passing[front->count], word);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        POKE(&front->count, front->count + 1);
    }
    return left;
}

bool front_drain(struct front *front) {
    struct quarantine_leavers leavers;
    bool                      more = front != NULL, some = false;
    while (more) {
        more = move_places(front);
        some |= front->count > 0;
        more |= pass(front, false, &leavers);
        hardened_leave_due(&leavers);
    }
    return some;
}

static bool is_of(uintptr_t word, class_id id) {
    return word != 0 && quarantine_class(word) == id;
}

uint64_t front_count(const struct front *front, class_id id) {
    uint64_t slots = 0;
    for (unsigned i = 0; i < FRONT_PLACES; i++)
        slots += is_of(PEEK(&front->places[i]), id);
    // It may begin anew meanwhile.
    uint32_t count = (uint32_t)min_size(PEEK(&front->count), FRONT_PASSING);
    for (uint32_t i = 0; i < count; i++)
        slots += is_of(PEEK(&front->passing[i]), id);
    return slots;
}

void front_each(const struct front *front, void (*look)(void *slot)) {
    for (unsigned i = 0; i < FRONT_PLACES; i++)
        if (front->places[i])
            look(quarantine_slot(front->places[i]));
    for (uint32_t i = 0; i < front->count; i++)
        look(quarantine_slot(front->passing[i]));
}
