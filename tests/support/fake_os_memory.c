// support/fake_os_memory.c - the table of mappings of the fake OS door.
//
// Sorted by address, joined after each change, searched from the start: fast enough for tests.
#include "base/bits.h"
#include "tests/support/fake_os_parts.h"

#define AREA_BYTES GIB(16)
enum { RANGES_MAX = 4096 };

struct range {
    uintptr_t      start, end;
    enum os_access access;
    const char    *name;
    bool           avoids_huge;
};
static char        *area;  // all mappings lie here
static struct range table[RANGES_MAX];
static unsigned     table_count;
static bool         align_exactly;

// --- the table ---------------------------------------------------------------------------------

static unsigned first_after(uintptr_t address) {
    unsigned i = 0;
    while (i < table_count && table[i].end <= address)
        i++;
    return i;
}

static void insert_at(unsigned i, struct range range) {
    fake_need(table_count < RANGES_MAX, "table full", (void *)range.start, 0);
    memmove(&table[i + 1], &table[i], (table_count - i) * sizeof table[0]);
    table[i] = range;
    table_count++;
}

static void remove_at(unsigned i) {
    table_count--;
    memmove(&table[i], &table[i + 1], (table_count - i) * sizeof table[0]);
}

static void cut_at(uintptr_t address) {
    unsigned i = first_after(address);
    if (i == table_count || table[i].start >= address)
        return;
    struct range upper = table[i];
    upper.start = address;
    table[i].end = address;
    insert_at(i + 1, upper);
}

static void join_all(void) {
    for (unsigned i = 0; i + 1 < table_count;) {
        struct range *a = &table[i], *b = &table[i + 1];
        if (a->end == b->start && a->access == b->access && text_equal(a->name, b->name) &&
            a->avoids_huge == b->avoids_huge) {
            a->end = b->end;
            remove_at(i + 1);
        } else {
            i++;
        }
    }
}

// True when all of it is mapped; with `committed`, read-write as well.
bool fake_covers(uintptr_t start, uintptr_t end, bool committed) {
    for (unsigned i = first_after(start); start < end; i++) {
        if (i == table_count || table[i].start > start ||
            (committed && table[i].access != OS_READ_WRITE))
            return false;
        start = table[i].end;
    }
    return true;
}

// Checks a range of a call and cuts the table at its ends; the index of its first entry.
static unsigned carve(const void *address, size_t bytes, const char *what) {
    uintptr_t start = (uintptr_t)address, end = start + bytes;
    fake_need(bytes > 0 && is_aligned(start | bytes, fake_world.page_bytes),
              "range of no whole pages", address, bytes);
    fake_need(fake_covers(start, end, false), what, address, bytes);
    cut_at(start);
    cut_at(end);
    return first_after(start);
}

// The lowest place for `bytes`; 0 when there is none.
static uintptr_t find_gap(size_t bytes, size_t alignment) {
    if (!area)
        area = fake_area(AREA_BYTES);
    uintptr_t at = (uintptr_t)area, limit = at + AREA_BYTES;
    for (unsigned i = 0; bytes <= AREA_BYTES; i++) {
        at = align_up(at, alignment);
        if (align_exactly && is_aligned(at, 2 * alignment))
            at += alignment;
        uintptr_t next = i < table_count ? table[i].start : limit;
        if (at < next && next - at >= bytes)
            return at;
        if (i == table_count)
            return 0;
        at = max_size(at, table[i].end);
    }
    return 0;
}

