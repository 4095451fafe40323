// conf/options.c - environment -> options_page; reading and showing by name.
//
// The lines written for what cannot be taken over, one each, on stderr:
//   tidemalloc: TIDE_FOO: unknown option
//   tidemalloc: TIDE_ARENAS=abc: WHY; using the default auto
//   tidemalloc: TIDE_ARENAS=999: outside 1 to 256 or auto; using 4
// WHY is "not a number", "not a size", "not a duration", "not a percentage", "not on or off", "not
// one of abort|leak", "not a size or percentage" or "not a size or 1/N". Bounds stand in the own
// unit; where 0 has a word the lower one is 1 (1ms) and the word follows. The value named last is
// the one in force when all is read: the default, or what a source of lower or higher priority
// gave. Names and values are cut to 64 characters, and control characters shown as '?'.
//
// glibc's names differ from TIDE_ names in two points: a size outside our bounds becomes the bound
// next to it without a word (a huge MALLOC_MMAP_THRESHOLD_ is a habit, not a mistake), and a
// negative size means "no limit". glibc's settings without a counterpart here are ignored.
#include "conf/options.h"

#include "os/fail.h"
#include "os/os.h"

enum {
    SETTING_SHOWN = 64,     // characters of a name or value that a message repeats
    SETTING_BYTES = 64,     // a longer value is malformed: no option needs as much
};

struct options_page options_page = {.values = {
#define OPTION(name, NAME, type, fallback, ...) fallback,
#include "conf/options.def"
#undef OPTION
}};

static const struct option_row rows[OPTION_COUNT] = {
#define TYPE_COUNT OPTION_COUNT_TYPE
#define TYPE_SIZE OPTION_SIZE
#define TYPE_TIME OPTION_TIME
#define TYPE_PERCENT OPTION_PERCENT
#define TYPE_BOOL OPTION_BOOL
#define TYPE_CHOICE OPTION_CHOICE
#define TYPE_LIMIT OPTION_LIMIT
#define TYPE_RATE OPTION_RATE
#define OPTION(name, NAME, type, fallback, min, max, zero, live, alias, tunable, mallopt, help)    \
    {#name, "TIDE_" #NAME, TYPE_##type, fallback, min, max,                                        \
     zero,  live,          alias,       tunable,  mallopt, help},
#include "conf/options.def"
#undef OPTION
};

const struct options_sight options_sight = {rows, options_page.values, options_page.origins};

// --- one value: text <-> number ------------------------------------------------------------------

static char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

// True when `text` is the `length` characters at `word`, in any case.
static bool word_is(const char *text, const char *word, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (to_lower(text[i]) != word[i])
            return false;
    return text[length] == 0;
}

// The word of value `index` <= row->max: the words are the start of the help, up to the colon.
static const char *choice_word(const struct option_row *row, uint64_t index, size_t *length) {
    const char *word = row->help;
    for (; index; word++)
        index -= *word == '|';
    for (*length = 0; word[*length] != '|' && word[*length] != ':';)
        ++*length;
    return word;
}

static enum text_result read_choice(const struct option_row *row, const char *text,
                                    uint64_t *value) {
    for (uint64_t i = 0; i <= row->max; i++) {
        size_t      length;
        const char *word = choice_word(row, i, &length);
        if (!word_is(text, word, length))
            continue;
        *value = i;
        return TEXT_OK;
    }
    if (text_to_number(text, value) == TEXT_OK && *value <= row->max)
        return TEXT_OK;
    return TEXT_MALFORMED;
}

static enum text_result read_typed(const struct option_row *row, const char *text,
                                   uint64_t *value) {
    switch (row->type) {
    case OPTION_COUNT_TYPE: return text_to_number(text, value);
    case OPTION_SIZE:       return text_to_size(text, value);
    case OPTION_TIME:       return text_to_milliseconds(text, value);
    case OPTION_PERCENT:    return text_to_percent(text, value);
    case OPTION_BOOL:       return text_to_bool(text, value);
    case OPTION_CHOICE:     return read_choice(row, text, value);
    case OPTION_LIMIT:      return option_text_to_limit(text, value);
    case OPTION_RATE:       return option_text_to_rate(text, value);
    }
    return TEXT_MALFORMED;
}

static bool in_range(const struct option_row *row, uint64_t value) {
    return (value == 0 && row->zero) || (value >= row->min && value <= row->max) ||
           (row->type == OPTION_LIMIT && value > 0 && value <= OPTION_PERCENT_MAX) ||
           (row->type == OPTION_RATE && value > OPTION_SHARE &&
            value <= OPTION_SHARE + OPTION_SHARE_MAX);
}

// `*value` is written on OPTION_OK only.
static enum option_result read_value(const struct option_row *row, const char *text,
                                     uint64_t *value) {
    uint64_t         number = 0;
    enum text_result result = TEXT_OK;
    if (!row->zero || !word_is(text, row->zero, text_length(row->zero)))
        result = read_typed(row, text, &number);
    if (result == TEXT_MALFORMED)
        return OPTION_MALFORMED;
    if (result == TEXT_TOO_LARGE || !in_range(row, number))
        return OPTION_RANGE;
    *value = number;
    return OPTION_OK;
}

