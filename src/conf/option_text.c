// conf/option_text.c - see option_text.h.
#include "conf/option_text.h"

// A size so small that it would pass for a percentage, and more than all, are made to fail.
enum text_result option_text_to_limit(const char *text, uint64_t *value) {
    size_t           length = text_length(text);
    bool             is_share = length > 0 && text[length - 1] == '%';
    enum text_result result = is_share ? text_to_percent(text, value) : text_to_size(text, value);
    if (result == TEXT_OK && is_share ? *value == 0 || *value > OPTION_PERCENT_MAX
                                      : result == TEXT_OK && *value && *value <= OPTION_PERCENT_MAX)
        return TEXT_TOO_LARGE;
    return result;
}

enum text_result option_text_to_rate(const char *text, uint64_t *value) {
    const char *rest;
    if (!text_starts(text, "1/", &rest))
        return text_to_size(text, value);
    enum text_result result = text_to_number(rest, value);
    if (result == TEXT_OK && (*value == 0 || *value > OPTION_SHARE_MAX))
        return TEXT_TOO_LARGE;
    *value |= OPTION_SHARE;
    return result;
}

void option_text_add_milliseconds(struct text_line *line, uint64_t milliseconds) {
    static const struct {
        uint64_t    factor;
        const char *unit;
    } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    unsigned i = 0;
    while (units[i].factor > 1 && (milliseconds == 0 || milliseconds % units[i].factor))
        i++;
    text_add_number(line, milliseconds / units[i].factor);
    text_add(line, units[i].unit);
}

void option_text_add_limit(struct text_line *line, uint64_t value) {
    if (value > OPTION_PERCENT_MAX) {
        text_add_size(line, value);
    } else {
        text_add_number(line, value);
        text_add(line, "%");
    }
}

void option_text_add_rate(struct text_line *line, uint64_t value) {
    if (value < OPTION_SHARE) {
        text_add_size(line, value);
    } else {
        text_add(line, "1/");
        text_add_number(line, value - OPTION_SHARE);
    }
}
