// tests/unit/entry/test_fake_emit.c - sizes for people, and texts around the size of the buffer.
#include "entry/emit.h"
#include "tests/unit/check_text.h"

static struct {
    char   bytes[8 * EMIT_BYTES];
    size_t length;
} out;

static void collect(void *data, const char *bytes, size_t count) {
    CHECK(data == &out);
    CHECK(count > 0 && count <= EMIT_BYTES);
    CHECK(out.length + count < sizeof out.bytes);
    memcpy(out.bytes + out.length, bytes, count);
    out.length += count;
    out.bytes[out.length] = 0;
}

static void test_columns(void) {
    struct emitter emitter;
    out.length = 0;
    emit_begin(&emitter, collect, &out);
    emit_left(&emitter, "ab", 4);
    emit_right(&emitter, "cd", 4);
    emit_right_number(&emitter, 70, 3);
    emit_left(&emitter, "wider", 2);
    emit_right_number(&emitter, 12345, 2);
    emit_end(&emitter);
    CHECK_TEXT(out.bytes, "ab    cd 70wider12345");
}

static void test_sizes(void) {
    static const struct {
        uint64_t    bytes;
        const char *text;
    } sizes[] = {{0, "       0"},
                 {1023, "    1023"},
                 {1024, "    1.0K"},
                 {1536, "    1.5K"},
                 {MIB(1) - 1, " 1023.9K"},
                 {MIB(117) + MIB(1) * 7 / 10 + 1, "  117.7M"},
                 {UINT64_MAX, "   15.9E"}};
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct emitter emitter;
        out.length = 0;
        emit_begin(&emitter, collect, &out);
        emit_right_size(&emitter, sizes[i].bytes, 8);
        emit_end(&emitter);
        CHECK_TEXT(out.bytes, sizes[i].text);
    }
}

// Texts of every length around the size of the buffer arrive whole and in order.
static void test_boundaries(void) {
    static char text[2 * EMIT_BYTES + 2];
    for (size_t length = 0; length <= 2 * EMIT_BYTES; length++) {
        struct emitter emitter;
        for (size_t i = 0; i < length; i++)
            text[i] = (char)('a' + (length + i) % 26);
        text[length] = 0;
        out.length = 0;
        out.bytes[0] = 0;
        emit_begin(&emitter, collect, &out);
        emit_text(&emitter, text);
        emit_number(&emitter, UINT64_MAX);
        emit_end(&emitter);
        CHECK(strncmp(out.bytes, text, length) == 0);
        CHECK_TEXT(out.bytes + length, "18446744073709551615");
    }
}

int main(void) {
    test_columns();
    test_sizes();
    test_boundaries();
    return 0;
}
