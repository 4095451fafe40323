// tests/process/helpers/hooks.c - a preloaded library as tracers write them: it hooks open, mmap
// and pthread_mutex_lock, and every hook looks up the real function and allocates.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int   hook_calls(void);
void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
int   __pthread_mutex_lock(pthread_mutex_t *mutex);

static _Atomic int                                             calls;
static __thread __attribute__((tls_model("initial-exec"))) int depth;

int hook_calls(void) {
    return calls;
}

// What a tracer does before it passes a call on. False: the call came out of this very function.
static int enter(const char *name) {
    if (depth != 0)
        return 0;
    depth++;
    int saved = errno;
    calls++;
    char *note = calloc(1, 100);
    if (note != NULL)
        note[0] = name[0];
    free(note);
    if (dlsym(RTLD_NEXT, name) == NULL)
        _exit(120);
    dlsym(RTLD_NEXT, "no_such_function_anywhere");
    free(dlerror() == NULL ? NULL : calloc(3, 7));
    errno = saved;
    depth--;
    return 1;
}

static int raw_open(int directory, const char *path, int flags, mode_t mode) {
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    enter("open");
    return raw_open(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    enter("open64");
    return raw_open(AT_FDCWD, path, flags, mode);
}

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
    enter("mmap");
    return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
    enter("mmap64");
    return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
}

int munmap(void *address, size_t bytes) {
    enter("munmap");
    return (int)syscall(SYS_munmap, address, bytes);
}

int madvise(void *address, size_t bytes, int advice) {
    enter("madvise");
    return (int)syscall(SYS_madvise, address, bytes, advice);
}

int mprotect(void *address, size_t bytes, int protection) {
    enter("mprotect");
    return (int)syscall(SYS_mprotect, address, bytes, protection);
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
    enter("pthread_mutex_lock");
    return __pthread_mutex_lock(mutex);
}
