// entry/emit.c - the buffer, columns, and the commas of JSON.
#include "entry/emit.h"

void emit_begin(struct emitter *emitter, emit_sink sink, void *data) {
    emitter->sink = sink;
    emitter->data = data;
    emitter->length = 0;
    emitter->depth = 0;
    emitter->needs_comma = false;
}

void emit_end(struct emitter *emitter) {
    size_t length = emitter->length;
    emitter->length = 0;
    if (length)
        emitter->sink(emitter->data, emitter->bytes, length);
}

static void emit_bytes(struct emitter *emitter, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (emitter->length == EMIT_BYTES)
            emit_end(emitter);
        emitter->bytes[emitter->length++] = bytes[i];
    }
}

void emit_text(struct emitter *emitter, const char *string) {
    emit_bytes(emitter, string, text_length(string));
}

// --- numbers and columns -------------------------------------------------------------------------

enum { FIGURE_BYTES = 24 };  // a 64-bit number, or one with a decimal and a unit

// Written from the end; returns the first character in `figure`.
static char *figure_of(uint64_t number, char *at) {
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return at;
}

static void emit_spaces(struct emitter *emitter, size_t count) {
    while (count--)
        emit_bytes(emitter, " ", 1);
}

void emit_number(struct emitter *emitter, uint64_t number) {
    emit_right_number(emitter, number, 0);
}

void emit_left(struct emitter *emitter, const char *string, size_t width) {
    size_t length = text_length(string);
    emit_text(emitter, string);
    if (length < width)
        emit_spaces(emitter, width - length);
}

void emit_right(struct emitter *emitter, const char *string, size_t width) {
    size_t length = text_length(string);
    if (length < width)
        emit_spaces(emitter, width - length);
    emit_text(emitter, string);
}

void emit_right_number(struct emitter *emitter, uint64_t number, size_t width) {
    char figure[FIGURE_BYTES];
    figure[FIGURE_BYTES - 1] = 0;
    emit_right(emitter, figure_of(number, figure + FIGURE_BYTES - 1), width);
}

void emit_right_size(struct emitter *emitter, uint64_t bytes, size_t width) {
    static const char units[] = "KMGTPE";
    char              figure[FIGURE_BYTES];
    char             *at = figure + FIGURE_BYTES - 1;
    unsigned          power = 0;
    while (power < 6 && bytes >> (10 * (power + 1)))
        power++;
    uint64_t unit = (uint64_t)1 << (10 * power);
    *at = 0;
    if (power) {
        *--at = units[power - 1];
        *--at = (char)('0' + bytes % unit * 10 / unit);
        *--at = '.';
    }
    emit_right(emitter, figure_of(bytes / unit, at), width);
}

// --- JSON and XML --------------------------------------------------------------------------------

static void begin_item(struct emitter *emitter, const char *key) {
    if (emitter->needs_comma)
        emit_text(emitter, ",");
    if (emitter->depth) {
        emit_text(emitter, "\n");
        emit_spaces(emitter, (size_t)emitter->depth * 2);
    }
    if (key) {
        emit_text(emitter, "\"");
        emit_text(emitter, key);
        emit_text(emitter, "\": ");
    }
    emitter->needs_comma = true;
}

void emit_json_open(struct emitter *emitter, const char *key, const char *bracket) {
    begin_item(emitter, key);
    emit_text(emitter, bracket);
    emitter->depth++;
    emitter->needs_comma = false;
}

void emit_json_close(struct emitter *emitter, const char *bracket) {
    emitter->depth--;
    if (emitter->needs_comma) {
        emit_text(emitter, "\n");
        emit_spaces(emitter, (size_t)emitter->depth * 2);
    }
    emit_text(emitter, bracket);
    emitter->needs_comma = true;
}

void emit_json_number(struct emitter *emitter, const char *key, uint64_t number) {
    begin_item(emitter, key);
    emit_number(emitter, number);
}

void emit_json_string(struct emitter *emitter, const char *key, const char *string) {
    begin_item(emitter, key);
    emit_text(emitter, "\"");
    emit_text(emitter, string);
    emit_text(emitter, "\"");
}

void emit_xml_number(struct emitter *emitter, const char *name, uint64_t number) {
    emit_text(emitter, " ");
    emit_text(emitter, name);
    emit_text(emitter, "=\"");
    emit_number(emitter, number);
    emit_text(emitter, "\"");
}
