// os/fail.c - one line, then the end.
#include "os/fail.h"

#include "os/os.h"

enum { STDERR = 2 };

void fail_begin(struct text_line *line) {
    text_begin(line);
    text_add(line, "tidemalloc: ");
}

// One write: lines of several threads do not mix.
void fail_write(struct text_line *line) {
    text_end(line);
    os_write(STDERR, line->bytes, line->length);
}

void fail_line(struct text_line *line) {
    fail_write(line);
    os_abort();
}

void fail_begin_pointer(struct text_line *line, const char *function, const void *pointer) {
    fail_begin(line);
    text_add(line, function);
    text_add(line, "(");
    text_add_hex(line, (uintptr_t)pointer);
    text_add(line, "): ");
}

void fail_begin_size(struct text_line *line, const char *function, const void *pointer, size_t told,
                     size_t block_bytes) {
    fail_begin(line);
    text_add(line, function);
    text_add(line, "(");
    text_add_hex(line, (uintptr_t)pointer);
    text_add(line, ", ");
    text_add_number(line, told);
    text_add(line, "): size does not match the ");
    text_add_number(line, block_bytes);
    text_add(line, "-byte block");
}

bool fail_is_free(const char *function) {
    return text_starts(function, "free", NULL) || text_starts(function, "operator", NULL);
}

void fail_pointer(const char *function, const void *pointer, const char *what) {
    struct text_line line;
    fail_begin_pointer(&line, function, pointer);
    text_add(&line, what);
    fail_line(&line);
}

void fail_block(const char *function, const void *pointer, const char *before, uint64_t number,
                const char *after) {
    struct text_line line;
    fail_begin_pointer(&line, function, pointer);
    text_add(&line, before);
    text_add_number(&line, number);
    text_add(&line, after);
    fail_line(&line);
}

void fail_internal(const char *what) {
    struct text_line line;
    fail_begin(&line);
    text_add(&line, "internal error: ");
    text_add(&line, what);
    fail_line(&line);
}
