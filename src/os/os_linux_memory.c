// os/os_linux_memory.c - mappings, the data segment and what the kernel is told about them.
//
//   os_map            reserved or read-write address space, aligned, named
//   os_commit             reserved -> read-write
//   os_conceal, os_hide   read-write -> reserved, without its memory or with it
//   os_carry              memory from one range to another
//   os_seal               read-write -> read-only, and back
//   os_purge, _purge_all  memory given back, still usable
//   os_resize, os_move    by mremap; shrinking by munmap
//   os_break_move         the data segment, through libc so that its idea of the break stays right
//
// Each optional call has a switch: once the kernel or a filter refused it, it is not tried again. A
// switch only goes from unknown to its final value, so every thread may write it without a lock.
#include "os/os.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "base/text.h"
#include "os/os_linux.h"

// In <linux/prctl.h> and <linux/mman.h> of newer systems only.
enum { PRCTL_SET_VMA = 0x53564d41, PRCTL_SET_VMA_ANON_NAME = 0 };
enum { ADVICE_HUGE = 14, ADVICE_NO_HUGE = 15 };
enum { REMAP_KEEPS_OLD = 4 };  // MREMAP_DONTUNMAP
enum { PIDFD_OF_SELF = -10000 };

static bool naming_is_off;
static bool mremap_is_off;
static bool carrying_is_off;

static int result_of(int status) {
    return status == 0 ? 0 : errno;
}

// --- mapping -----------------------------------------------------------------------------------

void os_name(void *address, size_t bytes, const char *name) {
    if (PEEK(&naming_is_off))
        return;
    if (prctl(PRCTL_SET_VMA, PRCTL_SET_VMA_ANON_NAME, address, bytes, name) != 0 &&
        (errno == EINVAL || call_is_refused(errno)))
        POKE(&naming_is_off, true);
}

static void *map_anywhere(size_t bytes, int protection) {
    void *address = call_mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS);
    return address == MAP_FAILED ? NULL : address;
}

// Maps more than asked and unmaps what lies before and after the aligned part. At the limit of
// mappings the slack may have to stay: address space that nobody touches.
static void *map_and_trim(size_t bytes, size_t alignment, int protection) {
    size_t padded;
    if (!checked_add(bytes, alignment - os_page_bytes(), &padded))
        return NULL;
    char *all = map_anywhere(padded, protection);
    if (!all)
        return NULL;
    char  *start = (char *)align_up((uintptr_t)all, alignment);
    size_t before = (size_t)(start - all), after = padded - before - bytes;
    if (before)
        call_munmap(all, before);
    if (after)
        call_munmap(start + bytes, after);
    return start;
}

static void *map_aligned(size_t bytes, size_t alignment, int protection) {
    // The kernel packs mappings: behind one of whole granules the next is often aligned as it is.
    void *address = map_anywhere(bytes, protection);
    if (!address || is_aligned((uintptr_t)address, alignment))
        return address;
    call_munmap(address, bytes);
    return map_and_trim(bytes, alignment, protection);
}

void *os_map(size_t bytes, size_t alignment, enum os_access access, const char *name) {
    int   protection = access == OS_READ_WRITE ? PROT_READ | PROT_WRITE : PROT_NONE;
    void *address = map_aligned(bytes, max_size(alignment, os_page_bytes()), protection);
    if (address)
        os_name(address, bytes, name);
    return address;
}

int os_unmap(void *address, size_t bytes) {
    return result_of(call_munmap(address, bytes));
}

int os_commit(void *address, size_t bytes) {
    return result_of(call_mprotect(address, bytes, PROT_READ | PROT_WRITE));
}

// What cannot be given back (locked pages) is concealed all the same.
int os_conceal(void *address, size_t bytes) {
    call_madvise(address, bytes, MADV_DONTNEED);
    return result_of(call_mprotect(address, bytes, PROT_NONE));
}

int os_hide(void *address, size_t bytes) {
    return result_of(call_mprotect(address, bytes, PROT_NONE));
}

int os_seal(void *address, size_t bytes, bool sealed) {
    if (!is_aligned((uintptr_t)address | bytes, os_page_bytes()))
        return EINVAL;
    return result_of(call_mprotect(address, bytes, sealed ? PROT_READ : PROT_READ | PROT_WRITE));
}

// --- moving ------------------------------------------------------------------------------------

