// unit/page/test_fake_meta.c - the store of records: typed for ever, guarded, and without memory.
#include "page/meta.h"

#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

enum { MANY = 5000 };

struct apple {
    struct meta_link link;
    uint64_t         words[5];  // 48 bytes
};
struct pear {
    struct meta_link link;
    uint64_t         words[8];  // 72 bytes, 80 a record
};

static struct meta_pool apples = META_POOL(struct apple);
static struct meta_pool pears = META_POOL(struct pear);

static struct apple *apple_list[MANY];
static struct pear  *pear_list[MANY];

static void fill_apple(struct apple *apple, uint64_t seed) {
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(apple->words[i], 0);
        apple->words[i] = seed * 10 + i;
    }
}

static void fill_pear(struct pear *pear, uint64_t seed) {
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(pear->words[i], 0);
        pear->words[i] = seed * 100 + i;
    }
}

// Records of two types, taken in turn: each is new, and none touches another.
static void records_do_not_overlap(void) {
    fake_reset();
    CHECK_EQ(apples.record_bytes, 48);
    CHECK_EQ(pears.record_bytes, 80);
    for (unsigned i = 0; i < MANY; i++) {
        apple_list[i] = meta_take(&apples);
        pear_list[i] = meta_take(&pears);
        CHECK(apple_list[i] && pear_list[i]);
        CHECK(test_aligned(apple_list[i], 16) && test_aligned(pear_list[i], 16));
        fill_apple(apple_list[i], i);
        fill_pear(pear_list[i], i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 0; k < 5; k++)
            CHECK_EQ(apple_list[i]->words[k], i * 10 + k);
        for (unsigned k = 0; k < 8; k++)
            CHECK_EQ(pear_list[i]->words[k], i * 100 + k);
    }
    CHECK_LE(MANY * (48 + 80), meta_bytes());
    CHECK_LE(meta_bytes(), MANY * (48 + 80) + KIB(64));
}

// What was an apple is an apple for ever, and only its link is written while it is free.
static void records_keep_their_type(void) {
    fake_reset();
    for (unsigned i = 0; i < 100; i++) {
        apple_list[i] = meta_take(&apples);
        fill_apple(apple_list[i], i);
    }
    size_t before = meta_bytes();
    for (unsigned i = 0; i < 100; i++)
        meta_give(&apples, apple_list[i]);
    for (unsigned i = 0; i < 300; i++) {
        pear_list[i] = meta_take(&pears);
        for (unsigned k = 0; k < 100; k++)
            CHECK((char *)pear_list[i] + sizeof(struct pear) <= (char *)apple_list[k] ||
                  (char *)pear_list[i] >= (char *)apple_list[k] + sizeof(struct apple));
    }
    size_t pears_bytes = meta_bytes() - before;
    for (unsigned i = 100; i-- > 0;) {
        struct apple *apple = meta_take(&apples);
        CHECK(apple == apple_list[i]);  // the last given is the first taken
        for (unsigned k = 0; k < 5; k++)
            CHECK_EQ(apple->words[k], i * 10 + k);
    }
    CHECK_EQ(meta_bytes(), before + pears_bytes);  // nothing new for the apples
}

static const struct fake_record *next_map(unsigned *index) {
    const struct fake_record *record;
    while ((record = fake_record((*index)++)) != NULL)
        if (record->call == FAKE_MAP)
            return record;
    return NULL;
}

// Every chunk stands between pages that nobody can touch.
static void check_guards(size_t page) {
    fake_reset();
    fake_set_page_bytes(page);
    for (unsigned i = 0; i < 40; i++)
        CHECK(meta_forever(100000) != NULL);
    const struct fake_record *record;
    unsigned                  index = 0, chunks = 0;
    for (; (record = next_map(&index)) != NULL; chunks++) {
        char *base = record->address;
        CHECK(record->bytes > 2 * page);
        CHECK_EQ(fake_is_committed(base, page), 0);
        CHECK(fake_is_committed(base + page, record->bytes - 2 * page));
        CHECK_EQ(fake_is_committed(base + record->bytes - page, page), 0);
        CHECK(strcmp(fake_name_at(base), "tidemalloc meta") == 0);
        if (base == meta_sight.next->base)
            continue;  // not in use yet
        CHECK(fake_avoids_huge_pages(base + page));
        CHECK(fake_avoids_huge_pages(base + record->bytes - page - 1));
    }
    CHECK(chunks >= 3 && chunks <= 6);  // they double: 256 KiB, 512 KiB, 1 MiB, 2 MiB
}

static void guards_on_small_pages(void) {
    check_guards(4096);
}
static void guards_on_large_pages(void) {
    check_guards(65536);
}

static void forever_and_area(void) {
    fake_reset();
    for (unsigned i = 0; i < 50; i++) {
        char *small = meta_forever(40), *page = meta_forever(4096 + 8 * i);
        CHECK(test_aligned(small, CACHE_LINE) && test_aligned(page, 4096));
        CHECK(test_is_byte(small, 40, 0) && test_is_byte(page, 4096, 0));
        memset(small, 0xff, 40);
        memset(page, 0xff, 4096 + 8 * i);
    }
    char *large = meta_forever(MIB(5));  // more than the largest chunk
    CHECK(large && test_aligned(large, 4096));
    CHECK_EQ(large[0] | large[MIB(5) - 1], 0);
    size_t before = meta_bytes();
    char  *area = meta_area(192 << 10);
    CHECK(area && test_aligned(area, 4096) && test_is_byte(area, 192 << 10, 0));
    CHECK_EQ(meta_bytes(), before);  // its owner counts it
    CHECK_EQ(fake_resident_in(area, 192 << 10) > 0, 1);
}

