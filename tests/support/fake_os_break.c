// support/fake_os_break.c - the data segment of the fake OS door: an area of its own.
#include "tests/support/fake_os_parts.h"

#define BREAK_BYTES MIB(256)

static char     *break_area;
static uintptr_t break_start, break_now, break_limit;
static uintptr_t foreign_top;  // what lies below is somebody's; 0 = nobody's
static unsigned  foreign_nth;
static intptr_t  foreign_bytes;

void fake_break_place(size_t offset, size_t limit) {
    if (!break_area)
        break_area = fake_area(BREAK_BYTES);
    fake_set_memory((uintptr_t)break_area, BREAK_BYTES, false);
    break_start = break_now = (uintptr_t)break_area + offset;
    break_limit = (uintptr_t)break_area + min_size(limit, BREAK_BYTES);
    foreign_top = 0;
    foreign_nth = 0;
    fake_set_memory(align_down(break_start, 4096),
                    align_up(break_start, 4096) - align_down(break_start, 4096), true);
}

bool fake_is_in_break_area(uintptr_t start, size_t bytes) {
    uintptr_t area = (uintptr_t)break_area;
    return area && start < area + BREAK_BYTES && start + bytes > area;
}

bool fake_is_in_break(uintptr_t start, size_t bytes) {
    return fake_is_in_break_area(start, bytes) && start >= align_down(break_start, 4096) &&
           start + bytes <= align_up(break_now, 4096);
}

size_t fake_break_resident(void) {
    return break_area ? fake_count_resident(break_start, break_now) : 0;
}

// The break before the move; 0 when it cannot be there.
static uintptr_t move_break(intptr_t bytes) {
    uintptr_t old = break_now, new = old + (uintptr_t)bytes;
    if (new < break_start || new > break_limit)
        return 0;
    uintptr_t old_page = align_up(old, 4096), new_page = align_up(new, 4096);
    if (new_page > old_page)
        fake_set_memory(old_page, new_page - old_page, true);
    else
        fake_set_memory(new_page, old_page - new_page, false);
    break_now = new;
    return old;
}

void fake_break_foreign(intptr_t bytes) {
    fake_need(move_break(bytes) != 0, "no room for a foreign move of the break", (void *)break_now,
              (size_t)bytes);
    foreign_top = break_now;
}

void fake_break_foreign_before(unsigned nth, intptr_t bytes) {
    foreign_nth = nth;
    foreign_bytes = bytes;
}

void *os_break(void) {
    fake_enter();
    void *now = (void *)break_now;
    fake_leave();
    return now;
}

void *os_break_move(intptr_t bytes) {
    int error = fake_begin(FAKE_BREAK, NULL, 0);
    if (fake_last_record())
        fake_last_record()->delta = bytes;
    if (foreign_nth && --foreign_nth == 0)
        fake_break_foreign(foreign_bytes);
    fake_need(error || bytes >= 0 || break_now + (uintptr_t)bytes >= foreign_top,
              "cutting off somebody's part of the data segment", (void *)break_now, (size_t)-bytes);
    return fake_end_at(error ? NULL : (void *)move_break(bytes));
}

// --- the limit on data ---------------------------------------------------------------------------

bool os_data_is_limited(void) {
    return fake_world.data_is_limited;
}

void fake_set_data_limited(bool limited) {
    fake_world.data_is_limited = limited;
}
