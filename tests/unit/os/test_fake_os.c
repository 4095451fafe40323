// unit/os/test_fake_os.c - the fake OS door does what its header says, and stops wrong calls.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "os/fail.h"
#include "tests/support/death.h"
#include "tests/support/fake_os.h"
#include "tests/support/test.h"

static void test_mappings(void) {
    fake_reset();
    char *a = os_map(GRANULE, GRANULE, OS_READ_WRITE, "one");
    char *b = os_map(GRANULE, GRANULE, OS_READ_WRITE, "one");
    char *c = os_map(GRANULE, MIB(4), OS_RESERVED, "two");
    CHECK(b == a + GRANULE && is_aligned((uintptr_t)c, MIB(4)));  // packed, and joined
    CHECK_EQ(fake_mappings(), 2);
    CHECK_EQ(fake_mapped_bytes(), 3 * GRANULE);
    CHECK_EQ(fake_committed_bytes(), 2 * GRANULE);
    CHECK(strcmp(fake_name_at(b + 5), "one") == 0 && fake_name_at(c + GRANULE) == NULL);
    CHECK(os_is_mapped(a, 2 * GRANULE) && !os_is_mapped(a, 3 * GRANULE));
    CHECK(os_is_mapped(&a, sizeof a) && !os_is_mapped((void *)1, 1));
    CHECK_EQ(os_unmap(a + 4096, 4096), 0);
    CHECK_EQ(fake_mappings(), 3);
    CHECK_EQ(os_commit(c, GRANULE), 0);
    CHECK(fake_is_committed(c, GRANULE) && !fake_is_committed(c, GRANULE + 1));
    test_fill(c, GRANULE, 1);
    os_avoid_huge_pages(c, GRANULE);
    CHECK(fake_avoids_huge_pages(c) && !fake_avoids_huge_pages(a));
    fake_align_exactly(true);
    for (size_t alignment = 4096; alignment <= MIB(8); alignment *= 2) {
        uintptr_t at = (uintptr_t)os_map(4096, alignment, OS_RESERVED, "odd");
        CHECK(is_aligned(at, alignment) && !is_aligned(at, 2 * alignment));
    }
    fake_reset();
    CHECK(fake_mappings() == 0 && !os_is_mapped(a, 4096));
    CHECK(os_map(GIB(64), 4096, OS_RESERVED, "too much") == NULL);
}

static void test_giving_back(void) {
    fake_reset();
    char *a = os_map(MIB(1), GRANULE, OS_READ_WRITE, "a");
    CHECK_EQ(fake_resident_in(a, MIB(1)), 0);
    test_fill(a, MIB(1), 1);
    CHECK_EQ(fake_resident_in(a, MIB(1)), MIB(1));
    CHECK_EQ(os_resident_bytes(), MIB(1));
    CHECK_EQ(os_purge(a + 8192, 8192), 0);
    CHECK_EQ(os_purge(a, 8192), 0);
    CHECK(fake_was_purged(a, 16384) && !fake_was_purged(a, 16385));
    CHECK_EQ(fake_purged_bytes(), 16384);
    CHECK_EQ(os_resident_bytes(), MIB(1) - 16384);
    CHECK(test_is_byte(a, 16384, 0));
    fake_forget();
    CHECK(!fake_was_purged(a, 1) && fake_purged_bytes() == 0 && fake_mappings() == 1);
}

