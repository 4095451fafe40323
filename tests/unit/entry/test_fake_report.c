// tests/unit/entry/test_fake_report.c - one set of figures through every format, read back.
//
// The reports go into a buffer; JSON is read by a small strict checker, the XML by one that matches
// tags, and figures are found again by name.
#include "entry/report.h"

#include "conf/options.h"
#include "tests/support/fake_os.h"
#include "tests/unit/check_text.h"

// --- the figures ---------------------------------------------------------------------------------

enum { ARENAS = 3, ARENA_SLOTS = 5, CACHED_16 = 7, CACHED_MAX = 2, HUGE_LIVE = 5, LARGE_LIVE = 9 };

// Figures that no two counters share.
static uint64_t figure(unsigned id) {
    return 1000000007ULL * (id + 1);
}

static void fill(struct counters *totals) {
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        totals->value[i] = figure(i);
}

static bool class_at(class_id id, struct report_class *row) {
    CHECK(row->live == 0 && row->cached == 0 && row->slabs == 0);
    CHECK(id != CLASS_NONE && id != CLASS_FREE && id != CLASS_INSIDE && id < CLASS_COUNT);
    if (id == SMALL_CLASS_FIRST)
        *row = (struct report_class){.live = 11, .cached = CACHED_16, .slabs = 1};
    if (id == SMALL_CLASS_LAST)
        *row = (struct report_class){.live = 0, .cached = CACHED_MAX, .slabs = 2};
    if (id == CLASS_LARGE)
        *row = (struct report_class){.live = LARGE_LIVE};
    if (id == CLASS_HUGE)
        *row = (struct report_class){.live = HUGE_LIVE, .cached = 3};
    return id != CLASS_HEAP_SLAB;
}

static bool arena_at(unsigned index, struct report_arena *row) {
    CHECK(row->mapped_bytes == 0 && row->top_bytes == 0);
    if (index >= ARENAS)  // places without an arena
        return index < ARENA_SLOTS;
    *row = (struct report_arena){.mapped_bytes = MIB(64) + index,
                                 .active_bytes = MIB(32) + index,
                                 .dirty_bytes = MIB(16) + index,
                                 .clean_bytes = MIB(8) + index,
                                 .free_spans = 20 + index,
                                 .top_bytes = index == 0 ? 12345 : 0};
    return true;
}

static const struct report_source full = {fill, class_at, arena_at};
static const struct report_source empty = {NULL, NULL, NULL};

// --- the sink ------------------------------------------------------------------------------------

