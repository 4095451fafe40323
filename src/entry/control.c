// entry/control.c - names and mallopt numbers -> options; results -> errno values.
#include "entry/control.h"

#include <errno.h>

#include "conf/options.h"

enum { MALLOPT_MMAP_MAX = -4, MALLOPT_PERTURB = -6 };

static int errno_of(enum option_result result) {
    switch (result) {
    case OPTION_OK:        return 0;
    case OPTION_UNKNOWN:   return ENOENT;
    case OPTION_MALFORMED: return EINVAL;
    case OPTION_RANGE:     return ERANGE;
    case OPTION_NOT_LIVE:  return EPERM;
    case OPTION_BUSY:      return EBUSY;
    }
    return EINVAL;
}

int control_get(const char *name, char *value, size_t capacity) {
    struct text_line line;
    enum option_id   id = options_find(name);
    if (id == OPTION_COUNT)
        return ENOENT;
    text_begin(&line);
    options_show(id, &line);
    if (line.length >= capacity)
        return ERANGE;
    for (size_t i = 0; i <= line.length; i++)
        value[i] = line.bytes[i];
    return 0;
}

int control_set(const char *name, const char *value) {
    int saved = errno;
    int error = errno_of(options_set_text(options_find(name), value));
    errno = saved;
    return error;
}

// What a mallopt argument means for an option: sizes have no bad values, perturb is a byte.
static uint64_t mallopt_value(enum option_id id, int value) {
    if (options_row(id)->type == OPTION_SIZE)
        return options_nearest(id, value < 0 ? UINT64_MAX : (uint64_t)value);
    if (options_row(id)->mallopt == MALLOPT_PERTURB)
        return (uint64_t)value & 0xff;
    return (uint64_t)(int64_t)value;  // a negative count is out of range
}

static bool set(enum option_id id, uint64_t value) {
    int  saved = errno;
    bool done = options_set(id, value) == OPTION_OK;
    errno = saved;
    return done;
}

int control_mallopt(int parameter, int value) {
    if (parameter == MALLOPT_MMAP_MAX)
        return value == 0 &&
               set(OPT_HUGE_THRESHOLD, options_nearest(OPT_HUGE_THRESHOLD, UINT64_MAX));
    enum option_id id = options_find_mallopt(parameter);
    return id != OPTION_COUNT && set(id, mallopt_value(id, value));
}
