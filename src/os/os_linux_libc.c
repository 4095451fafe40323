// os/os_linux_libc.c - is this block from libc's own malloc? And if so, libc's functions for it.
//
// A plugin opened with RTLD_DEEPBIND, and code that calls __libc_malloc, hold blocks of glibc's
// malloc and hand them to our free. glibc keeps 16 bytes before each block:
//
//     chunk: | size of the chunk before, if that is free | size of this chunk, 3 flags | block ...
//
// The flags: the chunk before is in use; the chunk is a mapping; the chunk is of a secondary
// arena. For each of the three places a chunk can be in there are facts that must agree
// (owns_mapping, owns_secondary, owns_main). Memory is read by a copy through the kernel, which
// refuses what is not readable: any value may be asked. A pointer to a stack, a global or
// somebody's mapping passes only if the bytes around it have been made to look so.
#include "os/os.h"

#include <elf.h>
#include <signal.h>
#include <sys/uio.h>

#include "os/os_linux.h"

extern void  __libc_free(void *pointer) __attribute__((weak));
extern void *__libc_realloc(void *pointer, size_t bytes) __attribute__((weak));

// The header of the object this code is in, from the linker.
extern const Elf64_Ehdr __ehdr_start __attribute__((weak, visibility("hidden")));

enum {
    CHUNK_PREVIOUS_IN_USE = 1,
    CHUNK_IS_MAPPED = 2,
    CHUNK_IS_SECONDARY = 4,
    CHUNK_FLAGS = 7,
    CHUNK_ALIGNMENT = 16,
    CHUNK_MIN = 32,
    CHUNK_HEADER = 16,
};

// Before the block, as glibc lays it out.
struct chunk {
    size_t previous_size;
    size_t size_and_flags;
};
// At the start of each heap of a secondary arena. Heaps lie at multiples of their largest size.
struct heap_info {
    uintptr_t arena;
    uintptr_t previous;
    size_t    bytes;
    size_t    committed_bytes;
};
#define HEAP_MAX MIB(64)

// --- reading what may not be there -------------------------------------------------------------

// For kernels and filters without process_vm_readv: rt_sigprocmask copies its set before it finds
// that `how` means nothing, so the answer tells whether 8 bytes can be read, and nothing happens.
static bool word_is_readable(const void *address) {
    enum { NO_SUCH_WAY = 0x7fff };
    return os_is_mapped(address, sizeof(uint64_t)) &&
           syscall(SYS_rt_sigprocmask, NO_SUCH_WAY, address, NULL, sizeof(uint64_t)) != 0 &&
           errno == EINVAL;
}

// Sanitizers would report what is the point of it.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) static bool
read_word_by_word(void *copy, const void *address, size_t bytes) {
    const volatile uint64_t *from = address;
    for (size_t i = 0; i < bytes / sizeof *from; i++) {
        if (!word_is_readable((const void *)&from[i]))
            return false;
        ((uint64_t *)copy)[i] = from[i];
    }
    return true;
}

// `bytes` and `address` are multiples of 8. False when any of it cannot be read.
static bool read_safely(void *copy, const void *address, size_t bytes) {
    static bool  copying_is_off;
    struct iovec to = {copy, bytes}, from = {(void *)(uintptr_t)address, bytes};
    if (!PEEK(&copying_is_off)) {
        long done = syscall(SYS_process_vm_readv, syscall(SYS_getpid), &to, 1L, &from, 1L, 0L);
        if (done >= 0 || !call_is_refused(errno))
            return done == (long)bytes;
        POKE(&copying_is_off, true);
    }
    return read_word_by_word(copy, address, bytes);
}

// --- where libc is -----------------------------------------------------------------------------

// In a static program the names lead to our own functions, or to nothing.
bool os_is_in_our_object(uintptr_t address) {
    uintptr_t         base = (uintptr_t)&__ehdr_start;
    const Elf64_Phdr *part = (const Elf64_Phdr *)(base + __ehdr_start.e_phoff);
    uintptr_t         end = 0;
    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
        if (part[i].p_type == PT_LOAD)
            end = max_size(end, part[i].p_vaddr + part[i].p_memsz);
    if (__ehdr_start.e_type == ET_DYN)
        end += base;
    return address >= base && address < end;
}

static bool libc_is_reachable(void) {
    return __libc_free && __libc_realloc && !os_is_in_our_object((uintptr_t)__libc_free);
}

// Where the data segment started: the field "start_brk" of /proc/self/stat. 0: unknown.
static uintptr_t read_break_start(void) {
    enum { FIRST_AFTER_NAME = 3, START_BRK = 47 };
    char      text[720];
    ptrdiff_t count = os_read_file("/proc/self/stat", text, sizeof text), at = count;
    uintptr_t value = 0;
    while (at > 0 && text[at - 1] != ')')  // the name before it may hold anything
        at--;
    if (at <= 0)
        return 0;
    int field = FIRST_AFTER_NAME - 1;
    for (; at < count && field <= START_BRK; at++) {
        if (text[at] == ' ')
            field++;
        else if (field == START_BRK && text[at] >= '0' && text[at] <= '9')
            value = value * 10 + (uintptr_t)(text[at] - '0');
    }
    return value;
}

