// unit/base/test_text.c - messages never overflow, and settings are read whole or not at all.
#include "base/text.h"
#include "tests/support/test.h"

static struct text_line line;

static void check_line(const char *expected) {
    CHECK(strcmp(line.bytes, expected) == 0);
    CHECK_EQ(line.length, strlen(expected));
    text_begin(&line);
}

static void test_writing(void) {
    text_begin(&line);
    check_line("");
    text_add(&line, "a");
    text_add(&line, "");
    text_add(&line, NULL);
    text_add_bytes(&line, "bcd", 2);
    check_line("a(null)bc");
    text_add_number(&line, 0);
    text_add(&line, " ");
    text_add_number(&line, UINT64_MAX);
    check_line("0 18446744073709551615");
    text_add_signed(&line, INT64_MIN);
    text_add(&line, " ");
    text_add_signed(&line, 7);
    check_line("-9223372036854775808 7");
    text_add_hex(&line, 0);
    text_add_hex(&line, 0x7f12abc);
    text_add_hex(&line, UINT64_MAX);
    check_line("0x00x7f12abc0xffffffffffffffff");
    text_add(&line, "end");
    text_end(&line);
    check_line("end\n");
}

static void test_sizes(void) {
    static const struct {
        uint64_t    bytes;
        const char *text;
    } rows[] = {{0, "0"},
                {77, "77"},
                {1023, "1023"},
                {1024, "1K"},
                {1536, "1536"},
                {1536 * 1024, "1536K"},
                {MIB(64), "64M"},
                {GIB(3), "3G"},
                {GIB(1024), "1T"},
                {GIB(1024) * 1024, "1024T"},
                {UINT64_MAX, "18446744073709551615"}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        text_begin(&line);
        text_add_size(&line, rows[i].bytes);
        check_line(rows[i].text);
        uint64_t back;
        CHECK(text_to_size(rows[i].text, &back) == TEXT_OK && back == rows[i].bytes);
    }
}

// Whatever the lengths of the pieces: inside the buffer, terminated, and cut with "...".
static void test_overflow(void) {
    for (size_t step = 1; step < 300; step++) {
        char piece[300];
        memset(piece, 'x', step);
        piece[step] = 0;
        text_begin(&line);
        for (size_t total = 0; total < 600; total += step)
            text_add(&line, piece);
        text_end(&line);
        CHECK(line.length < TEXT_LINE_BYTES && line.bytes[line.length] == 0);
        CHECK(strcmp(line.bytes + line.length - 4, "...\n") == 0);
    }
    text_begin(&line);
    for (unsigned i = 0; i < TEXT_LINE_BYTES - 2; i++)
        text_add(&line, "y");
    text_end(&line);  // the longest that is not cut
    CHECK_EQ(line.length, TEXT_LINE_BYTES - 1);
    CHECK(line.bytes[line.length - 2] == 'y' && line.bytes[line.length - 1] == '\n');
}

static void test_strings(void) {
    const char *rest = NULL;
    CHECK(text_length("") == 0 && text_length("abc") == 3);
    CHECK(text_equal("a", "a") && !text_equal("a", "ab") && !text_equal("ab", "a"));
    CHECK(text_equal("", "") && !text_equal("", "a"));
    CHECK(text_starts("TIDE_ARENAS", "TIDE_", &rest) && text_equal(rest, "ARENAS"));
    CHECK(!text_starts("TIDE", "TIDE_", NULL) && text_starts("x", "", NULL));
}

typedef enum text_result reader(const char *string, uint64_t *value);

struct row {
    const char      *text;
    enum text_result result;
    uint64_t         value;
};

static void check_rows(reader *read, const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0xdead;
        if (read(rows[i].text, &value) != rows[i].result)
            test_fail(__FILE__, __LINE__, rows[i].text);
        CHECK(value == (rows[i].result == TEXT_OK ? rows[i].value : 0xdead));
    }
}

static void test_numbers(void) {
    static const struct row rows[] = {
        {"0", TEXT_OK, 0},
        {"12", TEXT_OK, 12},
        {"0x1F", TEXT_OK, 31},
        {"0Xff", TEXT_OK, 255},
        {"18446744073709551615", TEXT_OK, UINT64_MAX},
        {"18446744073709551616", TEXT_TOO_LARGE, 0},
        {"0x10000000000000000", TEXT_TOO_LARGE, 0},
        {"99999999999999999999999", TEXT_TOO_LARGE, 0},
        {"", TEXT_MALFORMED, 0},
        {" 1", TEXT_MALFORMED, 0},
        {"1 ", TEXT_MALFORMED, 0},
        {"-1", TEXT_MALFORMED, 0},
        {"+1", TEXT_MALFORMED, 0},
        {"abc", TEXT_MALFORMED, 0},
        {"0x", TEXT_MALFORMED, 0},
        {"1f", TEXT_MALFORMED, 0},
        {"99999999999999999999999z", TEXT_MALFORMED, 0},
    };
    check_rows(text_to_number, rows, ARRAY_COUNT(rows));
}

static void test_units(void) {
    static const struct row sizes[] = {
        {"64M", TEXT_OK, MIB(64)},   {"64m", TEXT_OK, MIB(64)},        {"1KiB", TEXT_OK, 1024},
        {"2kb", TEXT_OK, 2048},      {"3G", TEXT_OK, GIB(3)},          {"0x10K", TEXT_OK, 16384},
        {"7B", TEXT_OK, 7},          {"16777216T", TEXT_TOO_LARGE, 0}, {"1X", TEXT_MALFORMED, 0},
        {"M", TEXT_MALFORMED, 0},    {"1 M", TEXT_MALFORMED, 0},       {"1MM", TEXT_MALFORMED, 0},
        {"1.5M", TEXT_MALFORMED, 0},
    };
    static const struct row times[] = {
        {"2s", TEXT_OK, 2000},     {"2", TEXT_OK, 2000},
        {"150ms", TEXT_OK, 150},   {"3m", TEXT_OK, 180000},
        {"1h", TEXT_OK, 3600000},  {"0", TEXT_OK, 0},
        {"1d", TEXT_MALFORMED, 0}, {"18446744073709551615h", TEXT_TOO_LARGE, 0},
    };
    static const struct row shares[] = {
        {"25%", TEXT_OK, 25},
        {"25", TEXT_OK, 25},
        {"%", TEXT_MALFORMED, 0},
        {"25%%", TEXT_MALFORMED, 0},
    };
    static const struct row flags[] = {
        {"1", TEXT_OK, 1},       {"on", TEXT_OK, 1},         {"YES", TEXT_OK, 1},
        {"True", TEXT_OK, 1},    {"0", TEXT_OK, 0},          {"off", TEXT_OK, 0},
        {"No", TEXT_OK, 0},      {"FALSE", TEXT_OK, 0},      {"2", TEXT_MALFORMED, 0},
        {"", TEXT_MALFORMED, 0}, {"onn", TEXT_MALFORMED, 0},
    };
    check_rows(text_to_size, sizes, ARRAY_COUNT(sizes));
    check_rows(text_to_milliseconds, times, ARRAY_COUNT(times));
    check_rows(text_to_percent, shares, ARRAY_COUNT(shares));
    check_rows(text_to_bool, flags, ARRAY_COUNT(flags));
}

int main(void) {
    test_watchdog(60);
    test_writing();
    test_sizes();
    test_overflow();
    test_strings();
    test_numbers();
    test_units();
    return 0;
}
