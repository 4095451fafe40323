// unit/heap/test_fake_stock.c - slots go out each once, by chance out of many, and come back where
// there is room.
#include "heap/stock.h"

#include "conf/options.h"
#include "heap/secret.h"
#include "tests/unit/pages.h"

enum { SLOTS = 4000 };

static char     memory[SLOTS][16];
static unsigned state[SLOTS];  // 0 nobody's, 1 in the stock, 2 out
static unsigned made;

static void start(char *knob) {
    char *environment[] = {(char *)(uintptr_t) "TIDE_HARDENED=1", knob, NULL};
    fake_reset();
    options_start(environment);
    secret_start();
}

static unsigned number_of(const void *slot) {
    unsigned i = (unsigned)((const char(*)[16])slot - memory);
    CHECK(i < SLOTS);
    return i;
}

// New ones, as a bin would give them.
static uint32_t put_new(class_id id, uint32_t count) {
    void    *slots[STOCK_SLOTS];
    uint32_t put;
    for (uint32_t i = 0; i < count; i++)
        slots[i] = memory[made + i];
    put = stock_put(id, slots, count);
    for (uint32_t i = 0; i < put; i++)
        state[made + i] = 1;
    made += put;
    stock_check();
    return put;
}

static unsigned out(void *slot) {
    unsigned i = number_of(slot);
    CHECK_EQ(state[i], 1);
    state[i] = 2;
    return i;
}

static void small_ones(void) {
    class_id id = size_class_of(48);
    uint32_t missing = 0, took = 0;
    start(NULL);
    CHECK(stock_keeps(id) && stock_wants(id));
    CHECK(!stock_take(id, &missing));
    CHECK_EQ(missing, STOCK_LEAST + STOCK_BATCH - 1);
    CHECK_EQ(put_new(id, missing), missing);
    for (void *slot; (slot = stock_take(id, &missing)) != NULL; took++)
        out(slot);
    CHECK_EQ(took, STOCK_BATCH);
    CHECK_EQ(missing, STOCK_BATCH);
    CHECK_EQ(stock_count(id), STOCK_LEAST - 1);
    // Where the bins have none: the others, too.
    for (void *slot; (slot = stock_take_last(id)) != NULL; took++)
        out(slot);
    CHECK_EQ(took, made);
    CHECK_EQ(stock_count(id), 0);
}

static void large_ones(void) {
    class_id id = size_class_of(1024);
    uint32_t missing = 0;
    start(NULL);
    CHECK(!stock_keeps(size_class_of(STOCK_BYTES)));
    CHECK(stock_keeps(id) && !stock_wants(id));
    CHECK(!stock_take(id, &missing));
    CHECK_EQ(missing, STOCK_BYTES / 1024);
    put_new(id, missing);
    for (unsigned i = 0; i < STOCK_BYTES / 1024; i++)
        out(stock_take(id, &missing));
    CHECK(!stock_take(id, &missing));
}

// None is much more likely to be next than another: of those that stand there when 96 do, the last
// and the first to come go as often.
static void by_chance(void) {
    class_id id = size_class_of(48);
    uint32_t missing;
    unsigned late = 0;
    start(NULL);
    for (unsigned round = 0; round < 300; round++) {
        void *slots[STOCK_LEAST];
        for (uint32_t i = 0; i < STOCK_LEAST; i++)
            slots[i] = memory[i];
        CHECK_EQ(stock_put(id, slots, STOCK_LEAST), STOCK_LEAST);
        late += number_of(stock_take(id, &missing)) >= STOCK_LEAST / 2;
        while (stock_take_last(id)) {
        }
    }
    CHECK(late > 100 && late < 200);
}

static void in_order(void) {
    class_id id = size_class_of(48);
    uint32_t missing;
    start((char *)(uintptr_t) "TIDE_RANDOM_SLOTS=off");
    CHECK(!stock_take(id, &missing));
    CHECK_EQ(missing, STOCK_BATCH);
    put_new(id, missing);
    for (unsigned i = STOCK_BATCH; i-- > 0;)
        CHECK_EQ(out(stock_take(id, &missing)), i);
}

static void full(void) {
    class_id id = size_class_of(64);
    void    *slots[STOCK_BATCH];
    uint32_t count, drained = 0;
    start(NULL);
    CHECK_EQ(put_new(id, 100), 100);
    CHECK_EQ(put_new(id, 100), STOCK_SLOTS - 100);
    fake_set_cpu(1);
    CHECK_EQ(put_new(id, 5), 5);
    CHECK_EQ(stock_count(id), STOCK_SLOTS + 5);
    CHECK_EQ(stock_count(size_class_of(80)), 0);
    while ((count = stock_drain(id, slots)) > 0)
        for (drained += count; count > 0; count--)
            out(slots[count - 1]);
    CHECK_EQ(drained, STOCK_SLOTS + 5);
    CHECK_EQ(stock_count(id), 0);
}

static void without_memory(void) {
    class_id id = size_class_of(48);
    uint32_t missing;
    start(NULL);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK_EQ(put_new(id, 10), 0);
    CHECK(!stock_take_last(id));
    fake_fail(FAKE_MAP, 1, 0);
    CHECK_EQ(put_new(id, 70), 70);
    out(stock_take(id, &missing));
}

static unsigned looks;
static void     look(void *slot) {
    CHECK_EQ(state[number_of(slot)], 1);
    looks++;
}

static void each_is_looked_at(void) {
    start(NULL);
    put_new(size_class_of(48), 20);
    fake_set_cpu(3);
    put_new(size_class_of(200), 30);
    stock_each(look);
    CHECK_EQ(looks, 50);
}

static void after_fork(void) {
    class_id id = size_class_of(48);
    start(NULL);
    put_new(id, 3);
    stock_fork_prepare();
    stock_fork_parent();
    put_new(id, 3);
    stock_fork_prepare();
    stock_fork_child();
    put_new(id, 3);
    CHECK_EQ(stock_count(id), 9);
}

int main(void) {
    CASE(small_ones);
    CASE(large_ones);
    CASE(by_chance);
    CASE(in_order);
    CASE(full);
    CASE(without_memory);
    CASE(each_is_looked_at);
    CASE(after_fork);
    return 0;
}
