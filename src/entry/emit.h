// entry/emit.h - a text of any length, in pieces, through a small buffer in the caller's frame.
//
// The emitter allocates nothing, uses no stdio and takes no lock, so a report can be written at
// exit and in a process that has no memory. (The report itself takes locks for moments, to read its
// figures.) The sink gets 1 to EMIT_BYTES bytes at a time and may allocate.
#pragma once
#include "base/text.h"

enum { EMIT_BYTES = 256 };

// `bytes` is not 0-terminated and not kept.
typedef void (*emit_sink)(void *data, const char *bytes, size_t count);

struct emitter {
    emit_sink sink;
    void     *data;               // passed to the sink
    size_t    length;             // bytes that wait in `bytes`
    unsigned  depth;              // JSON: open brackets
    bool      needs_comma;        // JSON: something stands before in this bracket
    char      bytes[EMIT_BYTES];
};

void emit_begin(struct emitter *emitter, emit_sink sink, void *data);
// Passes on what waits. Without it the end of the text is lost.
void emit_end(struct emitter *emitter);

void emit_text(struct emitter *emitter, const char *string);
void emit_number(struct emitter *emitter, uint64_t number);
// A column: padded with spaces to `width`, never cut.
void emit_left(struct emitter *emitter, const char *string, size_t width);
void emit_right(struct emitter *emitter, const char *string, size_t width);
void emit_right_number(struct emitter *emitter, uint64_t number, size_t width);
// A size for people, right-aligned: "117.7M", "512"; cut, not rounded, to one decimal.
void emit_right_size(struct emitter *emitter, uint64_t bytes, size_t width);

// JSON. `key` is NULL inside an array and at the top. Strings are written as they are: names and
// values of the tables need no escapes.
void emit_json_open(struct emitter *emitter, const char *key, const char *bracket);
void emit_json_close(struct emitter *emitter, const char *bracket);
void emit_json_number(struct emitter *emitter, const char *key, uint64_t number);
void emit_json_string(struct emitter *emitter, const char *key, const char *string);

// XML: ` name="123"`.
void emit_xml_number(struct emitter *emitter, const char *name, uint64_t number);
