// tests/fuzz/test_fake_options.c - any environment, read from bytes, by the parser of settings.
//
// The bytes are split at 0 bytes into environment entries; an entry that starts with no known name
// gets one of the names put before it, chosen by its first byte, so that values are reached.
// Proved: every value stands within its range, what is shown is read back as the same value, what
// is refused leaves the default and tells one line, and nothing is written outside.
#include "conf/options.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_os.h"
#include "tests/support/test.h"

enum { ENTRIES = 24, ENTRY_BYTES = 600 };

#define PROVE(cond) ((cond) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #cond))

static char  store[ENTRIES][ENTRY_BYTES];
static char *environment[ENTRIES + 1];

// The name in front for a first byte: each variable, each alias, the tunables, none.
static const char *front(unsigned char first) {
    unsigned number = first % (2 * OPTION_COUNT + 2);
    if (number < OPTION_COUNT)
        return options_row(number)->variable;
    if (number < 2 * OPTION_COUNT)
        return options_row(number - OPTION_COUNT)->alias;
    return number == 2 * OPTION_COUNT ? "GLIBC_TUNABLES" : NULL;
}

static void form_entry(char *entry, const uint8_t *bytes, size_t count) {
    const char *name = count ? front(bytes[0]) : NULL;
    int         length = name ? snprintf(entry, ENTRY_BYTES, "%s=", name) : 0;
    size_t      room = ENTRY_BYTES - 1 - (size_t)length;
    if (name) {
        bytes++;
        count--;
    }
    if (count > room)
        count = room;
    if (count)
        memcpy(entry + length, bytes, count);
    entry[(size_t)length + count] = 0;
}

static void form_environment(const uint8_t *bytes, size_t count) {
    unsigned entries = 0;
    for (; count && entries < ENTRIES; entries++) {
        const uint8_t *end = memchr(bytes, 0, count);
        size_t         length = end ? (size_t)(end - bytes) : count;
        form_entry(store[entries], bytes, length);
        environment[entries] = store[entries];
        length += end != NULL;
        bytes += length;
        count -= length;
    }
    environment[entries] = NULL;
}

static bool in_range(const struct option_row *row, uint64_t value) {
    return value == row->fallback || (value == 0 && row->zero) ||
           (value >= row->min && value <= row->max) ||
           (row->type == OPTION_LIMIT && value <= OPTION_PERCENT_MAX) ||
           (row->type == OPTION_RATE && value > OPTION_SHARE &&
            value <= OPTION_SHARE + OPTION_SHARE_MAX);
}

static void prove_option(enum option_id id) {
    const struct option_row *row = options_row(id);
    uint64_t                 value = option(id);
    struct text_line         line;
    PROVE(in_range(row, value));
    PROVE(options_origin(id) != ORIGIN_DEFAULT || value == row->fallback);
    text_begin(&line);
    options_show(id, &line);
    PROVE(line.length > 0 && line.length < TEXT_LINE_BYTES);
    if (row->live)
        PROVE(options_set_text(id, line.bytes) == OPTION_OK && option(id) == value);
}

static void prove_output(const char *output) {
    for (const char *at = output; *at; at++)
        PROVE(*at == '\n' || ((unsigned char)*at >= ' ' && *at != 0x7f));
    size_t length = strlen(output);
    PROVE(length == 0 || output[length - 1] == '\n');
    PROVE(length == 0 || strncmp(output, "tidemalloc: ", 12) == 0);
}

void fuzz_start(void) {
    fake_reset();
}

int fuzz_one(const uint8_t *bytes, size_t count) {
    form_environment(bytes, count);
    fake_clear_output();
    options_start(environment);
    prove_output(fake_output());
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        prove_option(id);
    return 0;
}
