// tests/process/helpers/families_plugin.cc - a library in C++ that makes and deletes objects for
// others. With OWN_OPERATORS it has new and delete of its own, over malloc; with OWN_ALIGNED those
// for aligned objects, and makes such; with NO_RUNTIME it needs nothing of a C++ runtime.
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <vector>

#ifdef NO_RUNTIME
#define FAIL(what) std::abort()
#else
#define FAIL(what) throw what
#endif

#ifdef OWN_OPERATORS
void *operator new(std::size_t bytes) {
    void *block = std::malloc(bytes);
    if (block == nullptr)
        FAIL(std::bad_alloc());
    return block;
}
void operator delete(void *block) noexcept {
    std::free(block);
}
void operator delete(void *block, std::size_t) noexcept {
    std::free(block);
}
#endif

#ifdef OWN_ALIGNED
void *operator new(std::size_t bytes, std::align_val_t alignment) {
    std::size_t unit = static_cast<std::size_t>(alignment);
    void       *block = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}
void operator delete(void *block, std::align_val_t) noexcept {
    std::free(block);
}
const std::align_val_t alignment{64};
#define MAKE(bytes) ::operator new(bytes, alignment)
#define DELETE(block) ::operator delete(block, alignment)
#else
#define MAKE(bytes) ::operator new(bytes)
#define DELETE(block) ::operator delete(block)
#endif

#define SHOWN extern "C" __attribute__((visibility("default")))

SHOWN void *families_new(std::size_t bytes) {
    if (bytes == 0)
        FAIL(std::runtime_error("nothing asked for"));
    return MAKE(bytes);
}

SHOWN void families_delete(void *block) {
    DELETE(block);
}

#ifndef NO_RUNTIME
SHOWN void families_use(std::vector<int> *row) {
    row->push_back(1);
}
#endif
