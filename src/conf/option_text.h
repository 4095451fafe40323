// conf/option_text.h - values of options that are no plain number, read and shown.
#pragma once
#include "base/text.h"

enum { OPTION_PERCENT_MAX = 100, OPTION_SHARE_MAX = 1000000 };
// A RATE of "1/N" is N with this bit; without it, bytes.
#define OPTION_SHARE (UINT64_C(1) << 62)

// A size, or 1% to 100%.
enum text_result option_text_to_limit(const char *text, uint64_t *value);
// A size, or 1/N with N up to OPTION_SHARE_MAX.
enum text_result option_text_to_rate(const char *text, uint64_t *value);

// In the largest unit that is exact: 2s, 250ms.
void option_text_add_milliseconds(struct text_line *line, uint64_t milliseconds);
void option_text_add_limit(struct text_line *line, uint64_t value);
void option_text_add_rate(struct text_line *line, uint64_t value);
