// os/os_linux.h - the system calls as os_linux*.c make them; for these files only.
//
// Raw, through syscall(2) of libc: a preloaded library that puts its own function before mmap or
// open may call malloc, and would come back into us while we hold a lock. Results are as libc's
// wrappers give them: -1 and errno.
#pragma once
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

// In <sys/syscall.h> of newer systems only; one number on all processors.
enum { CALL_PROCESS_MADVISE = 440 };

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OS_UNDER_TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define OS_UNDER_TSAN 1
#endif

#ifdef OS_UNDER_TSAN
// ThreadSanitizer must see mappings come and go, or it takes the next user of an address for a
// racer of the last one.
ALWAYS_INLINE void *call_mmap(void *address, size_t bytes, int protection, int flags) {
    return mmap(address, bytes, protection, flags, -1, 0);
}
ALWAYS_INLINE int call_munmap(void *address, size_t bytes) {
    return munmap(address, bytes);
}
#else
ALWAYS_INLINE void *call_mmap(void *address, size_t bytes, int protection, int flags) {
    return (void *)syscall(SYS_mmap, address, bytes, protection, flags, -1, (long)0);
}
ALWAYS_INLINE int call_munmap(void *address, size_t bytes) {
    return (int)syscall(SYS_munmap, address, bytes);
}
#endif

ALWAYS_INLINE int call_mprotect(void *address, size_t bytes, int protection) {
    return (int)syscall(SYS_mprotect, address, bytes, protection);
}
ALWAYS_INLINE int call_madvise(void *address, size_t bytes, int advice) {
    return (int)syscall(SYS_madvise, address, bytes, advice);
}
ALWAYS_INLINE long call_process_madvise(int pidfd, const void *ranges, unsigned count, int advice) {
    return syscall(CALL_PROCESS_MADVISE, pidfd, ranges, (size_t)count, advice, 0u);
}
ALWAYS_INLINE void *call_mremap(void *address, size_t old_bytes, size_t new_bytes, int flags,
                                void *target) {
    return (void *)syscall(SYS_mremap, address, old_bytes, new_bytes, flags, target);
}

// True for the answers of a kernel or filter that does not know or does not allow the call at all.
ALWAYS_INLINE bool call_is_refused(int error) {
    return error == ENOSYS || error == EPERM;
}

// Of os_linux_limits.c: writes the path of an existing file of this process's own group of version
// 2. False: there is none.
enum { OS_GROUP_PATH_MAX = 384 };
bool os_group_file(const char *file, char path[OS_GROUP_PATH_MAX]);
// Of os_linux_libc.c: true for addresses in the module that this code is in, which is the program
// where that is linked with libtidemalloc.a.
bool os_is_in_our_object(uintptr_t address);
