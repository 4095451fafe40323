// support/fake_os_fault.c - the fake OS door: what is sealed, accesses that fail and stacks of
// calls, as the test says.
#include "tests/support/fake_os_parts.h"

static void (*fault_hook)(const struct os_fault *fault);
static const uintptr_t *calls;
static unsigned         call_count;
static const void      *sealed_at[FAKE_SEALED_MAX];
static void (*seal_hook)(bool sealed);

void fake_faults_reset(void) {
    fault_hook = NULL;
    call_count = 0;
    seal_hook = NULL;
    memset(sealed_at, 0, sizeof sealed_at);
}

static unsigned sealed_slot(const void *address) {
    unsigned i = 0;
    while (i < FAKE_SEALED_MAX && sealed_at[i] != address)
        i++;
    return i;
}

bool fake_is_sealed(const void *address) {
    return sealed_slot(address) < FAKE_SEALED_MAX;
}

void fake_on_seal(void (*hook)(bool sealed)) {
    seal_hook = hook;
}

// Noted only: a test writes to what it likes.
int os_seal(void *address, size_t bytes, bool sealed) {
    int      error = fake_begin(FAKE_SEAL, address, bytes);
    unsigned slot = sealed_slot(fake_is_sealed(address) ? address : NULL);
    fake_need(slot < FAKE_SEALED_MAX, "too many sealed pages", address, bytes);
    if (!error)
        sealed_at[slot] = sealed ? address : NULL;
    error = fake_end(error);
    if (!error && seal_hook)
        seal_hook(sealed);
    return error;
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

static bool     operators_are_others;
static unsigned operators_asked;

void fake_set_operators(bool are_ours) {
    operators_are_others = !are_ours;
}

unsigned fake_operators_asked(void) {
    return operators_asked;
}

bool os_operators_are_ours(void) {
    operators_asked++;
    return !operators_are_others;
}
