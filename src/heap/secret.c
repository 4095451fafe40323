// heap/secret.c - see secret.h.
#include "heap/secret.h"

APART struct secret_keys secret_keys;
static uint64_t counter;  // relaxed: each value is drawn once, in any order

void secret_start(void) {
    secret_keys.block = os_random();
    secret_keys.factor = os_random() | 1;
    counter = os_random();
    os_seal(&secret_keys, sizeof secret_keys, true);
}

// Every bit of the answer depends on every bit of the number.
static uint64_t mix(uint64_t number) {
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93u;
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93u;
    return number ^ number >> 32;
}

uint64_t secret_random(void) {
    uint64_t number = __atomic_add_fetch(&counter, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
    return mix(mix(number ^ secret_keys.block) ^ secret_keys.factor);
}

uint32_t secret_below(uint32_t below) {
    return (uint32_t)((secret_random() >> 32) * below >> 32);
}
