// base/text.c - the little that a message or a setting needs.
#include "base/text.h"

size_t text_length(const char *string) {
    size_t length = 0;
    while (string[length])
        length++;
    return length;
}

bool text_equal(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

bool text_starts(const char *string, const char *prefix, const char **rest) {
    while (*prefix)
        if (*string++ != *prefix++)
            return false;
    if (rest)
        *rest = string;
    return true;
}

// --- writing ------------------------------------------------------------------------------------

void text_begin(struct text_line *line) {
    line->length = 0;
    line->bytes[0] = 0;
}

void text_add_bytes(struct text_line *line, const char *bytes, size_t count) {
    for (size_t i = 0; i < count && line->length < TEXT_LINE_BYTES - 1; i++)
        line->bytes[line->length++] = bytes[i];
    line->bytes[line->length] = 0;
}

void text_add(struct text_line *line, const char *string) {
    if (!string)
        string = "(null)";
    text_add_bytes(line, string, text_length(string));
}

static void add_in_base(struct text_line *line, uint64_t number, unsigned base) {
    char   digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    text_add_bytes(line, digits + at, sizeof digits - at);
}

void text_add_number(struct text_line *line, uint64_t number) {
    add_in_base(line, number, 10);
}

void text_add_signed(struct text_line *line, int64_t number) {
    if (number < 0)
        text_add(line, "-");
    text_add_number(line, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void text_add_hex(struct text_line *line, uint64_t number) {
    text_add(line, "0x");
    add_in_base(line, number, 16);
}

void text_add_size(struct text_line *line, uint64_t bytes) {
    static const char unit[] = "KMGT";
    unsigned          power = 0;
    while (power < 4 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        power++;
    }
    text_add_number(line, bytes);
    if (power)
        text_add_bytes(line, &unit[power - 1], 1);
}

void text_end(struct text_line *line) {
    if (line->length >= TEXT_LINE_BYTES - 1) {
        line->length = TEXT_LINE_BYTES - 5;
        text_add(line, "...");
    }
    text_add(line, "\n");
}

// --- reading ------------------------------------------------------------------------------------

static int digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

// Reads digits of `base` and leaves `*string` behind them.
static enum text_result read_digits(const char **string, int base, uint64_t *value) {
    uint64_t    number = 0;
    bool        too_large = false;
    const char *start = *string;
    for (; digit_value(**string) < base; ++*string) {
        too_large |= __builtin_mul_overflow(number, (uint64_t)base, &number);
        too_large |= __builtin_add_overflow(number, (uint64_t)digit_value(**string), &number);
    }
    if (*string == start)
        return TEXT_MALFORMED;
    *value = number;
    return too_large ? TEXT_TOO_LARGE : TEXT_OK;
}

static enum text_result read_number(const char **string, uint64_t *value) {
    const char *hex;
    if (text_starts(*string, "0x", &hex) || text_starts(*string, "0X", &hex)) {
        *string = hex;
        return read_digits(string, 16, value);
    }
    return read_digits(string, 10, value);
}

static char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool equal_any_case(const char *a, const char *b) {
    while (*a && to_lower(*a) == to_lower(*b))
        a++, b++;
    return to_lower(*a) == to_lower(*b);
}

struct unit {
    const char *name;
    uint64_t    factor;
};

// number, then one of the units (the last row has a NULL name).
static enum text_result read_with_unit(const char *string, const struct unit *units,
                                       uint64_t *value) {
    uint64_t         number = 0;
    enum text_result result = read_number(&string, &number);
    if (result == TEXT_MALFORMED)
        return result;
    for (; units->name; units++) {
        if (!equal_any_case(string, units->name))
            continue;
        if (result != TEXT_OK || __builtin_mul_overflow(number, units->factor, &number))
            return TEXT_TOO_LARGE;
        *value = number;
        return TEXT_OK;
    }
    return TEXT_MALFORMED;
}

enum text_result text_to_number(const char *string, uint64_t *value) {
    const struct unit units[] = {{"", 1}, {NULL, 0}};
    return read_with_unit(string, units, value);
}

enum text_result text_to_size(const char *string, uint64_t *bytes) {
    const struct unit units[] = {
        {"", 1},          {"B", 1},         {"K", KIB(1)},     {"KB", KIB(1)},   {"KiB", KIB(1)},
        {"M", MIB(1)},    {"MB", MIB(1)},   {"MiB", MIB(1)},   {"G", GIB(1)},    {"GB", GIB(1)},
        {"GiB", GIB(1)},  {"T", GIB(1024)}, {"TB", GIB(1024)}, {"TiB", GIB(1024)}, {NULL, 0}};
    return read_with_unit(string, units, bytes);
}

enum text_result text_to_milliseconds(const char *string, uint64_t *milliseconds) {
    const struct unit units[] = {{"", 1000},    {"ms", 1},     {"s", 1000},
                                 {"m", 60000},  {"h", 3600000}, {NULL, 0}};
    return read_with_unit(string, units, milliseconds);
}

enum text_result text_to_percent(const char *string, uint64_t *percent) {
    const struct unit units[] = {{"", 1}, {"%", 1}, {NULL, 0}};
    return read_with_unit(string, units, percent);
}

enum text_result text_to_bool(const char *string, uint64_t *value) {
    static const char *const words[] = {"0", "off", "no", "false", "1", "on", "yes", "true"};
    for (unsigned i = 0; i < ARRAY_COUNT(words); i++) {
        if (equal_any_case(string, words[i])) {
            *value = i >= ARRAY_COUNT(words) / 2;
            return TEXT_OK;
        }
    }
    return TEXT_MALFORMED;
}
