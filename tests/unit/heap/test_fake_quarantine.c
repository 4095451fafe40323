// unit/heap/test_fake_quarantine.c - slots wait within the bytes, leave all, each once, in no order
// that who frees could foresee; and the numbers left to chance.
#include "heap/quarantine.h"

#include <errno.h>

#include "heap/secret.h"
#include "tests/unit/pages.h"

enum { SLOTS = 20000, PROCESSORS = 7 };

static unsigned char state[SLOTS];  // 0 out, 1 waits
static class_id      class_of[SLOTS];
static unsigned      left[SLOTS], left_count;

static void *slot_at(unsigned i) {
    return &state[i];
}

static void note(const struct quarantine_leavers *leavers) {
    for (unsigned i = 0; i < leavers->count; i++) {
        unsigned slot = (unsigned)((unsigned char *)leavers->slots[i] - state);
        CHECK(slot < SLOTS && state[slot] == 1);
        CHECK_EQ(class_of[slot], leavers->id);
        state[slot] = 0;
        left[left_count++] = slot;
    }
}

static void start(size_t bytes) {
    fake_reset();
    secret_start();
    quarantine_start(bytes);
}

static void put(unsigned i, uint32_t bytes) {
    struct quarantine_leavers leavers;
    state[i] = 1;
    class_of[i] = size_class_of(bytes);
    fake_set_cpu(i % PROCESSORS);
    quarantine_put(slot_at(i), class_of[i], &leavers);
    note(&leavers);
    while (leavers.more) {
        quarantine_leave_due(&leavers);
        note(&leavers);
    }
}

static void leave_all(void) {
    struct quarantine_leavers leavers;
    do {
        quarantine_leave_all(&leavers);
        note(&leavers);
    } while (leavers.count > 0);
    quarantine_check();
    CHECK_EQ(quarantine_bytes(), 0);
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK_EQ(state[i], 0);
}

static void within_bytes(void) {
    uint64_t seed = 3;
    start(MIB(1));
    for (unsigned i = 0; i < SLOTS; i++) {
        put(i, 16u << test_random(&seed) % 13);
        CHECK_LE(quarantine_bytes(), MIB(1));
        if (i % 500 == 0)
            quarantine_check();
    }
    CHECK(quarantine_bytes() > KIB(512));
    leave_all();
    CHECK_EQ(left_count, SLOTS);
}

// The places grow with the bytes.
static void more_bytes_more_slots(void) {
    start(MIB(4));
    for (unsigned i = 0; i < SLOTS; i++)
        put(i, 48);
    quarantine_check();
    CHECK_EQ(left_count, 0);
    CHECK_EQ(quarantine_count(size_class_of(48)), SLOTS);
    leave_all();
}

// First in, first out, but for chance: of what one processor put the later often leaves before the
// earlier.
static void in_no_order(void) {
    unsigned back = 0, far = 0, last[PROCESSORS] = {0};
    start(MIB(1));
    for (unsigned i = 0; i < SLOTS; i++)
        put(i, 1024);
    leave_all();
    for (unsigned i = 1; i < SLOTS; i++) {
        unsigned cpu = left[i] % PROCESSORS;
        back += left[i] < last[cpu];
        last[cpu] = left[i];
        far += left[i] + 3000 < left[i - 1] || left[i] > left[i - 1] + 3000;
    }
    CHECK(back > SLOTS / 4);
    CHECK_LE(far, SLOTS / 100);
}

static unsigned looks;
static void     look(void *slot) {
    CHECK_EQ(*(unsigned char *)slot, 1);
    looks++;
}

static void each_is_looked_at(void) {
    start(MIB(1));
    for (unsigned i = 0; i < 300; i++)
        put(i, 256);
    quarantine_each(look);
    CHECK_EQ(looks + left_count, 300);
    CHECK_EQ(left_count, 0);
}

// Few leave one by one: most wait until a batch of theirs is full.
static void in_batches(void) {
    struct quarantine_leavers leavers;
    unsigned                  waiting = 0;
    start(KIB(64));
    for (unsigned i = 0; i < 3000; i++) {
        unsigned before = left_count;
        put(i, i % 2 ? 48 : 1024);
        CHECK(left_count == before || (left_count - before) % 8 == 0);
    }
    quarantine_check();
    for (unsigned i = 0; i < 3000; i++)
        waiting += state[i];
    CHECK_EQ(quarantine_count(size_class_of(48)) + quarantine_count(size_class_of(1024)), waiting);
    size_t bytes = quarantine_bytes();
    do {
        quarantine_leave_batch(&leavers);
        note(&leavers);
    } while (leavers.count > 0);
    CHECK_EQ(quarantine_bytes(), bytes);
    quarantine_check();
    leave_all();
    CHECK_EQ(quarantine_count(size_class_of(48)), 0);
}

static void off_and_too_large(void) {
    start(0);
    put(1, 16);
    CHECK_EQ(left_count, 1);
    start(KIB(64));
    put(2, KIB(18));  // a part's share is a quarter
    CHECK_EQ(left_count, 2);
    CHECK_EQ(quarantine_bytes(), 0);
}