static struct {
    char   bytes[128 << 10];
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

static const char *written(enum report_format format) {
    out.length = 0;
    out.bytes[0] = 0;
    report_write(format, collect, &out);
    CHECK(out.length == strlen(out.bytes));
    return out.bytes;
}

static bool has(const char *text, const char *wanted) {
    return strstr(text, wanted) != NULL;
}

static unsigned count_of(const char *text, const char *wanted) {
    unsigned count = 0;
    for (; (text = strstr(text, wanted)) != NULL; text++)
        count++;
    return count;
}

// The decimal number at the start of `text`, spaces before it skipped.
static uint64_t number_at(const char *text) {
    uint64_t number = 0;
    while (*text == ' ')
        text++;
    CHECK(*text >= '0' && *text <= '9');
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

// The number behind the first `key` in `text`.
static uint64_t number_after(const char *text, const char *key) {
    const char *at = strstr(text, key);
    CHECK(at != NULL);
    return number_at(at + strlen(key));
}

// --- a strict reader of JSON ---------------------------------------------------------------------

static const char *json_value(const char *at);

static const char *skip_space(const char *at) {
    while (*at == ' ' || *at == '\n')
        at++;
    return at;
}

static const char *json_string(const char *at) {
    CHECK(*at == '"');
    for (at++; *at != '"'; at++)
        CHECK((unsigned char)*at >= ' ' && *at != '\\');
    return at + 1;
}

static const char *json_number(const char *at) {
    CHECK(at[0] != '0' || at[1] < '0' || at[1] > '9');
    CHECK(*at >= '0' && *at <= '9');
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

static const char *json_items(const char *at, bool has_keys, char end) {
    at = skip_space(at + 1);
    if (*at == end)
        return at + 1;
    for (;; at = skip_space(at + 1)) {
        if (has_keys) {
            at = skip_space(json_string(at));
            CHECK(*at == ':');
            at = skip_space(at + 1);
        }
        at = skip_space(json_value(at));
        if (*at == end)
            return at + 1;
        CHECK(*at == ',');
    }
}

static const char *json_value(const char *at) {
    if (*at == '{')
        return json_items(at, true, '}');
    if (*at == '[')
        return json_items(at, false, ']');
    return *at == '"' ? json_string(at) : json_number(at);
}

static void check_json(const char *text) {
    CHECK(*text == '{');
    CHECK_TEXT(json_value(text), "\n");
}

// --- a reader of XML: tags are closed in order, attributes quoted --------------------------------

static const char *xml_name(const char *at, char *name, size_t capacity) {
    size_t length = 0;
    for (; (*at >= 'a' && *at <= 'z') || *at == '_'; at++) {
        CHECK(length < capacity - 1);
        name[length++] = *at;
    }
    CHECK(length > 0);
    name[length] = 0;
    return at;
}

static const char *xml_attributes(const char *at) {
    char name[32];
    while (*at == ' ') {
        at = xml_name(at + 1, name, sizeof name);
        CHECK(at[0] == '=' && at[1] == '"');
        for (at += 2; *at != '"'; at++)
            CHECK(*at && *at != '<' && *at != '&');
        at++;
    }
    return at;
}

static void check_xml(const char *at) {
    char     open[8][32], name[32];
    unsigned depth = 0, roots = 0;
    for (; *at; at++) {
        if (*at == '\n')
            continue;
        CHECK(*at == '<');
        if (at[1] == '/') {
            at = xml_name(at + 2, name, sizeof name);
            CHECK(depth > 0);
            CHECK_TEXT(name, open[--depth]);
        } else {
            roots += depth == 0;
            CHECK(depth < 8);
            at = xml_attributes(xml_name(at + 1, open[depth], sizeof open[depth]));
            if (*at == '/')
                at++;
            else
                depth++;
        }
        CHECK(*at == '>');
    }
    CHECK(depth == 0 && roots == 1);
}

// --- tests ---------------------------------------------------------------------------------------

static void test_gather(void) {
    static struct report before, after;
    report_set_source(&empty);
    report_gather(&before);
    counters_add(&counters_process, COUNTER_purges, 5);
    report_gather(&after);
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        CHECK(after.totals.value[i] == before.totals.value[i] + (i == COUNTER_purges ? 5 : 0));
    report_set_source(&full);
    report_gather(&after);
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        CHECK(after.totals.value[i] == figure(i));
    CHECK(report_resident(&after) == 1000000007ULL * (1 + 2 + 3 + 4 + 5 + 6));
}

static void test_text_sum(void) {
    const char *text = written(REPORT_TEXT);
    uint64_t    sum = 0;
    const char *at = strstr(text, "resident, by use\n");
    CHECK(at != NULL);
    for (at = strchr(at, '\n') + 1; strncmp(at, "  sum ", 6) != 0; at = strchr(at, '\n') + 1)
        sum += number_at(at + 22);
    CHECK(sum == 1000000007ULL * 21);
    CHECK(number_at(at + 22) == sum);
    CHECK(number_after(text, "\n  rss ") == os_resident_bytes());
}

static void test_text_content(void) {
    const char *text = written(REPORT_TEXT);
    char        key[64];
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_row *row = counters_row((enum counter_id)i);
        key[0] = 0;
        strcat(strcat(strcat(key, "\n  "), row->name), " ");
        CHECK(count_of(text, key) == 1);
        CHECK(number_after(text, key) == figure(i));
        CHECK(has(text, row->help));
    }
    CHECK(has(text, "blocks by size\n  size            live          cached           slabs\n"
                    "    16              11               7               1\n"));
    CHECK(has(text, " 65536               0               2               2\n"
                    " large               9               0               0\n"
                    "  huge               5               3               0\narenas\n"));
    CHECK(!has(text, "  heap "));  // the source tells nothing about it
    CHECK(count_of(strstr(text, "arenas\n  nr"), "\n") == 2 + ARENAS);
    CHECK(has(text, "\n     2        67108866        33554434        16777218         8388610"
                    "              22               0\n"));
}

static void test_json(void) {
    const char *text = written(REPORT_JSON);
    char        key[64];
    check_json(text);
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        key[0] = 0;
        strcat(strcat(strcat(key, "\""), counters_row((enum counter_id)i)->name), "\": ");
        const char *in_counters = strstr(text, "\"counters\"");
        CHECK(number_after(in_counters, key) == figure(i));
    }
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        key[0] = 0;
        strcat(strcat(strcat(key, "\""), options_row((enum option_id)i)->name), "\": {");
        CHECK(count_of(strstr(text, "\"options\""), key) == 1);
    }
    CHECK(number_after(text, "\"resident_bytes\": ") == 1000000007ULL * 21);
    CHECK(number_after(text, "\"rss_bytes\": ") == os_resident_bytes());
    CHECK(count_of(text, "\"nr\": ") == ARENAS);
    CHECK(count_of(text, "\"kind\": \"small\"") == 2);
    CHECK(count_of(text, "\"kind\": \"large\"") == 1);
    CHECK(count_of(text, "\"kind\": \"huge\"") == 1);
    CHECK(number_after(strstr(text, "\"nr\": 0"), "\"top_bytes\": ") == 12345);
}

