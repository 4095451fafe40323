// conf/options_list.c - TIDE_VERBOSE: every option with its value, where it came from and its help.
#include "conf/options.h"
#include "os/os.h"

enum { LIST_ORIGIN_COLUMN = 30, LIST_HELP_COLUMN = 56 };

// At least one space, then as many as reach `column`.
static void pad_to(struct text_line *line, size_t column) {
    do {
        text_add(line, " ");
    } while (line->length < column);
}

static void list_option(int fd, enum option_id id) {
    const struct option_row *row = options_row(id);
    struct text_line         line;
    text_begin(&line);
    text_add(&line, "  ");
    text_add(&line, row->variable);
    text_add(&line, "=");
    options_show(id, &line);
    pad_to(&line, LIST_ORIGIN_COLUMN);
    text_add(&line, "(");
    text_add(&line, options_origin_name(id));
    text_add(&line, ")");
    pad_to(&line, LIST_HELP_COLUMN);
    text_add(&line, row->help);
    text_end(&line);
    os_write(fd, line.bytes, line.length);
}

void options_list(int fd, const char *version) {
    struct text_line line;
    text_begin(&line);
    text_add(&line, "tidemalloc ");
    text_add(&line, version);
    text_end(&line);
    os_write(fd, line.bytes, line.length);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        list_option(fd, (enum option_id)i);
}
