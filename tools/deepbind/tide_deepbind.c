// tools/deepbind/tide_deepbind.c - libtidemalloc-deepbind.so: dlopen without RTLD_DEEPBIND.
//
// A plugin that is opened with RTLD_DEEPBIND finds libc's malloc before the program's. The program
// may free its blocks (libtidemalloc hands them to libc), but the plugin calls libc's free with
// ours, and libc aborts. A program that exchanges blocks both ways preloads this library, too:
//
//   LD_PRELOAD="libtidemalloc-deepbind.so libtidemalloc.so.1" ./server
//
// It is a library of its own because it changes what a program asked for: without the flag a plugin
// also shares all other names with the program.
//
// Both functions end in a jump to libc's, never in a call: libc tells from the return address who
// asks, whose RUNPATH counts and in which namespace. So this file is compiled with sibling calls on
// whatever the build is; the test opens a plugin that only its own RUNPATH finds.
// Thread safety: any thread; two first calls at once find the same address.
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

typedef void *open_call(const char *path, int mode);
typedef void *open_in_call(Lmid_t space, const char *path, int mode);

// Relaxed: whoever finds NULL looks for himself.
static open_call    *next_dlopen;
static open_in_call *next_dlmopen;

static void *find(const char *name) {
    int   before = errno;
    void *found = dlsym(RTLD_NEXT, name);
    errno = before;
    return found;
}

EXPORT void *dlopen(const char *path, int mode) {
    open_call *next = __atomic_load_n(&next_dlopen, __ATOMIC_RELAXED);
    if (next == NULL) {
        next = (open_call *)find("dlopen");
        __atomic_store_n(&next_dlopen, next, __ATOMIC_RELAXED);
    }
    return next(path, mode & ~RTLD_DEEPBIND);
}

// In another namespace there is another libc, and the flag means something else.
EXPORT void *dlmopen(Lmid_t space, const char *path, int mode) {
    open_in_call *next = __atomic_load_n(&next_dlmopen, __ATOMIC_RELAXED);
    if (next == NULL) {
        next = (open_in_call *)find("dlmopen");
        __atomic_store_n(&next_dlmopen, next, __ATOMIC_RELAXED);
    }
    return next(space, path, space == LM_ID_BASE ? mode & ~RTLD_DEEPBIND : mode);
}
