// tests/process/cxx_operators.cc - all 20 operators new and delete: alignment, failing new.
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/test.h"
#include "tidemalloc.h"

namespace {

constexpr size_t kTooMuch = static_cast<size_t>(-1) / 2 + 2;  // PTRDIFF_MAX + 1 and one more
constexpr size_t kTooLarge = static_cast<size_t>(1) << 60;    // legal, but more than there is

struct alignas(256) wide {
    char bytes[512];
};

int handler_calls;

void give_up() {
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

void throw_own() {
    handler_calls++;
    throw std::runtime_error("from the handler");
}

bool ours(const void *block, size_t align) {
    return block != nullptr && test_aligned(block, align) && tide_owns(block);
}

void test_plain(size_t size) {
    void *one = ::operator new(size);
    void *many = ::operator new[](size);
    void *quiet_one = ::operator new(size, std::nothrow);
    void *quiet_many = ::operator new[](size, std::nothrow);
    CHECK(ours(one, 16) && ours(many, 16) && ours(quiet_one, 16) && ours(quiet_many, 16));
    CHECK(tide_usable_size(one) >= size && tide_usable_size(many) >= size);
    ::operator delete(one);
    ::operator delete[](many);
    ::operator delete(quiet_one, std::nothrow);
    ::operator delete[](quiet_many, std::nothrow);
    ::operator delete(::operator new(size), size);
    ::operator delete[](::operator new[](size), size);
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    ::operator delete(nullptr, size);
    ::operator delete[](nullptr, size);
}

void test_aligned_forms(size_t size, size_t align_bytes) {
    const auto align = static_cast<std::align_val_t>(align_bytes);
    void *one = ::operator new(size, align);
    void *many = ::operator new[](size, align);
    void *quiet_one = ::operator new(size, align, std::nothrow);
    void *quiet_many = ::operator new[](size, align, std::nothrow);
    CHECK(ours(one, align_bytes) && ours(many, align_bytes));
    CHECK(ours(quiet_one, align_bytes) && ours(quiet_many, align_bytes));
    ::operator delete(one, align);
    ::operator delete[](many, align);
    ::operator delete(quiet_one, align, std::nothrow);
    ::operator delete[](quiet_many, align, std::nothrow);
    ::operator delete(::operator new(size, align), size, align);
    ::operator delete[](::operator new[](size, align), size, align);
    ::operator delete(nullptr, align);
    ::operator delete[](nullptr, size, align);
}

template <typename Allocate> bool throws_bad_alloc(Allocate allocate) {
    try {
        test_hide(allocate());
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

// Without a handler the throwing forms throw and the others return NULL.
void test_failing(size_t size) {
    const auto align = static_cast<std::align_val_t>(64);
    size = test_hide_size(size);
    CHECK(throws_bad_alloc([=] { return ::operator new(size); }));
    CHECK(throws_bad_alloc([=] { return ::operator new[](size); }));
    CHECK(throws_bad_alloc([=] { return ::operator new(size, align); }));
    CHECK(throws_bad_alloc([=] { return ::operator new[](size, align); }));
    CHECK(::operator new(size, std::nothrow) == nullptr);
    CHECK(::operator new[](size, std::nothrow) == nullptr);
    CHECK(::operator new(size, align, std::nothrow) == nullptr);
    CHECK(::operator new[](size, align, std::nothrow) == nullptr);
}

// The handler is asked again and again until it gives up; then bad_alloc.
void test_handler() {
    handler_calls = 0;
    std::set_new_handler(give_up);
    CHECK(throws_bad_alloc([] { return ::operator new(test_hide_size(kTooLarge)); }));
    CHECK_EQ(handler_calls, 3);
    handler_calls = 0;
    std::set_new_handler(give_up);
    CHECK(throws_bad_alloc([] {
        return ::operator new[](test_hide_size(kTooLarge), static_cast<std::align_val_t>(4096));
    }));
    CHECK_EQ(handler_calls, 3);
    handler_calls = 0;
    std::set_new_handler(give_up);
    CHECK(::operator new(test_hide_size(kTooLarge), std::nothrow) == nullptr);
    CHECK_EQ(handler_calls, 3);
}

// An exception of the handler's own passes through our frames.
void test_throwing_handler() {
    handler_calls = 0;
    std::set_new_handler(throw_own);
    bool caught = false;
    try {
        test_hide(::operator new(test_hide_size(kTooLarge)));
    } catch (const std::runtime_error &) {
        caught = true;
    }
    std::set_new_handler(nullptr);
    CHECK(caught && handler_calls == 1);
}

// A handler that frees its reserve makes the request succeed.
void *reserve;
void  free_reserve() {
     handler_calls++;
     std::free(reserve);
     reserve = nullptr;
     std::set_new_handler(nullptr);
}

void test_objects() {
    auto *single = new wide;
    auto *array = new wide[10];
    CHECK(ours(single, 256) && test_aligned(array, 256));
    delete single;
    delete[] array;
    std::vector<std::string> words;
    for (int i = 0; i < 20000; i++)
        words.push_back("a word that does not fit into the string itself " + std::to_string(i));
    CHECK(words[12345].size() == 53 && tide_owns(words[0].data()));
    words.clear();
    words.shrink_to_fit();
    bool caught = false;
    try {
        words.reserve(words.max_size());
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    CHECK(caught);
}

void test_reserve() {
    handler_calls = 0;
    reserve = std::malloc(1000);
    std::set_new_handler(free_reserve);
    CHECK(throws_bad_alloc([] { return ::operator new(test_hide_size(kTooMuch)); }));
    CHECK(handler_calls == 1 && reserve == nullptr);
    CHECK(std::get_new_handler() == nullptr);
}

}  // namespace

int main() {
    test_watchdog(30);
    test_need_tide();
    for (size_t size = 0; size < (4u << 20); size = size * 3 + 1) {
        test_plain(size);
        for (size_t align = 1; align <= (1u << 20); align *= 4)
            test_aligned_forms(size, align);
    }
    test_failing(kTooMuch);
    test_failing(kTooLarge);
    test_failing(static_cast<size_t>(-1));
    test_handler();
    test_throwing_handler();
    test_reserve();
    test_objects();
    return 0;
}
