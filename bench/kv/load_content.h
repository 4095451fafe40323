// bench/kv/load_content.h - what the load generator stores: sizes, keys, and contents it can judge.
//
// All contents are stretches of one random pool, so that a value is made by a copy and judged by a
// comparison, byte for byte. A shared key is written by many connections at once: its value begins
// with a header that says which stretch it is. A connection's own key needs no header, for the
// connection knows what it stored.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIZE_MIN = 16,       // bytes of the smallest value; holds the header of a shared one
    SIZE_MAX_POWER = 16, // the largest is 2^16 bytes
    KEY_BYTES = 20,      // of any key
};

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit);  // 0 to limit - 1; limit > 0

void     content_init(uint64_t seed);             // once, before any thread starts
uint32_t content_size(struct random *random);     // power law: SIZE_MIN to 64 KiB, mean about 480
uint32_t content_place(struct random *random);    // where in the pool a value may begin
const unsigned char *content_at(uint32_t place);  // at least 128 KiB from there on

void content_key(unsigned char *to, char kind, uint32_t owner, uint32_t number);  // KEY_BYTES
void content_shared(unsigned char *to, uint32_t key, uint32_t place, uint32_t bytes);
bool content_shared_good(const unsigned char *value, uint32_t key, uint32_t bytes);
