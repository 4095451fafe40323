// heap/secret.c - see secret.h.
#include "heap/secret.h"

#include "os/os.h"

// Sealed when they are drawn; the last one is odd.
static APART struct {
    _Alignas(OS_SEALED_BYTES) uint64_t keys[3];
} secret;
static uint64_t counter;  // relaxed: each value is drawn once, in any order

void secret_start(void) {
    secret.keys[0] = os_random();
    secret.keys[1] = os_random();
    secret.keys[2] = os_random() | 1;
    counter = os_random();
    os_seal(&secret, sizeof secret, true);
}

// Every bit of the answer depends on every bit of the number.
static uint64_t mix(uint64_t number) {
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93u;
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93u;
    return number ^ number >> 32;
}

uint64_t secret_random(void) {
    uint64_t number = __atomic_add_fetch(&counter, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
    return mix(mix(number ^ secret.keys[0]) ^ secret.keys[1]);
}

uint32_t secret_below(uint32_t below) {
    return (uint32_t)((secret_random() >> 32) * below >> 32);
}

// Two products, of which one is by a key: every block that is taken or freed pays for it.
uint64_t secret_canary(uintptr_t block) {
    uint64_t number = (block ^ secret.keys[0]) * secret.keys[2];
    number = ((number ^ number >> 32) + secret.keys[1]) * 0xd6e8feb86659fd93u;
    return (number ^ number >> 32) | 0x0101010101010101u;
}
