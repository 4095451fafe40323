// conf/options.h - what can be set: environment -> one array of numbers, read by every floor above.
//
// options_start reads the environment once, before the first block leaves. A bad value or an
// unknown TIDE_ name is one line on stderr, and the default stands. Nothing is read when the
// process runs with raised privileges: the caller then passes NULL.
// Reading a value is one relaxed load and may happen in any context; live options may be changed at
// any time by options_set: the last writer wins. From options_seal on the values stand on a page
// that cannot be written, but for the moment of a change.
// Lock: RANK_OPTIONS around a change, held over the two system calls that open and seal the page.
// Nothing else is taken under it, so it may be taken under any other.
#pragma once
#include "base/text.h"
#include "conf/option_text.h"

enum { NO_MALLOPT = 0x7fffffff };

enum option_id {
#define OPTION(name, NAME, ...) OPT_##NAME,
#include "conf/options.def"
#undef OPTION
    OPTION_COUNT,
};

enum option_type {
    OPTION_COUNT_TYPE,
    OPTION_SIZE,
    OPTION_TIME,
    OPTION_PERCENT,
    OPTION_BOOL,
    OPTION_CHOICE,
    OPTION_LIMIT,  // a size, or up to OPTION_PERCENT_MAX a percentage
    OPTION_RATE,   // a size, or 1/N with N up to OPTION_SHARE_MAX
};

// Where a value came from, lowest priority first.
enum option_origin { ORIGIN_DEFAULT, ORIGIN_ALIAS, ORIGIN_TUNABLE, ORIGIN_TIDE, ORIGIN_PROGRAM };

struct option_row {  // one row of options.def
    const char      *name;
    const char      *variable;  // TIDE_...
    enum option_type type;
    uint64_t         fallback;  // the default
    uint64_t         min, max;
    const char      *zero;
    bool             live;
    const char      *alias, *tunable;
    int              mallopt;
    const char      *help;
};

// Result of options_set and options_set_text, also as errno of the public calls.
enum option_result {
    OPTION_OK,
    OPTION_UNKNOWN,    // no such option (ENOENT)
    OPTION_MALFORMED,  // not a value of its type (EINVAL)
    OPTION_RANGE,      // outside min .. max (ERANGE)
    OPTION_NOT_LIVE,   // read at start only, or sealed by a kernel that will not open it (EPERM)
    OPTION_BUSY,       // in a signal handler that came amid its own thread's change (EBUSY)
};

enum { OPTIONS_PAGE = 4096 };

// Alone on its page, so that it can be sealed. Written by options_start, then by options_set.
extern struct options_page {
    _Alignas(OPTIONS_PAGE) uint64_t values[OPTION_COUNT];
    uint8_t origins[OPTION_COUNT];  // enum option_origin
} options_page;

ALWAYS_INLINE uint64_t option(enum option_id id) {
    return PEEK(&options_page.values[id]);
}

// Where the table and the values stand, for a reader of this process's memory (entry/inspect.h).
struct options_sight {
    const struct option_row *rows;     // OPTION_COUNT of each
    const uint64_t          *values;
    const uint8_t           *origins;  // enum option_origin
};
extern const struct options_sight options_sight;

// `environment` may be NULL (nothing is read then). Not thread safe: called once by entry/init.
void options_start(char **environment);
// Makes what was read read-only, where OS pages are as small as OPTIONS_PAGE; likewise after each
// later change. Where the kernel refuses, the page stays open until the next change.
void options_seal(void);
const struct option_row *options_row(enum option_id id);
enum option_origin       options_origin(enum option_id id);
// The row named `name` (without TIDE_, lower case) or OPTION_COUNT.
enum option_id options_find(const char *name);
// The row of a mallopt parameter, or OPTION_COUNT.
enum option_id options_find_mallopt(int parameter);
// The value itself when it is in range, else the bound next to it: how glibc's names for sizes are
// taken.
uint64_t options_nearest(enum option_id id, uint64_t value);
// What the text of a value means; `*value` is written on OPTION_OK only.
enum option_result options_read(enum option_id id, const char *text, uint64_t *value);
enum option_result options_set(enum option_id id, uint64_t value);
enum option_result options_set_text(enum option_id id, const char *text);
// For fork: takes / releases / resets the lock of changes, so that no child has an open page.
void options_fork_prepare(void);
void options_fork_parent(void);
void options_fork_child(void);
// Appends the value of an option as options_set_text would read it ("64M", "2s", "auto", "text").
void options_show(enum option_id id, struct text_line *line);
// "default", "environment", "program", "GLIBC_TUNABLES" or the name of glibc's variable.
const char *options_origin_name(enum option_id id);
// Writes "tidemalloc VERSION" and one line an option with value, origin and help to a file
// descriptor (TIDE_VERBOSE). The version is the caller's: the public header is the top floor's.
void options_list(int fd, const char *version);
