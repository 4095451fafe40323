// support/fake_os_fault.c - the fake OS door: accesses that fail and stacks of calls, as the test
// says.
#include "tests/support/fake_os_parts.h"

static void (*fault_hook)(const struct os_fault *fault);
static const uintptr_t *calls;
static unsigned         call_count;

void fake_faults_reset(void) {
    fault_hook = NULL;
    call_count = 0;
}

void fake_set_calls(const uintptr_t *places, unsigned count) {
    calls = places;
    call_count = count;
}

bool fake_fault(uintptr_t address, enum os_fault_kind kind) {
    struct os_fault fault = {.address = address, .kind = kind, .code = 0x4000};
    if (!fault_hook)
        return false;
    fault_hook(&fault);
    return true;
}

int os_fault_hook(void (*hook)(const struct os_fault *fault)) {
    int error = fake_begin(FAKE_FAULT_HOOK, NULL, 0);
    if (!error)
        fault_hook = hook;
    return fake_end(error);
}

void os_calls_start(void) {
}

unsigned os_calls(uintptr_t *places, unsigned most) {
    unsigned count = call_count < most ? call_count : most;
    for (unsigned i = 0; i < count; i++)
        places[i] = calls[i];
    return count;
}

unsigned os_calls_of_fault(const struct os_fault *fault, uintptr_t *places, unsigned most) {
    places[0] = fault->code;
    return 1 + os_calls(places + 1, most - 1);
}

void os_find_places(struct os_place *places, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        places[i].offset = places[i].address - 0x1000;
        places[i].is_ours = places[i].address < FAKE_OURS_END;
        memcpy(places[i].module, "prog", 5);
    }
}