static void check_name(const char *name) {
    fake_need(name && text_length(name) <= 60, "bad name", name, 0);
    for (const char *c = name; *c; c++)
        fake_need((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == ' ' || *c == '.' ||
                      *c == '-',
                  "bad character in name", c, 1);
}

static uintptr_t add_mapping(size_t bytes, size_t alignment, enum os_access access,
                             const char *name) {
    fake_need(bytes > 0 && is_aligned(bytes, fake_world.page_bytes), "bad size", NULL, bytes);
    fake_need(is_power_of_two(alignment), "bad alignment", NULL, alignment);
    check_name(name);
    uintptr_t at = find_gap(bytes, max_size(alignment, fake_world.page_bytes));
    if (!at)
        return 0;
    fake_set_memory(at, bytes, access == OS_READ_WRITE);
    insert_at(first_after(at), (struct range){at, at + bytes, access, name, false});
    join_all();
    return at;
}

static void drop_mapping(const void *address, size_t bytes) {
    unsigned i = carve(address, bytes, "unmapping what is not mapped");
    while (i < table_count && table[i].end <= (uintptr_t)address + bytes)
        remove_at(i);
    fake_set_memory((uintptr_t)address, bytes, false);
}

static void set_access(const void *address, size_t bytes, enum os_access access) {
    if (fake_is_in_break((uintptr_t)address, bytes))
        return;
    unsigned i = carve(address, bytes, "committing or concealing what is not mapped");
    for (; i < table_count && table[i].start < (uintptr_t)address + bytes; i++)
        table[i].access = access;
    join_all();
}

// --- os.h --------------------------------------------------------------------------------------

void *os_map(size_t bytes, size_t alignment, enum os_access access, const char *name) {
    int error = fake_begin(FAKE_MAP, NULL, bytes);
    return fake_end_at(error ? NULL : (void *)add_mapping(bytes, alignment, access, name));
}

int os_unmap(void *address, size_t bytes) {
    int error = fake_begin(FAKE_UNMAP, address, bytes);
    if (!error)
        drop_mapping(address, bytes);
    return fake_end(error);
}

int os_commit(void *address, size_t bytes) {
    int error = fake_begin(FAKE_COMMIT, address, bytes);
    if (!error) {
        set_access(address, bytes, OS_READ_WRITE);
        fake_need(mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0,
                  "the real system cannot commit", address, bytes);
    }
    return fake_end(error);
}

// The real pages are out of reach too, so that a touch ends the test.
static int hide(enum fake_call call, void *address, size_t bytes) {
    int error = fake_begin(call, address, bytes);
    if (!error) {
        set_access(address, bytes, OS_RESERVED);
        if (call == FAKE_CONCEAL)
            madvise(address, bytes, MADV_DONTNEED);
        fake_need(mprotect(address, bytes, PROT_NONE) == 0, "the real system cannot conceal",
                  address, bytes);
    }
    return fake_end(error);
}

int os_conceal(void *address, size_t bytes) {
    return hide(FAKE_CONCEAL, address, bytes);
}

int os_hide(void *address, size_t bytes) {
    return hide(FAKE_HIDE, address, bytes);
}

static void advise(enum fake_call call, void *address, size_t bytes) {
    fake_begin(call, address, bytes);
    if (!fake_is_in_break((uintptr_t)address, bytes)) {
        unsigned i = carve(address, bytes, "advising on what is not mapped");
        for (; i < table_count && table[i].start < (uintptr_t)address + bytes; i++)
            table[i].avoids_huge = call == FAKE_AVOID_HUGE;
        join_all();
    }
    fake_end(0);
}

void os_avoid_huge_pages(void *address, size_t bytes) {
    advise(FAKE_AVOID_HUGE, address, bytes);
}

void os_prefer_huge_pages(void *address, size_t bytes) {
    advise(FAKE_PREFER_HUGE, address, bytes);
}

size_t os_huge_page_bytes(bool asked) {
    return asked ? fake_world.huge_asked : fake_world.huge_unasked;
}

void fake_set_huge_pages(size_t unasked, size_t asked) {
    fake_world.huge_unasked = unasked;
    fake_world.huge_asked = asked;
}

static int grow(char *address, size_t old_bytes, size_t new_bytes) {
    unsigned  i = first_after((uintptr_t)address + old_bytes - 1);
    uintptr_t end = (uintptr_t)address + old_bytes;
    uintptr_t limit = i + 1 < table_count ? table[i + 1].start : (uintptr_t)area + AREA_BYTES;
    if (table[i].end != end || limit - end < new_bytes - old_bytes)
        return ENOMEM;
    fake_set_memory(end, new_bytes - old_bytes, true);
    table[i].end += new_bytes - old_bytes;
    join_all();
    return 0;
}

static void check_mapping(const void *address, size_t old_bytes, size_t new_bytes) {
    fake_need(fake_covers((uintptr_t)address, (uintptr_t)address + old_bytes, true),
              "resizing what is not committed", address, old_bytes);
    fake_need(is_aligned((uintptr_t)address | old_bytes, fake_world.page_bytes),
              "resizing what is no whole pages", address, old_bytes);
    fake_need(new_bytes > 0 && is_aligned(new_bytes, fake_world.page_bytes), "bad size", address,
              new_bytes);
}

int os_resize(void *address, size_t old_bytes, size_t new_bytes) {
    int error = fake_begin(FAKE_RESIZE, address, new_bytes);
    check_mapping(address, old_bytes, new_bytes);
    if (!error && new_bytes > old_bytes)
        error = grow(address, old_bytes, new_bytes);
    if (!error && new_bytes < old_bytes)
        drop_mapping((char *)address + new_bytes, old_bytes - new_bytes);
    return fake_end(error);
}

void *os_move(void *address, size_t old_bytes, size_t new_bytes, size_t alignment,
              const char *name, bool (*ready)(void *target, size_t bytes)) {
    int error = fake_begin(FAKE_MOVE, address, new_bytes);
    check_mapping(address, old_bytes, new_bytes);
    struct fake_record *record = fake_last_record();
    uintptr_t target = error ? 0 : add_mapping(new_bytes, alignment, OS_READ_WRITE, name);
    fake_leave();  // `ready` may call this floor again
    bool is_ready = target && (!ready || ready((void *)target, new_bytes));
    fake_enter();
    if (target && !is_ready)
        drop_mapping((void *)target, new_bytes);
    if (is_ready) {
        fake_copy_resident(target, (uintptr_t)address, min_size(old_bytes, new_bytes));
        drop_mapping(address, old_bytes);
    }
    if (record) {
        record->failed = !is_ready;
        record->address = is_ready ? (void *)target : NULL;
    }
    fake_leave();
    return is_ready ? (void *)target : NULL;
}

// Fails as a kernel does that has released the target; with ENOSYS as one that does not know it.
enum os_carrying os_carry(void *from, void *to, size_t bytes) {
    uintptr_t source = (uintptr_t)from, target = (uintptr_t)to;
    int       error = fake_begin(FAKE_CARRY, to, bytes);
    fake_need(fake_covers(source, source + bytes, true), "carrying what is not committed", from,
              bytes);
    fake_need(fake_covers(target, target + bytes, false), "carrying to what is not mapped", to,
              bytes);
    if (error && error != ENOSYS)
        drop_mapping(to, bytes);
    if (!error) {
        set_access(to, bytes, OS_READ_WRITE);
        fake_carry_resident(target, source, bytes);
    }
    fake_end(error);
    return !error ? OS_CARRIED : error == ENOSYS ? OS_STAYED : OS_TARGET_LOST;
}

// What lies outside the table and the break is the test's own memory: the real system answers.
size_t os_resident_in(const void *address, size_t bytes) {
    return fake_resident_in(address, bytes);
}

bool os_is_mapped(const void *address, size_t bytes) {
    uintptr_t     start = (uintptr_t)address, end = start + bytes;
    unsigned char resident;
    fake_enter();
    bool in_area = area && start < (uintptr_t)area + AREA_BYTES && end > (uintptr_t)area;
    bool in_break = fake_is_in_break_area(start, bytes);
    bool answer = in_area ? fake_covers(start, end, false) : fake_is_in_break(start, bytes);
    fake_leave();
    if (in_area || in_break)
        return answer;
    if (end < start)
        return false;
    for (start = align_down(start, 4096); start < end; start += 4096)
        if (mincore((void *)start, 4096, &resident) != 0)
            return false;
    return true;
}

void os_name(void *address, size_t bytes, const char *name) {
    fake_enter();
    check_name(name);
    unsigned i = carve(address, bytes, "naming what is not mapped");
    for (; i < table_count && table[i].start < (uintptr_t)address + bytes; i++)
        table[i].name = name;
    join_all();
    fake_leave();
}

uint64_t os_resident_bytes(void) {
    fake_enter();
    size_t sum = fake_break_resident();
    for (unsigned i = 0; i < table_count; i++)
        sum += fake_count_resident(table[i].start, table[i].end);
    fake_leave();
    return sum;
}

// --- hands -------------------------------------------------------------------------------------

size_t fake_mapped_bytes(void) {
    size_t sum = 0;
    for (unsigned i = 0; i < table_count; i++)
        sum += table[i].end - table[i].start;
    return sum;
}

size_t fake_mapped_as(const char *name) {
    size_t sum = 0;
    for (unsigned i = 0; i < table_count; i++)
        if (table[i].name && text_equal(table[i].name, name))
            sum += table[i].end - table[i].start;
    return sum;
}

size_t fake_committed_bytes(void) {
    size_t sum = 0;
    for (unsigned i = 0; i < table_count; i++)
        sum += table[i].access == OS_READ_WRITE ? table[i].end - table[i].start : 0;
    return sum;
}

unsigned fake_mappings(void) {
    return table_count;
}

static const struct range *range_at(const void *address) {
    unsigned i = first_after((uintptr_t)address);
    return i < table_count && table[i].start <= (uintptr_t)address ? &table[i] : NULL;
}

const char *fake_name_at(const void *address) {
    const struct range *range = range_at(address);
    return range ? range->name : NULL;
}

bool fake_avoids_huge_pages(const void *address) {
    const struct range *range = range_at(address);
    return range && range->avoids_huge;
}

bool fake_is_committed(const void *address, size_t bytes) {
    return fake_covers((uintptr_t)address, (uintptr_t)address + bytes, true);
}

size_t fake_resident_in(const void *address, size_t bytes) {
    return fake_count_resident((uintptr_t)address, (uintptr_t)address + bytes);
}

void fake_align_exactly(bool exactly) {
    align_exactly = exactly;
}

void fake_memory_reset(void) {
    if (area)
        fake_set_memory((uintptr_t)area, AREA_BYTES, false);
    table_count = 0;
    align_exactly = false;
    fake_memory_forget();
}