static uintptr_t break_start(void) {
    static uintptr_t start;  // the same value from every thread
    if (PEEK(&start) == 0)
        POKE(&start, read_break_start());
    return PEEK(&start);
}

// --- the three places --------------------------------------------------------------------------

static size_t size_of(const struct chunk *chunk) {
    return chunk->size_and_flags & ~(size_t)CHUNK_FLAGS;
}

static bool is_page_aligned(size_t value) {
    return is_aligned(value, os_page_bytes());
}

// The chunk at `at` and both neighbours agree, inside [start, end).
static bool fits_between(uintptr_t at, const struct chunk *chunk, uintptr_t start, uintptr_t end) {
    struct chunk next, previous;
    uintptr_t    next_at = at + size_of(chunk);
    if (at < start || end - at < size_of(chunk) + CHUNK_HEADER)
        return false;
    if (!read_safely(&next, (const void *)next_at, sizeof next) ||
        !(next.size_and_flags & CHUNK_PREVIOUS_IN_USE) || size_of(&next) < CHUNK_HEADER ||
        !is_aligned(size_of(&next), CHUNK_ALIGNMENT) || size_of(&next) > end - next_at)
        return false;
    if (chunk->size_and_flags & CHUNK_PREVIOUS_IN_USE)
        return true;
    return chunk->previous_size >= CHUNK_MIN && chunk->previous_size <= at - start &&
           read_safely(&previous, (const void *)(at - chunk->previous_size), sizeof previous) &&
           size_of(&previous) == chunk->previous_size;
}

// A mapping of its own: previous_size counts the bytes that alignment left before the chunk.
static bool owns_mapping(uintptr_t at, const struct chunk *chunk) {
    size_t before = chunk->previous_size, bytes, in_page;
    if (before > at || !checked_add(before, size_of(chunk), &bytes))
        return false;
    in_page = (at + CHUNK_HEADER) & (os_page_bytes() - 1);
    return (chunk->size_and_flags & CHUNK_FLAGS) == CHUNK_IS_MAPPED &&
           is_page_aligned(at - before) && is_page_aligned(bytes) &&
           (in_page == 0 || is_power_of_two(in_page)) &&
           os_is_mapped((const void *)(at - before), bytes);
}

// A heap of a secondary arena, whose first heap also holds the arena itself.
static bool owns_secondary(uintptr_t at, const struct chunk *chunk) {
    enum { ARENA_OFFSET_MAX = 256 };
    struct heap_info info;
    uintptr_t        heap = align_down(at, HEAP_MAX);
    if (heap == 0 || !read_safely(&info, (const void *)heap, sizeof info))
        return false;
    uintptr_t arena_heap = align_down(info.arena, HEAP_MAX);
    return info.arena - arena_heap >= sizeof info && info.arena - arena_heap < ARENA_OFFSET_MAX &&
           is_aligned(info.arena, CHUNK_ALIGNMENT) && is_aligned(info.previous, HEAP_MAX) &&
           (info.previous == 0) == (arena_heap == heap) && info.bytes <= HEAP_MAX &&
           is_page_aligned(info.bytes) && info.bytes <= info.committed_bytes &&
           at - heap < info.bytes && fits_between(at, chunk, heap + sizeof info, heap + info.bytes);
}

// The main arena, which lies in the data segment (beside ours, whose pointers are not asked about).
static bool owns_main(uintptr_t at, const struct chunk *chunk) {
    uintptr_t start = break_start(), end = (uintptr_t)os_break();
    return start != 0 && at >= start && at < end && fits_between(at, chunk, start, end);
}

bool os_libc_owns(const void *pointer) {
    uintptr_t    at = (uintptr_t)pointer - CHUNK_HEADER;
    struct chunk chunk;
    if (!libc_is_reachable() || (uintptr_t)pointer < CHUNK_MIN ||
        !is_aligned(at, CHUNK_ALIGNMENT) || !read_safely(&chunk, (const void *)at, sizeof chunk))
        return false;
    if (size_of(&chunk) < CHUNK_MIN || !is_aligned(size_of(&chunk), CHUNK_ALIGNMENT) ||
        size_of(&chunk) > PTRDIFF_MAX)
        return false;
    if (chunk.size_and_flags & CHUNK_IS_MAPPED)
        return owns_mapping(at, &chunk);
    if (chunk.size_and_flags & CHUNK_IS_SECONDARY)
        return owns_secondary(at, &chunk);
    return owns_main(at, &chunk);
}

// --- libc's functions --------------------------------------------------------------------------

void os_libc_free(void *pointer) {
    __libc_free(pointer);
}

void *os_libc_realloc(void *pointer, size_t bytes) {
    return __libc_realloc(pointer, bytes);
}

size_t os_libc_usable_size(const void *pointer) {
    const struct chunk *chunk = (const struct chunk *)((uintptr_t)pointer - CHUNK_HEADER);
    // A chunk in an arena lends its block the first word of the next chunk.
    bool is_mapped = chunk->size_and_flags & CHUNK_IS_MAPPED;
    return size_of(chunk) - (is_mapped ? CHUNK_HEADER : sizeof(size_t));
}
