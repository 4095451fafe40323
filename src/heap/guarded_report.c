// heap/guarded_report.c - see guarded_report.h.
//
// In the handler of a fault: nothing here allocates or takes a lock, and what is large is static.
// Of several threads that fail at once the first reports, the others wait for the end. What is
// known without the stack of the fault is written before it is asked for.
#include "heap/guarded_report.h"

#include "heap/family.h"
#include "os/fail.h"

static uint32_t             reporter;  // the kernel's number of that thread; 0 = none yet
static struct os_place      places[GUARDED_CALLS];
static struct guarded_event now;

// Relaxed: it is for order among threads that print, and none lets go. The reporter itself may come
// back, from a signal.
static void begin_report(void) {
    uint32_t me = (uint32_t)os_thread_number(), before = 0;
    if (__atomic_compare_exchange_n(&reporter, &before, me, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        return;
    while (before != me)
        os_wait(&reporter, before);
}

bool guarded_is_reporting(void) {
    uint32_t who = PEEK(&reporter);
    return who != 0 && who == (uint32_t)os_thread_number();
}

static void begin_line(struct text_line *line, const char *text) {
    fail_begin(line);
    text_add(line, text);
}

// --- stacks --------------------------------------------------------------------------------------

static void tell_call(unsigned number, const struct os_place *place) {
    struct text_line line;
    begin_line(&line, "  #");
    text_add_number(&line, number);
    text_add(&line, " ");
    text_add(&line, place->module[0] ? place->module : "?");
    text_add(&line, "+");
    text_add_hex(&line, place->offset);
    fail_write(&line);
}

// Where a call returns to is behind it: one byte less lies in it. Our own calls that lead to the
// event are left out.
static void tell_calls(const struct guarded_event *event, bool is_fault) {
    unsigned first = 0;
    for (unsigned i = 0; i < event->count; i++)
        places[i].address = event->calls[i] - (is_fault && i == 0 ? 0 : 1);
    os_find_places(places, event->count);
    while (first < event->count && places[first].is_ours)
        first++;
    for (unsigned i = first; i < event->count; i++)
        tell_call(i - first, &places[i]);
}

static void tell_event(const char *what, const struct guarded_event *event, bool is_fault) {
    struct text_line line;
    begin_line(&line, what);
    text_add(&line, " by thread ");
    text_add_number(&line, event->thread);
    text_add(&line, ":");
    fail_write(&line);
    tell_calls(event, is_fault);
}

static void tell_life(const struct guarded_place *place) {
    tell_event("allocated", &place->taken, false);
    if (place->given.thread != 0)
        tell_event("freed", &place->given, false);
}

// --- accesses that failed ------------------------------------------------------------------------

// "0 bytes after the end of": the first byte that is not the block's.
static void add_where(struct text_line *line, const struct guarded_place *place,
                      uintptr_t address) {
    uintptr_t end = place->base + place->bytes;
    bool      before = address < place->base, inside = !before && address < end;
    uint64_t  distance = before   ? place->base - address
                         : inside ? address - place->base
                                  : address - end;
    text_add(line, inside ? "at offset " : "");
    text_add_number(line, distance);
    if (!inside) {
        text_add(line, distance == 1 ? " byte" : " bytes");
        text_add(line, before ? " before the start" : " after the end");
    }
    text_add(line, " of");
}

static void add_block(struct text_line *line, const struct guarded_place *place) {
    text_add(line, " the ");
    text_add_number(line, place->bytes);
    text_add(line, "-byte block at ");
    text_add_hex(line, place->base);
}

static const char *name_of(const struct guarded_place *place, uintptr_t address) {
    if (PEEK(&place->state) == GUARDED_FREED)
        return "use after free: ";
    return address < place->base ? "buffer underflow: " : "buffer overflow: ";
}

static const char *verb_of(enum os_fault_kind kind) {
    return kind == OS_FAULT_WRITE ? "write to " : kind == OS_FAULT_READ ? "read of " : "access to ";
}

void guarded_report_fault(const struct os_fault *fault) {
    begin_report();
    const struct guarded_place *place = guarded_nearest(fault->address);
    struct text_line            line;
    fail_begin(&line);
    text_add(&line, place ? name_of(place, fault->address) : "wild pointer: ");
    text_add(&line, verb_of(fault->kind));
    text_add_hex(&line, fault->address);
    text_add(&line, ", ");
    if (place) {
        add_where(&line, place, fault->address);
        add_block(&line, place);
    } else {
        text_add(&line, "in a guard page");
    }
    fail_write(&line);
    if (place)
        tell_life(place);
    now.thread = (uint32_t)os_thread_number();
    now.count = os_calls_of_fault(fault, now.calls, GUARDED_CALLS);
    tell_event("accessed", &now, true);
    os_abort();
}

// --- calls with a wrong pointer ------------------------------------------------------------------

NORETURN static void end_in_call(struct text_line *line, const char *function,
                                 const struct guarded_place *place) {
    fail_write(line);
    if (place)
        tell_life(place);
    now.thread = (uint32_t)os_thread_number();
    now.count = os_calls(now.calls, GUARDED_CALLS);
    tell_event(function, &now, false);
    os_abort();
}

void guarded_report_pattern(const char *function, const struct guarded_place *place,
                            uintptr_t address) {
    struct text_line line;
    begin_report();
    fail_begin_pointer(&line, function, (const void *)place->base);
    text_add(&line, "memory was written ");
    add_where(&line, place, address);
    text_add(&line, " the ");
    text_add_number(&line, place->bytes);
    text_add(&line, "-byte block");
    end_in_call(&line, function, place);
}

void guarded_fail(const char *function, const void *pointer) {
    const struct guarded_place *place = guarded_nearest((uintptr_t)pointer);
    struct text_line            line;
    begin_report();
    fail_begin_pointer(&line, function, pointer);
    if (!place) {
        text_add(&line, "pointer into a guard page");
    } else if (place->base != (uintptr_t)pointer) {
        text_add(&line, "pointer ");
        add_where(&line, place, (uintptr_t)pointer);
        add_block(&line, place);
    } else {
        text_add(&line, fail_is_free(function) ? "double free of a "
                                               : "memory that is free already: a ");
        text_add_number(&line, place->bytes);
        text_add(&line, "-byte block");
    }
    end_in_call(&line, function, place);
}

void guarded_fail_size(const char *function, const void *pointer, size_t bytes) {
    const struct guarded_place *place = guarded_nearest((uintptr_t)pointer);
    struct text_line            line;
    begin_report();
    fail_begin_size(&line, function, pointer, bytes, place->bytes);
    end_in_call(&line, function, place);
}

void guarded_fail_family(const char *function, const void *pointer) {
    const struct guarded_place *place = guarded_nearest((uintptr_t)pointer);
    struct text_line            line;
    begin_report();
    fail_begin_pointer(&line, function, pointer);
    text_add(&line, "allocated by ");
    text_add(&line, family_maker((enum family)place->family));
    text_add(&line, ": a ");
    text_add_number(&line, place->bytes);
    text_add(&line, "-byte block");
    end_in_call(&line, function, place);
}