static void untouched_pages_cost_nothing(void) {
    fake_reset();
    char *memory = meta_forever(MIB(1));
    CHECK_EQ(fake_resident_in(memory, MIB(1)), 0);
}

// The whole chunk is refused: the need alone is tried, and served.
static void tight_address_space(void) {
    fake_reset();
    fake_fail(FAKE_MAP, 1, 1);
    CHECK(meta_take(&apples) != NULL);
    CHECK(fake_record(1)->call == FAKE_MAP);
    CHECK_LE(fake_record(1)->bytes, KIB(24));
}

// A chunk half used has the next one ready: records go on when the kernel gives nothing more.
static void ready_ahead(void) {
    fake_reset();
    char *memory = meta_forever(KIB(100));
    CHECK_EQ(fake_mappings() > 0 && fake_count(FAKE_MAP) == 1, 1);
    CHECK((memory = meta_forever(KIB(100))) != NULL);
    CHECK_EQ(fake_count(FAKE_MAP), 2);
    CHECK_EQ(fake_committed_bytes(), KIB(256 + 512));
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    for (unsigned i = 0; i < 5; i++)
        CHECK((memory = meta_forever(KIB(100))) != NULL && test_is_byte(memory, KIB(100), 0));
    CHECK(meta_forever(KIB(100)) == NULL);
    CHECK_EQ(fake_committed_bytes(), KIB(256 + 512));
}

// Where no next chunk can be had an area is refused while there is still room for records.
static void areas_leave_room(void) {
    fake_reset();
    CHECK(meta_take(&apples) != NULL && meta_area(KIB(192)) != NULL);
    CHECK_EQ(fake_committed_bytes(), KIB(256 + 512));
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    unsigned areas = 0;
    while (meta_area(KIB(192)) != NULL)
        areas++;
    CHECK_EQ(areas, 1);
    for (unsigned i = 0; i < 8; i++)
        CHECK(meta_forever(KIB(16)) != NULL);
    fake_fail(FAKE_COMMIT, 1, 0);
    CHECK(meta_area(KIB(192)) != NULL);
}

static void take_many_until_refused(unsigned *count) {
    *count = 0;
    while (meta_take(&apples) != NULL)
        ++*count;
}

// The n-th call fails for ever: NULL then, nothing half made, and all is well when it works again.
static void without_memory(enum fake_call call, unsigned nth) {
    unsigned count;
    fake_reset();
    fake_fail(call, nth, UINT32_MAX);
    take_many_until_refused(&count);
    CHECK_EQ(count > 0, nth > 1);
    size_t bytes = meta_bytes(), mapped = fake_mapped_bytes();
    for (unsigned i = 0; i < 10; i++) {
        CHECK(meta_take(&apples) == NULL);
        CHECK(meta_forever(KIB(300)) == NULL && meta_area(KIB(300)) == NULL);
    }
    CHECK_EQ(meta_bytes(), bytes);
    CHECK_EQ(fake_mapped_bytes(), mapped);  // a chunk that could not be committed is unmapped
    fake_fail(call, 1, 0);
    for (unsigned i = 0; i < MANY; i++) {
        apple_list[i] = meta_take(&apples);
        CHECK(apple_list[i] != NULL);
        fill_apple(apple_list[i], i);
    }
}

static void no_first_map(void) {
    without_memory(FAKE_MAP, 1);
}
static void no_second_map(void) {
    without_memory(FAKE_MAP, 2);
}
static void no_fourth_map(void) {
    without_memory(FAKE_MAP, 4);
}
static void no_first_commit(void) {
    without_memory(FAKE_COMMIT, 1);
}
static void no_third_commit(void) {
    without_memory(FAKE_COMMIT, 3);
}

static void fork_keeps_it_usable(void) {
    fake_reset();
    struct apple *first = meta_take(&apples);
    meta_fork_prepare();
    meta_fork_parent();
    meta_give(&apples, first);
    meta_fork_prepare();
    meta_fork_child();
    CHECK(meta_take(&apples) == first);
}

static const struct meta_chunk *chunk_of(const void *record) {
    const struct meta_chunk *chunk = *meta_sight.chunks;
    while (chunk && !((uintptr_t)record > (uintptr_t)chunk &&
                      (uintptr_t)record < (uintptr_t)chunk + chunk->bytes))
        chunk = chunk->next;
    return chunk;
}

// A reader from outside finds every record in a chunk of the list.
static void chunks_are_listed(void) {
    unsigned                 count = 0;
    const struct meta_chunk *last = NULL;
    fake_reset();
    CHECK(*meta_sight.chunks == NULL);
    for (unsigned i = 0; i < MANY; i++) {
        const struct meta_chunk *chunk = chunk_of(meta_take(&pears));
        CHECK(chunk != NULL);
        count += chunk != last;
        last = chunk;
    }
    CHECK(chunk_of(meta_forever(8192)) && chunk_of(meta_area(MIB(1))));
    CHECK_LE(2, count);
    CHECK_EQ(*meta_sight.used_bytes, meta_bytes());
}

int main(void) {
    CASE(chunks_are_listed);
    CASE(records_do_not_overlap);
    CASE(records_keep_their_type);
    CASE(guards_on_small_pages);
    CASE(guards_on_large_pages);
    CASE(forever_and_area);
    CASE(untouched_pages_cost_nothing);
    CASE(tight_address_space);
    CASE(ready_ahead);
    CASE(areas_leave_room);
    CASE(no_first_map);
    CASE(no_second_map);
    CASE(no_fourth_map);
    CASE(no_first_commit);
    CASE(no_third_commit);
    CASE(fork_keeps_it_usable);
    return 0;
}
