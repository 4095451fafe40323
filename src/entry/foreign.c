// entry/foreign.c - see foreign.h.
#include "entry/foreign.h"

#include <errno.h>

#include "conf/options.h"
#include "os/fail.h"
#include "os/os.h"

static void refuse(const char *function, const void *pointer) {
    static const char what[] = "pointer not from this allocator";
    if (option(OPT_FOREIGN) == 0)
        fail_pointer(function, pointer, what);
    struct text_line line;
    fail_begin_pointer(&line, function, pointer);
    text_add(&line, what);
    fail_write(&line);
}

void foreign_free(const char *function, void *pointer) {
    if (os_libc_owns(pointer))
        os_libc_free(pointer);
    else
        refuse(function, pointer);
}

void *foreign_realloc(const char *function, void *pointer, size_t bytes) {
    if (os_libc_owns(pointer))
        return os_libc_realloc(pointer, bytes);
    refuse(function, pointer);
    errno = EINVAL;
    return NULL;
}

size_t foreign_usable_size(const char *function, const void *pointer) {
    if (os_libc_owns(pointer))
        return os_libc_usable_size(pointer);
    refuse(function, pointer);
    errno = EINVAL;
    return 0;
}
