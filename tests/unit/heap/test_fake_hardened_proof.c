// unit/heap/test_fake_hardened_proof.c - the canary of a slot: each byte behind the request is
// written and proved, none before it, for every length of both. And of a free slot each byte is
// cleared and proved, but for a canary.
#include "heap/hardened_proof.h"

#include "tests/unit/heap/hardened.h"

enum { ROOM_MOST = 640, BEFORE = 16 };

// The slot lies behind words that are not its own.
static _Alignas(16) unsigned char memory[BEFORE + ROOM_MOST];

static void slot_of(size_t room, size_t rest) {
    uintptr_t base = (uintptr_t)memory + BEFORE;
    uint64_t  canary = secret_canary(base);
    memset(memory, 0x5a, sizeof memory);
    proof_write_slot(base, room, rest);
    for (size_t i = 0; i < sizeof memory; i++) {
        bool   is_canary = i >= BEFORE + room - rest && i < BEFORE + room;
        size_t byte = i % sizeof canary;
        CHECK_EQ(memory[i], is_canary ? (unsigned char)(canary >> byte * 8) : 0x5a);
    }
    CHECK(proof_is_whole_slot(base, room, rest));
    for (size_t i = 0; i < BEFORE + room; i++) {
        memory[i] ^= 0x10;
        CHECK_EQ(proof_is_whole_slot(base, room, rest), i < BEFORE + room - rest);
        memory[i] ^= 0x10;
    }
}

static void every_length(void) {
    hardened_begin(NULL);
    for (size_t room = 16; room <= 128; room += 16)
        for (size_t rest = 8; rest <= room; rest++)
            slot_of(room, rest);
    for (size_t rest = 8; rest <= ROOM_MOST; rest += 1 + rest / 40)
        slot_of(ROOM_MOST, rest);
}

static void without_canary(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_CANARY=off");
    uintptr_t base = (uintptr_t)memory + BEFORE;
    memset(memory, 0x5a, sizeof memory);
    proof_write_slot(base, 64, 0);
    CHECK(test_is_byte(memory, sizeof memory, 0x5a));
    CHECK(proof_is_whole_slot(base, 64, 0));
}

// Of a slot of two words there is no third: what stands before it is not read, it may be a fence.
static void third_word(void) {
    CHECK(proof_third(4096, 16) == proof_word(4096));
    CHECK(proof_third(4096, 32) == proof_word(4096 + 8));
}

static void clear_slot(size_t room, size_t kept) {
    uintptr_t base = (uintptr_t)memory + BEFORE;
    memset(memory, 0x5a, sizeof memory);
    proof_clear(base, room);
    for (size_t i = 0; i < sizeof memory; i++)
        CHECK_EQ(memory[i], i >= BEFORE && i < BEFORE + room - kept ? 0 : 0x5a);
    for (size_t i = 0; i < sizeof memory; i++) {
        bool is_free = i >= BEFORE && i < BEFORE + room - kept;
        memory[i] ^= 0x10;
        CHECK_EQ(proof_is_clear(base, room), !is_free);
        memory[i] ^= 0x10;
    }
}

static void clear(void) {
    hardened_begin(NULL);
    for (size_t room = 16; room <= ROOM_MOST; room += 16)
        clear_slot(room, sizeof(uint64_t));
}

static void clear_without_canary(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_CANARY=off");
    for (size_t room = 16; room <= ROOM_MOST; room += 16)
        clear_slot(room, 0);
}

int main(void) {
    CASE(every_length);
    CASE(without_canary);
    CASE(third_word);
    CASE(clear);
    CASE(clear_without_canary);
    return 0;
}
