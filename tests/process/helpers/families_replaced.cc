// tests/process/helpers/families_replaced.cc - a program with some operators of its own, over
// malloc: the others are the library's, and blocks of the ones go to the others.
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "tests/support/test.h"

namespace {
unsigned replaced;
}

void *operator new(std::size_t bytes) {
    replaced++;
    void *block = std::malloc(bytes);
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}
void operator delete(void *block) noexcept {
    replaced++;
    std::free(block);
}

int main() {
    const std::size_t sizes[] = {1, 60, 5000, 200 * 1000};
    test_need_tide();
    std::vector<std::unique_ptr<std::vector<long>>> rows;
    for (std::size_t i = 0; i < 1000; i++)
        rows.push_back(std::make_unique<std::vector<long>>(i));
    for (std::size_t bytes : sizes) {
        ::operator delete(test_hide(::operator new(bytes)), bytes);
        ::operator delete(test_hide(::operator new(bytes, std::nothrow)));
        ::operator delete[](test_hide(::operator new(bytes)));
    }
    CHECK(replaced > 1000);
    return 0;
}