static void without_memory(void) {
    start(MIB(1));
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    put(1, 16);
    CHECK_EQ(left_count, 1);
    fake_fail(FAKE_MAP, 1, 0);
    put(2, 16);
    CHECK_EQ(left_count, 1);
    leave_all();
}

// Many at once: from the last one on, until some leave; each is counted out when it is in.
static void passed(void) {
    struct quarantine_leavers leavers;
    uintptr_t                 words[20];
    uint32_t                  count = 20, passes = 0;
    start(KIB(64));
    for (unsigned i = 0; i < 600; i++)
        put(i, 48);
    for (unsigned i = 0; i < 20; i++) {
        state[1000 + i] = 1;
        class_of[1000 + i] = size_class_of(2048);
        words[i] = quarantine_word(slot_at(1000 + i), class_of[1000 + i]);
    }
    while (count > 0) {
        uint32_t before = count;
        quarantine_pass(words, &count, true, &leavers);
        CHECK(count < before);
        CHECK(count == 0 || leavers.count > 0);
        note(&leavers);
        passes++;
    }
    CHECK(passes > 1);
    quarantine_check();
    leave_all();
    CHECK_EQ(left_count, 620);
}

static void passed_without_memory(void) {
    struct quarantine_leavers leavers;
    uintptr_t                 words[2];
    uint32_t                  count = 2;
    start(MIB(1));
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    for (unsigned i = 0; i < 2; i++) {
        state[i] = 1;
        class_of[i] = size_class_of(48);
        words[i] = quarantine_word(slot_at(i), class_of[i]);
    }
    errno = 77;
    quarantine_pass(words, &count, true, &leavers);
    CHECK_EQ(errno, 77);
    CHECK_EQ(count, 1);
    CHECK_EQ(leavers.count, 1);
    note(&leavers);
    fake_fail(FAKE_MAP, 1, 0);
    fake_forget();
    quarantine_pass(words, &count, false, &leavers);
    CHECK_EQ(fake_count(FAKE_ANY), 0);
    CHECK_EQ(leavers.count, 1);
    note(&leavers);
    leave_all();
    CHECK_EQ(left_count, 2);
}

static void after_fork(void) {
    start(MIB(1));
    put(1, 16);
    quarantine_fork_prepare();
    quarantine_fork_parent();
    put(2, 16);
    quarantine_fork_prepare();
    quarantine_fork_child();
    put(3, 16);
    quarantine_check();
    leave_all();
    CHECK_EQ(left_count, 3);
}

// --- secrets -------------------------------------------------------------------------------------

static void canaries(void) {
    start(0);
    uint64_t first = secret_canary(4096);
    CHECK(first != secret_canary(4112));
    for (uintptr_t block = 0; block < 16000; block += 16)
        for (unsigned i = 0; i < 64; i += 8)
            CHECK((secret_canary(block) >> i & 0xff) != 0);
    secret_start();
    CHECK(first != secret_canary(4096));
}

static void numbers(void) {
    unsigned counts[10] = {0};
    start(0);
    for (unsigned i = 0; i < 10000; i++)
        counts[secret_below(10)]++;
    for (unsigned i = 0; i < 10; i++)
        CHECK(counts[i] > 800 && counts[i] < 1200);
    CHECK_EQ(secret_below(1), 0);
}

// A row of one's own is as good.
static void rows(void) {
    unsigned counts[10] = {0};
    uint64_t row;
    start(0);
    row = secret_random();
    for (unsigned i = 0; i < 10000; i++)
        counts[secret_next(&row) % 10]++;
    for (unsigned i = 0; i < 10; i++)
        CHECK(counts[i] > 800 && counts[i] < 1200);
}

// Bits that stand in one number for several choices: each as likely, and soon none like another.
static void dice(void) {
    unsigned           counts[32] = {0}, below[10] = {0}, same = 0, last = 0;
    struct secret_dice dice = {.row = 0};
    start(0);
    dice.row = secret_random();
    for (unsigned i = 0; i < 32000; i++) {
        uint32_t thrown = secret_throw(&dice, 5);
        same += thrown == last;
        counts[last = thrown]++;
        below[secret_throw_below(&dice, 10)]++;
    }
    for (unsigned i = 0; i < 32; i++)
        CHECK(counts[i] > 800 && counts[i] < 1200);
    for (unsigned i = 0; i < 10; i++)
        CHECK(below[i] > 2900 && below[i] < 3500);
    CHECK(same > 800 && same < 1200);
    CHECK_EQ(secret_throw_below(&dice, 1), 0);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(secret_throw_below(&dice, SECRET_FEW) < SECRET_FEW);
}

int main(void) {
    CASE(within_bytes);
    CASE(more_bytes_more_slots);
    CASE(in_no_order);
    CASE(each_is_looked_at);
    CASE(in_batches);
    CASE(off_and_too_large);
    CASE(without_memory);
    CASE(passed);
    CASE(passed_without_memory);
    CASE(after_fork);
    CASE(canaries);
    CASE(numbers);
    CASE(rows);
    CASE(dice);
    return 0;
}
