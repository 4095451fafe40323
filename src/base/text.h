// base/text.h - numbers to text and back in the caller's buffer; no stdio, no locale.
//
// struct text_line collects one message for write(2): it never overflows, never allocates and may
// be used in any context. A message that does not fit is cut and ends in "...\n".
#pragma once
#include "base/base.h"

enum { TEXT_LINE_BYTES = 256 };

struct text_line {
    size_t length;  // bytes used, the final 0 not counted
    char   bytes[TEXT_LINE_BYTES];
};

void text_begin(struct text_line *line);
void text_add(struct text_line *line, const char *string);        // NULL adds "(null)"
void text_add_bytes(struct text_line *line, const char *bytes, size_t count);
void text_add_number(struct text_line *line, uint64_t number);    // decimal
void text_add_signed(struct text_line *line, int64_t number);
void text_add_hex(struct text_line *line, uint64_t number);       // 0x and lower case, no padding
void text_add_size(struct text_line *line, uint64_t bytes);       // 64M, 1536K, 77: exact
void text_end(struct text_line *line);                            // newline and 0

// Bytes before the 0.
size_t text_length(const char *string);
bool   text_equal(const char *a, const char *b);
// True when `string` starts with `prefix`; `*rest` (may be NULL) is what follows.
bool   text_starts(const char *string, const char *prefix, const char **rest);

// Reading. All take the whole string: trailing characters make it false, and so does an empty
// string. `*value` is written on success only.
enum text_result { TEXT_OK, TEXT_MALFORMED, TEXT_TOO_LARGE };

enum text_result text_to_number(const char *string, uint64_t *value);  // decimal or 0x
// A size: number, then nothing, B, K, M, G or T, each also as KiB, KB, k ...: powers of 1024.
enum text_result text_to_size(const char *string, uint64_t *bytes);
// A duration: number, then ms, s (also nothing), m or h; in milliseconds.
enum text_result text_to_milliseconds(const char *string, uint64_t *milliseconds);
// A share: number, with or without a %.
enum text_result text_to_percent(const char *string, uint64_t *percent);
// 1, on, yes, true / 0, off, no, false in any case.
enum text_result text_to_bool(const char *string, uint64_t *value);