uint64_t options_nearest(enum option_id id, uint64_t value) {
    const struct option_row *row = &rows[id];
    if (in_range(row, value))
        return value;
    return value < row->min ? row->min : row->max;
}

// As read_value, with the two differences named at the head of the file.
static enum option_result read_glibc_value(const struct option_row *row, const char *text,
                                           uint64_t *value) {
    const char      *digits = text;  // past a minus
    uint64_t         number = 0;
    bool             negative = text_starts(text, "-", &digits);
    enum text_result result = text_to_size(digits, &number);
    if (row->type != OPTION_SIZE || result == TEXT_MALFORMED)
        return read_value(row, text, value);
    if (result == TEXT_TOO_LARGE || (negative && number))
        number = UINT64_MAX;
    *value = options_nearest((enum option_id)(row - rows), number);
    return OPTION_OK;
}

static void show_value(const struct option_row *row, uint64_t value, struct text_line *line) {
    const char *word;
    size_t      length;
    if (value == 0 && row->zero) {
        text_add(line, row->zero);
        return;
    }
    switch (row->type) {
    case OPTION_COUNT_TYPE: text_add_number(line, value); break;
    case OPTION_SIZE:       text_add_size(line, value); break;
    case OPTION_TIME:       option_text_add_milliseconds(line, value); break;
    case OPTION_BOOL:       text_add(line, value ? "on" : "off"); break;
    case OPTION_LIMIT:      option_text_add_limit(line, value); break;
    case OPTION_RATE:       option_text_add_rate(line, value); break;
    case OPTION_PERCENT:
        text_add_number(line, value);
        text_add(line, "%");
        break;
    case OPTION_CHOICE:
        word = choice_word(row, value, &length);
        text_add_bytes(line, word, length);
        break;
    }
}

// --- the environment -----------------------------------------------------------------------------

// One NAME=VALUE, in place: neither part ends in a 0.
struct setting {
    const char *name;
    size_t      name_length;
    const char *value;
    size_t      value_length;
};

// `entry` ends at a 0 or at `end`. False when there is no '='. `*after` is where it ended.
static bool setting_split(const char *entry, char end, struct setting *setting,
                          const char **after) {
    const char *at = entry;
    setting->name = entry;
    while (*at && *at != end && *at != '=')
        at++;
    setting->name_length = (size_t)(at - entry);
    bool has_value = *at == '=';
    setting->value = at + has_value;
    for (at = setting->value; *at && *at != end;)
        at++;
    setting->value_length = (size_t)(at - setting->value);
    *after = at;
    return has_value;
}

static bool setting_is_named(const struct setting *setting, const char *name) {
    const char *rest;
    return name && text_starts(setting->name, name, &rest) &&
           rest == setting->name + setting->name_length;
}

// The row that a setting means and how; OPTION_COUNT when none.
static enum option_id setting_row(const struct setting *setting, bool is_tunable,
                                  enum option_origin *origin) {
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &rows[i];
        *origin = ORIGIN_TUNABLE;
        if (is_tunable && setting_is_named(setting, row->tunable))
            return (enum option_id)i;
        *origin = ORIGIN_TIDE;
        if (!is_tunable && setting_is_named(setting, row->variable))
            return (enum option_id)i;
        *origin = ORIGIN_ALIAS;
        if (!is_tunable && setting_is_named(setting, row->alias))
            return (enum option_id)i;
    }
    return OPTION_COUNT;
}

static enum option_result setting_read(const struct setting *setting, enum option_id id,
                                       enum option_origin origin, uint64_t *value) {
    char text[SETTING_BYTES];
    if (setting->value_length >= sizeof text)
        return OPTION_MALFORMED;
    for (size_t i = 0; i < setting->value_length; i++)
        text[i] = setting->value[i];
    text[setting->value_length] = 0;
    return origin == ORIGIN_TIDE ? read_value(&rows[id], text, value)
                                 : read_glibc_value(&rows[id], text, value);
}

// A higher priority wins. Of two equal ones the first does, as with getenv; in GLIBC_TUNABLES the
// last, as in glibc.
static void setting_apply(const struct setting *setting, bool is_tunable) {
    enum option_origin origin;
    uint64_t           value;
    enum option_id     id = setting_row(setting, is_tunable, &origin);
    if (id == OPTION_COUNT || setting_read(setting, id, origin, &value) != OPTION_OK)
        return;
    if (origin > options_page.origins[id] || (is_tunable && origin == options_page.origins[id])) {
        POKE(&options_page.values[id], value);
        options_page.origins[id] = (uint8_t)origin;
    }
}

static void show_foreign_text(struct text_line *line, const char *text, size_t length) {
    for (size_t i = 0; i < length && i < SETTING_SHOWN; i++) {
        bool is_control = (unsigned char)text[i] < ' ' || text[i] == 0x7f;
        text_add_bytes(line, is_control ? "?" : &text[i], 1);
    }
    if (length > SETTING_SHOWN)
        text_add(line, "...");
}