static void test_json_options(void) {
    char *environment[] = {(char *)"TIDE_DECAY=1500ms", (char *)"MALLOC_ARENA_MAX=2", NULL};
    options_start(environment);
    const char *decay = strstr(written(REPORT_JSON), "\"decay\": {");
    CHECK(decay != NULL);
    CHECK(text_starts(decay, "\"decay\": {\n        \"text\": \"1500ms\",\n"
                             "        \"value\": 1500,\n"
                             "        \"origin\": \"environment\"\n      }", NULL));
    CHECK(has(out.bytes, "\"origin\": \"MALLOC_ARENA_MAX\""));
    options_start(NULL);
}

static void test_xml(void) {
    const char *text = written(REPORT_XML);
    check_xml(text);
    CHECK(text_starts(text, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", NULL));
    CHECK(count_of(text, "<heap ") == ARENAS + 1);
    const char *second = strstr(text, "<heap nr=\"1\">");
    CHECK(number_after(second, "<total type=\"rest\" count=\"") == 21);
    CHECK(number_after(second, "<system type=\"current\" size=\"") == MIB(64) + 1);
    const char *caches = strstr(text, "<heap nr=\"5\">");
    CHECK(has(caches, "<size from=\"1\" to=\"16\" total=\"112\" count=\"7\"/>\n"));
    CHECK(has(caches, "\" to=\"65536\" total=\"131072\" count=\"2\"/>\n"));
    CHECK(number_after(strstr(caches, "<size from=\"1\"") + 1, "<size from=\"") ==
          class_bytes(SMALL_CLASS_LAST - 1) + 1);
    CHECK(has(caches, "<total type=\"fast\" count=\"9\" size=\"131184\"/>\n"));
    const char *totals = strstr(caches, "</heap>");
    CHECK(number_after(totals, "\"fast\" count=\"9\" size=\"") == figure(COUNTER_cached_bytes));
    CHECK(number_after(totals, "\"rest\" count=\"63\" size=\"") ==
          figure(COUNTER_slack_bytes) + figure(COUNTER_free_bytes));
    CHECK(number_after(totals, "\"mmap\" count=\"") == figure(COUNTER_huge_blocks));
    CHECK(number_after(strstr(totals, "\"mmap\""), "size=\"") == figure(COUNTER_huge_bytes));
    CHECK(number_after(totals, "<system type=\"current\" size=\"") == figure(COUNTER_mapped_bytes));
}

// Before anybody registered, and with nothing to tell, all formats are still whole.
static void test_nothing_to_tell(void) {
    report_set_source(&empty);
    check_json(written(REPORT_JSON));
    CHECK(has(out.bytes, "\"arenas\": [],\n"));
    CHECK(has(out.bytes, "\"classes\": []\n"));
    check_xml(written(REPORT_XML));
    CHECK(count_of(out.bytes, "<heap ") == 1);
    written(REPORT_TEXT);
    CHECK(!has(out.bytes, "blocks by size") && !has(out.bytes, "arenas\n"));
    CHECK(out.bytes[out.length - 1] == '\n');
    report_set_source(&full);
}

static void test_visit_one(const char *name, uint64_t value, const char *unit, void *data) {
    unsigned                 *index = data;
    const struct counter_row *row = counters_row((enum counter_id)*index);
    CHECK_TEXT(name, row->name);
    CHECK_TEXT(unit, row->is_bytes ? "bytes" : "count");
    CHECK(value == figure(*index));
    ++*index;
}

static void test_visit(void) {
    unsigned index = 0;
    report_visit(test_visit_one, &index);
    CHECK(index == COUNTER_COUNT);
}

static void test_to_fd(void) {
    fake_clear_output();
    report_to_fd(REPORT_XML, 2);
    written(REPORT_XML);
    CHECK(out.length < 4095);  // else fake_output holds less
    CHECK_TEXT(fake_output(), out.bytes);
    fake_clear_output();
}

static void test_mallinfo2(void) {
    struct report_mallinfo info;
    report_mallinfo2(&info);
    CHECK(info.ordblks == 20 + 21 + 22);
    CHECK(info.smblks == CACHED_16 + CACHED_MAX);
    CHECK(info.hblks == figure(COUNTER_huge_blocks));
    CHECK(info.hblkhd == figure(COUNTER_huge_bytes));
    CHECK(info.usmblks == 0);
    CHECK(info.fsmblks == figure(COUNTER_cached_bytes));
    CHECK(info.keepcost == 12345);
    CHECK(info.fordblks == figure(COUNTER_cached_bytes) + figure(COUNTER_slack_bytes) +
                               figure(COUNTER_free_bytes));
    // These figures hold more in huge blocks than in all: a sum of moments must not wrap.
    CHECK(info.uordblks == 0 && info.arena == 0);
}

static void balanced(struct counters *totals) {
    *totals = (struct counters){0};
    totals->value[COUNTER_live_bytes] = 1000;
    totals->value[COUNTER_huge_bytes] = 600;
    totals->value[COUNTER_huge_cached_bytes] = 50;
    totals->value[COUNTER_mapped_bytes] = 2000;
}

static void test_mallinfo2_balanced(void) {
    static const struct report_source source = {balanced, NULL, NULL};
    struct report_mallinfo            info;
    report_set_source(&source);
    report_mallinfo2(&info);
    CHECK(info.uordblks == 400 && info.hblkhd == 600 && info.arena == 1350);
    CHECK(info.ordblks == 0 && info.smblks == 0 && info.hblks == 0 && info.keepcost == 0);
    report_set_source(&full);
}

int main(void) {
    options_start(NULL);
    test_gather();
    test_text_sum();
    test_text_content();
    test_json();
    test_json_options();
    test_xml();
    test_nothing_to_tell();
    test_visit();
    test_to_fd();
    test_mallinfo2();
    test_mallinfo2_balanced();
    return 0;
}