// mremap with its switch. NULL: errno says why.
static void *remap(void *address, size_t old_bytes, size_t new_bytes, int flags, void *target) {
    if (PEEK(&mremap_is_off)) {
        errno = ENOSYS;
        return NULL;
    }
    void *moved = call_mremap(address, old_bytes, new_bytes, flags, target);
    if (moved != MAP_FAILED)
        return moved;
    if (call_is_refused(errno))
        POKE(&mremap_is_off, true);
    return NULL;
}

int os_resize(void *address, size_t old_bytes, size_t new_bytes) {
    if (new_bytes == old_bytes)
        return 0;
    if (new_bytes < old_bytes)
        return os_unmap((char *)address + new_bytes, old_bytes - new_bytes);
    return remap(address, old_bytes, new_bytes, 0, NULL) ? 0 : ENOMEM;
}

// Kernels differ in whether a failing mremap has released its target: so what can fail is tried
// before, on the target itself. The growth becomes writable, and is counted by every limit.
static bool may_grow_to(void *target, size_t old_bytes, size_t new_bytes) {
    return new_bytes <= old_bytes ||
           call_mprotect(target, new_bytes - old_bytes, PROT_READ | PROT_WRITE) == 0;
}

void *os_move(void *address, size_t old_bytes, size_t new_bytes, size_t alignment,
              const char *name, bool (*ready)(void *target, size_t bytes)) {
    if (PEEK(&mremap_is_off))
        return NULL;
    void *target = map_aligned(new_bytes, max_size(alignment, os_page_bytes()), PROT_NONE);
    if (!target)
        return NULL;
    int  flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    bool tried = may_grow_to(target, old_bytes, new_bytes) &&
                 (!ready || ready(target, new_bytes));
    if (tried && remap(address, old_bytes, new_bytes, flags, target)) {
        os_name(target, new_bytes, name);
        return target;
    }
    // A call that was not made, or refused, did nothing. One that failed all the same may have
    // released the target, and somebody else may live there by now: it is left alone.
    if (!tried || PEEK(&mremap_is_off))
        call_munmap(target, new_bytes);
    return NULL;
}

// The kernel looks at the flags before it touches anything; it knows them from 5.7 on.
enum os_carrying os_carry(void *from, void *to, size_t bytes) {
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | REMAP_KEEPS_OLD;
    if (PEEK(&carrying_is_off) || PEEK(&mremap_is_off))
        return OS_STAYED;
    if (call_mremap(from, bytes, bytes, flags, to) == to)
        return OS_CARRIED;
    if (errno != EINVAL && !call_is_refused(errno))
        return OS_TARGET_LOST;
    POKE(&carrying_is_off, true);
    return OS_STAYED;
}

// --- giving back -------------------------------------------------------------------------------

enum { PURGE_UNTESTED, PURGE_WORKS, PURGE_LIES };
static uint8_t purge_state;

// The first purge proves the call on the range itself, which is nobody's to read: no page has to be
// mapped for it, since the first purge may come when none can be had.
static int purge_and_prove(void *address, size_t bytes) {
    volatile char *byte = address;
    char           before = *byte;
    *byte = 1;
    int error = result_of(call_madvise(address, bytes, MADV_DONTNEED));
    if (error != 0) {
        *byte = before;
        return error;
    }
    bool works = *byte == 0;
    POKE(&purge_state, works ? PURGE_WORKS : PURGE_LIES);
    // The look brought the page back.
    return works ? result_of(call_madvise(address, os_page_bytes(), MADV_DONTNEED)) : ENOSYS;
}

int os_purge(void *address, size_t bytes) {
    if (UNLIKELY(PEEK(&purge_state) == PURGE_UNTESTED))
        return purge_and_prove(address, bytes);
    if (UNLIKELY(PEEK(&purge_state) == PURGE_LIES))
        return ENOSYS;
    return result_of(call_madvise(address, bytes, MADV_DONTNEED));
}

// What a range is to the kernel.
_Static_assert(sizeof(struct os_range) == sizeof(struct iovec) &&
                   offsetof(struct os_range, bytes) == offsetof(struct iovec, iov_len),
               "a range is passed to the kernel as it is");

static bool purge_list_is_off;

