// bench/kv/load_content.c - what the load generator stores: sizes, keys, and contents it can judge.
#include "load_content.h"

#include "kv_protocol.h"

#include <string.h>

enum {
    PLACES = 1 << 17,
    POOL_BYTES = PLACES + 2 * KV_VALUE_MAX,
    SIZE_COUNT = 4096,
    SHARED_HEADER = 16,  // key, place, bytes, and the complement of the three together
};

static unsigned char pool[POOL_BYTES];
static uint32_t sizes[SIZE_COUNT];

// splitmix64: every seed gives a good sequence.
uint64_t random_next(struct random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t random_below(struct random *random, uint32_t limit) {
    return (uint32_t)(((random_next(random) >> 32) * limit) >> 32);
}

// The share of values of at least s bytes falls like s^-0.8: from one doubling to the next it is
// multiplied by 2^-0.8. Inside a doubling the sizes are spread evenly.
static void sizes_init(struct random *random) {
    const double falls = 0.57434917749851755;
    for (uint32_t i = 0; i < SIZE_COUNT; i++) {
        double rank = (i + 0.5) / SIZE_COUNT;
        double least = 1.0;
        uint32_t power = 5;
        while (power < SIZE_MAX_POWER && rank < least * falls) {
            least *= falls;
            power++;
        }
        uint32_t base = 1u << (power - 1);
        sizes[i] = base + 1 + random_below(random, base);
    }
    sizes[0] = KV_VALUE_MAX;
    sizes[SIZE_COUNT - 1] = SIZE_MIN;
}

void content_init(uint64_t seed) {
    struct random random = {seed};
    for (size_t i = 0; i < POOL_BYTES; i += 8)
        kv_put64(pool + i, random_next(&random));
    sizes_init(&random);
}

uint32_t content_size(struct random *random) {
    return sizes[random_below(random, SIZE_COUNT)];
}

uint32_t content_place(struct random *random) {
    return random_below(random, PLACES);
}

const unsigned char *content_at(uint32_t place) {
    return pool + place;
}

static void hex(unsigned char *to, uint32_t number, int digits) {
    while (digits-- > 0) {
        to[digits] = (unsigned char)"0123456789abcdef"[number & 15];
        number >>= 4;
    }
}

// "K:oooooooo:nnnnnnnnn", owner and number in hexadecimal.
void content_key(unsigned char *to, char kind, uint32_t owner, uint32_t number) {
    to[0] = (unsigned char)kind;
    to[1] = ':';
    hex(to + 2, owner, 8);
    to[10] = ':';
    hex(to + 11, number, KEY_BYTES - 11);
}

void content_shared(unsigned char *to, uint32_t key, uint32_t place, uint32_t bytes) {
    kv_put32(to, key);
    kv_put32(to + 4, place);
    kv_put32(to + 8, bytes);
    kv_put32(to + 12, ~(key ^ place ^ bytes));
    memcpy(to + SHARED_HEADER, content_at(place), bytes - SHARED_HEADER);
}

bool content_shared_good(const unsigned char *value, uint32_t key, uint32_t bytes) {
    if (bytes < SHARED_HEADER)
        return false;
    uint32_t place = kv_get32(value + 4);
    return kv_get32(value) == key && kv_get32(value + 8) == bytes && place < PLACES &&
           kv_get32(value + 12) == ~(key ^ place ^ bytes) &&
           memcmp(value + SHARED_HEADER, content_at(place), bytes - SHARED_HEADER) == 0;
}