static void test_moving(void) {
    fake_reset();
    char *a = os_map(GRANULE, GRANULE, OS_READ_WRITE, "a");
    test_fill(a, GRANULE, 4);
    CHECK_EQ(os_resize(a, GRANULE, 2 * GRANULE), 0);
    char *b = os_map(GRANULE, GRANULE, OS_READ_WRITE, "b");
    CHECK_EQ(os_resize(a, 2 * GRANULE, 3 * GRANULE), ENOMEM);
    CHECK_EQ(os_resize(a, 2 * GRANULE, GRANULE), 0);
    CHECK(test_is_filled(a, GRANULE, 4));
    char *c = os_move(a, GRANULE, 4 * GRANULE, MIB(2), "c", NULL);
    CHECK(c && c != a && is_aligned((uintptr_t)c, MIB(2)));
    CHECK(test_is_filled(c, GRANULE, 4) && test_is_byte(c + GRANULE, 3 * GRANULE, 0));
    CHECK(!os_is_mapped(a, GRANULE) && os_is_mapped(b, GRANULE));
    os_name(b, GRANULE, "d");
    CHECK(strcmp(fake_name_at(b), "d") == 0);
}

static void test_break(void) {
    fake_reset();
    char *start = os_break();
    CHECK_EQ((uintptr_t)start % 4096, 16);
    CHECK(os_break_move(100000) == start && os_break() == start + 100000);
    test_fill(start, 100000, 3);
    fake_break_foreign_before(2, 50);
    CHECK(os_break_move(-50000) == start + 100000);
    CHECK(os_break_move(10) == start + 50050);  // the other one was faster
    CHECK(test_is_filled(start, 50000, 3));
    CHECK_EQ(fake_count(FAKE_BREAK), 3);
    CHECK_EQ(fake_record(1)->delta, -50000);
    fake_break_place(0, MIB(1));
    CHECK(os_break_move((intptr_t)MIB(2)) == NULL && fake_record(3)->failed);
    CHECK(os_break_move((intptr_t)MIB(1)) != NULL);
    CHECK_EQ(os_purge((char *)os_break() - 4096, 4096), 0);
}

static void test_orders(void) {
    fake_reset();
    fake_fail(FAKE_MAP, 2, 2);
    CHECK(os_map(4096, 1, OS_RESERVED, "a") && !os_map(4096, 1, OS_RESERVED, "a"));
    char *b = NULL;
    CHECK(!os_map(4096, 1, OS_RESERVED, "a") && (b = os_map(4096, 1, OS_RESERVED, "a")));
    fake_fail(FAKE_UNMAP, 1, UINT_MAX);
    fake_fail_with(FAKE_UNMAP, EINVAL);
    CHECK(os_unmap(b, 4096) == EINVAL && os_unmap(b, 4096) == EINVAL && os_is_mapped(b, 4096));
    fake_fail(FAKE_UNMAP, 1, 0);
    CHECK_EQ(os_unmap(b, 4096), 0);
    fake_fail(FAKE_ANY, 2, 1);
    CHECK_EQ(os_thread_exit_hook(free), 0);
    CHECK(os_break_move(16) == NULL && os_break_move(16) != NULL);
    CHECK_EQ(fake_count(FAKE_MAP), 4);
    CHECK_EQ(fake_count(FAKE_ANY), 4 + 3 + 1 + 2);
    CHECK(fake_record(1)->call == FAKE_MAP && fake_record(1)->failed);
    CHECK(fake_record(3)->address == b && fake_record(3)->bytes == 4096);
    CHECK(fake_record(4)->call == FAKE_UNMAP && fake_record(4)->failed && !fake_record(6)->failed);
    CHECK(fake_record(10) == NULL);
}

static void end_thread(void *argument) {
    ++*(int *)argument;
}

static int  forks;
static void on_fork(void) {
    forks++;
}