static void show_reason(struct text_line *line, const struct option_row *row,
                        enum option_result result) {
    static const char *const kinds[] = {"not a number",     "not a size",    "not a duration",
                                        "not a percentage", "not on or off", "not one of ",
                                        "not a size or percentage", "not a size or 1/N"};
    if (result == OPTION_MALFORMED) {
        text_add(line, kinds[row->type]);
        if (row->type == OPTION_CHOICE) {
            size_t      length;
            const char *last = choice_word(row, row->max, &length);
            text_add_bytes(line, row->help, (size_t)(last - row->help) + length);
        }
        return;
    }
    text_add(line, "outside ");
    show_value(row, row->zero ? max_size(row->min, 1) : row->min, line);
    text_add(line, " to ");
    show_value(row, row->max, line);
    if (row->type == OPTION_LIMIT)
        text_add(line, ", 1% to 100%");
    if (row->type == OPTION_RATE)
        text_add(line, ", 1/1 to 1/1000000");
    if (row->zero) {
        text_add(line, " or ");
        text_add(line, row->zero);
    }
}

static void setting_complain(const struct setting *setting, bool is_tunable) {
    enum option_origin origin;
    enum option_result result = OPTION_UNKNOWN;
    uint64_t           value;
    struct text_line   line;
    enum option_id     id = setting_row(setting, is_tunable, &origin);
    bool is_ours = !is_tunable && text_starts(setting->name, "TIDE_", NULL);
    if (id != OPTION_COUNT)
        result = setting_read(setting, id, origin, &value);
    if (result == OPTION_OK || (result == OPTION_UNKNOWN && !is_ours))
        return;
    fail_begin(&line);
    show_foreign_text(&line, setting->name, setting->name_length);
    if (result == OPTION_UNKNOWN) {
        text_add(&line, ": unknown option");
        fail_write(&line);
        return;
    }
    text_add(&line, "=");
    show_foreign_text(&line, setting->value, setting->value_length);
    text_add(&line, ": ");
    show_reason(&line, &rows[id], result);
    text_add(&line, options_origin(id) == ORIGIN_DEFAULT ? "; using the default " : "; using ");
    options_show(id, &line);
    fail_write(&line);
}

static void walk_tunables(const char *list, void (*visit)(const struct setting *, bool)) {
    struct setting setting;
    for (const char *at = list; *at; at += *at == ':')
        if (setting_split(at, ':', &setting, &at))
            visit(&setting, true);
}

// TIDE_, MALLOC_ and GLIBC_TUNABLES: most of an environment is passed over at its first letter.
static bool may_be_ours(const char *entry) {
    return *entry == 'T' || *entry == 'M' || *entry == 'G';
}

static void walk(char **environment, void (*visit)(const struct setting *, bool)) {
    struct setting setting;
    const char    *end;
    for (; environment && *environment; environment++) {
        if (!may_be_ours(*environment) || !setting_split(*environment, 0, &setting, &end))
            continue;
        if (setting_is_named(&setting, "GLIBC_TUNABLES"))
            walk_tunables(setting.value, visit);
        else
            visit(&setting, false);
    }
}

void options_start(char **environment) {
    // Not stored when it is there already: a process without settings never writes to the page.
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (option(i) == rows[i].fallback && options_page.origins[i] == ORIGIN_DEFAULT)
            continue;
        POKE(&options_page.values[i], rows[i].fallback);
        options_page.origins[i] = ORIGIN_DEFAULT;
    }
    walk(environment, setting_apply);
    // Only now is known which value is in force, and the messages say so.
    walk(environment, setting_complain);
}

// --- the running process -------------------------------------------------------------------------

const struct option_row *options_row(enum option_id id) {
    return &rows[id];
}

enum option_origin options_origin(enum option_id id) {
    return (enum option_origin)PEEK(&options_page.origins[id]);
}

enum option_id options_find(const char *name) {
    unsigned i = 0;
    while (i < OPTION_COUNT && !text_equal(rows[i].name, name))
        i++;
    return (enum option_id)i;
}

enum option_id options_find_mallopt(int parameter) {
    unsigned i = 0;
    while (i < OPTION_COUNT && (rows[i].mallopt == NO_MALLOPT || rows[i].mallopt != parameter))
        i++;
    return (enum option_id)i;
}

enum option_result options_read(enum option_id id, const char *text, uint64_t *value) {
    return read_value(&rows[id], text, value);
}

void options_show(enum option_id id, struct text_line *line) {
    show_value(&rows[id], option(id), line);
}

const char *options_origin_name(enum option_id id) {
    switch (options_origin(id)) {
    case ORIGIN_DEFAULT: return "default";
    case ORIGIN_ALIAS:   return rows[id].alias;
    case ORIGIN_TUNABLE: return "GLIBC_TUNABLES";
    case ORIGIN_TIDE:    return "environment";
    case ORIGIN_PROGRAM: return "program";
    }
    return "";
}