// How many of the first ones went. Where the list is refused and its first range is not, the call
// is not tried again: kernels before 6.14 have no name for the caller's own process, and filters
// may know nothing of it.
static unsigned purge_list(const struct os_range *ranges, unsigned count) {
    unsigned done = 0;
    long     bytes = call_process_madvise(PIDFD_OF_SELF, ranges, count, MADV_DONTNEED);
    for (; done < count && bytes >= (long)ranges[done].bytes; done++)
        bytes -= (long)ranges[done].bytes;
    if (done > 0 || os_purge(ranges[0].address, ranges[0].bytes) != 0)
        return done;
    POKE(&purge_list_is_off, true);
    return 1;
}

unsigned os_purge_all(const struct os_range *ranges, unsigned count) {
    bool     as_list = count > 1 && PEEK(&purge_state) == PURGE_WORKS && !PEEK(&purge_list_is_off);
    unsigned done = as_list ? purge_list(ranges, count) : 0;
    while (done < count && os_purge(ranges[done].address, ranges[done].bytes) == 0)
        done++;
    return done;
}

// --- huge pages --------------------------------------------------------------------------------

static bool advice_is_off;

// Whether the host hands out huge pages unasked is not asked: opening the file that says so takes
// five times as long.
static void advise(void *address, size_t bytes, int advice) {
    if (PEEK(&advice_is_off))
        return;
    if (call_madvise(address, bytes, advice) != 0 && (errno == EINVAL || call_is_refused(errno)))
        POKE(&advice_is_off, true);  // no such pages, or no such call
}

void os_avoid_huge_pages(void *address, size_t bytes) {
    advise(address, bytes, ADVICE_NO_HUGE);
}

void os_prefer_huge_pages(void *address, size_t bytes) {
    advise(address, bytes, ADVICE_HUGE);
}

#define HUGE_FILES "/sys/kernel/mm/transparent_hugepage/"

size_t os_huge_page_bytes(bool asked) {
    char      text[64];
    ptrdiff_t count = os_read_file(HUGE_FILES "enabled", text, sizeof text - 1);
    text[count > 0 ? count : 0] = 0;
    if (!text_starts(text, "[always]", NULL) &&
        !(asked && text_starts(text, "always [madvise]", NULL)))
        return 0;
    uint64_t bytes;
    count = os_read_file(HUGE_FILES "hpage_pmd_size", text, sizeof text);
    if (count <= 1)
        return 0;
    text[count - 1] = 0;  // the end of the line
    return text_to_number(text, &bytes) == TEXT_OK && is_power_of_two(bytes) ? bytes : 0;
}

// --- questions ---------------------------------------------------------------------------------

bool os_is_mapped(const void *address, size_t bytes) {
    unsigned char resident[256];  // one byte a page; what mincore says beyond ENOMEM is not used
    size_t        page = os_page_bytes();
    uintptr_t     at = align_down((uintptr_t)address, page), end;
    if (__builtin_add_overflow((uintptr_t)address, bytes, &end) || end > UINTPTR_MAX - page)
        return false;
    for (end = align_up(end, page); at < end;) {
        size_t step = min_size(end - at, sizeof resident * page);
        if (syscall(SYS_mincore, at, step, resident) != 0)
            return false;
        at += step;
    }
    return true;
}

size_t os_resident_in(const void *address, size_t bytes) {
    unsigned char resident[256];  // one byte a page, of which bit 0 counts
    size_t        page = os_page_bytes(), sum = 0;
    for (size_t done = 0; done < bytes; done += sizeof resident * page) {
        size_t step = min_size(bytes - done, sizeof resident * page);
        if (syscall(SYS_mincore, (uintptr_t)address + done, step, resident) != 0)
            return bytes;
        for (size_t i = 0; i < step / page; i++)
            sum += (resident[i] & 1) * page;
    }
    return sum;
}

// --- the data segment --------------------------------------------------------------------------

void *os_break(void) {
    void *now = sbrk(0);
    return now == (void *)-1 ? NULL : now;
}

// libc computes the new break from its own copy of the old one. When somebody moved the break
// behind libc's back, that would cut off his memory: the move is refused.
void *os_break_move(intptr_t bytes) {
    void *before = os_break();
    if (!before || (uintptr_t)before != (uintptr_t)syscall(SYS_brk, 0))
        return NULL;
    void *old = sbrk(bytes);
    return old == (void *)-1 ? NULL : old;
}