static void test_world(void) {
    char            *variables[] = {(char *)(uintptr_t) "A=1", NULL}, text[4];
    struct os_limits limits;
    int              ends = 0;
    fake_reset();
    CHECK(os_now_ns() == 1000000000 && os_cpu() == 0 && *os_environ() == NULL);
    fake_advance(5);
    CHECK_EQ(os_now_ns(), 1000000005);
    fake_set_time(1);
    CHECK_EQ(os_now_ns(), 1);
    fake_set_cpu(4095);
    CHECK_EQ(os_cpu(), 4095);
    fake_set_environ(variables);
    CHECK(os_environ() == variables);
    fake_set_limits(3);
    os_limits_read(&limits);
    CHECK_EQ(limits.cpus, 3);
    fake_set_file("/a", "content");
    CHECK_EQ(os_read_file("/a", text, sizeof text), 4);
    CHECK(memcmp(text, "cont", 4) == 0);
    CHECK_EQ(os_read_file("/b", text, sizeof text), -1);
    fake_set_page_bytes(65536);
    CHECK_EQ(os_page_bytes(), 65536);
    CHECK_EQ(os_thread_exit_arm(&ends), EAGAIN);
    CHECK_EQ(os_thread_exit_hook(end_thread), 0);
    CHECK_EQ(os_thread_exit_arm(&ends), 0);
    fake_thread_exit();
    fake_thread_exit();
    CHECK(ends == 1 && !fake_thread_is_armed());
    CHECK_EQ(os_fork_hooks(on_fork, on_fork, on_fork), 0);
    fake_fork_prepare();
    fake_fork_parent();
    fake_fork_child();
    CHECK_EQ(forks, 3);
    fake_libc_block(&ends, 77);
    CHECK(os_libc_owns(&ends) && !os_libc_owns(&forks) && !os_libc_owns(NULL));
    CHECK_EQ(os_libc_usable_size(&ends), 77);
    CHECK(os_libc_realloc(&ends, 99) == &ends && os_libc_usable_size(&ends) == 99);
    os_libc_free(&ends);
    CHECK(!os_libc_owns(&ends) && fake_libc_frees() == 1);
}

static void fail_now(void *argument) {
    fail_pointer("free", argument, "of a test");
}

static void just_return(void *argument) {
    (void)argument;
}

static void test_last_words(void) {
    fake_reset();
    CHECK(fake_aborts(fail_now, (void *)0x10));
    CHECK(strcmp(fake_output(), "tidemalloc: free(0x10): of a test\n") == 0);
    fake_clear_output();
    CHECK(!fake_aborts(just_return, NULL) && fake_output()[0] == 0);
    CHECK(death_expect(fail_now, (void *)0x20, "tidemalloc: free(0x20): of a test"));
}

// --- calls against the contract
// ---------------------------------------------------------------------

static void unmap_twice(void *argument) {
    os_unmap(argument, 4096);
    os_unmap(argument, 4096);
}
static void purge_reserved(void *argument) {
    (void)argument;
    os_purge(os_map(4096, 1, OS_RESERVED, "b"), 4096);
}
static void purge_odd(void *argument) {
    os_purge((char *)argument + 16, 4096);
}
static void commit_foreign(void *argument) {
    (void)argument;
    os_commit((void *)4096, 4096);
}
static void bad_name(void *argument) {
    (void)argument;
    os_map(4096, 1, OS_RESERVED, "Bad_name");
}
static void touch_unmapped(void *argument) {
    os_unmap(argument, 4096);
    *(volatile char *)argument = 1;
}
static void cut_off(void *argument) {
    (void)argument;
    os_break_move(4096);
    fake_break_foreign(16);
    os_break_move(-32);
}

static void test_wrong_calls(void) {
    static void (*const bodies[])(void *) = {unmap_twice,    purge_reserved, purge_odd,
                                             commit_foreign, bad_name,       cut_off};
    struct death death;
    fake_reset();
    void *area = os_map(4096, 1, OS_READ_WRITE, "a");
    for (unsigned i = 0; i < ARRAY_COUNT(bodies); i++) {
        death_run(bodies[i], area, &death);
        CHECK_EQ(death.signal, SIGABRT);
        CHECK(strncmp(death.text, "fake_os: ", 9) == 0);
    }
    death_run(touch_unmapped, area, &death);
    CHECK(death.signal != 0 || death.status != 0);
}

int main(void) {
    test_watchdog(100);
    os_start();
    test_mappings();
    test_giving_back();
    test_moving();
    test_break();
    test_orders();
    test_world();
    test_last_words();
    test_wrong_calls();
    return 0;
}
