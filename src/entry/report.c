// entry/report.c - gathering, and the three formats of one content.
//
// JSON and text share the tables of columns below, so they cannot disagree. The XML follows glibc's
// malloc_info, for the tools that read it: one heap an arena, then one heap for all thread caches
// (its blocks have no arena until they are flushed), then the totals. No peak is kept: where glibc
// has one, the present figure stands.
#include "entry/report.h"

#include "conf/options.h"
#include "entry/version.h"
#include "os/os.h"

enum {
    PARTS = COUNTER_metadata_bytes + 1,  // rows that add up to what is resident
    NAME_WIDTH = 20,
    FIGURE_WIDTH = 16,
    HUMAN_WIDTH = 9,
};
_Static_assert(COUNTER_live_bytes == 0 && PARTS == 6, "the parts lead counters.def");

static const struct report_source *source;

// --- gathering -----------------------------------------------------------------------------------

void report_set_source(const struct report_source *registered) {
    __atomic_store_n(&source, registered, __ATOMIC_RELEASE);
}

static const struct report_source *current_source(void) {
    static const struct report_source empty;
    const struct report_source       *registered = __atomic_load_n(&source, __ATOMIC_ACQUIRE);
    return registered ? registered : &empty;
}

void report_gather(struct report *report) {
    const struct report_source *from = current_source();
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        report->totals.value[i] = PEEK(&counters_process.value[i]);
    if (from->gather)
        from->gather(&report->totals);
}

uint64_t report_resident(const struct report *report) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < PARTS; i++)
        sum += report->totals.value[i];
    return sum;
}

static bool class_row(unsigned id, struct report_class *row) {
    const struct report_source *from = current_source();
    *row = (struct report_class){0};
    return from->class_at && from->class_at((class_id)id, row) &&
           (row->live || row->cached || row->slabs);
}

// Moves `*index` on to the next arena that holds anything, itself included. False: none is left,
// and `*index` is the number of all.
static bool arena_row(unsigned *index, struct report_arena *row) {
    const struct report_source *from = current_source();
    for (;; ++*index) {
        *row = (struct report_arena){0};
        if (!from->arena_at || !from->arena_at(*index, row))
            return false;
        if (row->mapped_bytes || row->free_spans)
            return true;
    }
}

// Small classes by size, then the kinds that have a name instead. Starts with 0; CLASS_COUNT = end.
static unsigned next_class(unsigned id) {
    while (++id < CLASS_COUNT)
        if (class_is_small((class_id)id) || id == CLASS_LARGE || id == CLASS_HUGE ||
            id == CLASS_HEAP_SLAB)
            break;
    return id;
}

// NULL for a small class: its name is its size.
static const char *class_kind(unsigned id) {
    switch (id) {
    case CLASS_LARGE:     return "large";
    case CLASS_HUGE:      return "huge";
    case CLASS_HEAP_SLAB: return "heap";
    default:              return NULL;
    }
}

// --- the tables of arenas and size classes -------------------------------------------------------

struct column {
    char   name[16];
    size_t offset;  // of a uint64_t in the row
};

static const struct column class_columns[] = {
    {"live", offsetof(struct report_class, live)},
    {"cached", offsetof(struct report_class, cached)},
    {"slabs", offsetof(struct report_class, slabs)},
};
static const struct column arena_columns[] = {
    {"mapped_bytes", offsetof(struct report_arena, mapped_bytes)},
    {"active_bytes", offsetof(struct report_arena, active_bytes)},
    {"dirty_bytes", offsetof(struct report_arena, dirty_bytes)},
    {"clean_bytes", offsetof(struct report_arena, clean_bytes)},
    {"free_spans", offsetof(struct report_arena, free_spans)},
    {"top_bytes", offsetof(struct report_arena, top_bytes)},
};

static uint64_t cell(const void *row, const struct column *column) {
    return *(const uint64_t *)((const char *)row + column->offset);
}

// --- text ----------------------------------------------------------------------------------------

static void text_figure(struct emitter *emitter, const char *name, uint64_t value, bool is_bytes,
                        const char *help) {
    emit_text(emitter, "  ");
    emit_left(emitter, name, NAME_WIDTH);
    emit_right_number(emitter, value, FIGURE_WIDTH);
    if (is_bytes)
        emit_right_size(emitter, value, HUMAN_WIDTH);
    else
        emit_right(emitter, "", HUMAN_WIDTH);
    emit_text(emitter, "  ");
    emit_text(emitter, help);
    emit_text(emitter, "\n");
}

static void text_counters(struct emitter *emitter, const struct report *report, unsigned first,
                          unsigned end) {
    for (unsigned i = first; i < end; i++) {
        const struct counter_row *row = counters_row((enum counter_id)i);
        text_figure(emitter, row->name, report->totals.value[i], row->is_bytes, row->help);
    }
}

static void text_head(struct emitter *emitter, const char *first, const struct column *columns,
                      unsigned count) {
    emit_text(emitter, "  ");
    emit_left(emitter, first, NAME_WIDTH - FIGURE_WIDTH);
    for (unsigned i = 0; i < count; i++)
        emit_right(emitter, columns[i].name, FIGURE_WIDTH);
    emit_text(emitter, "\n");
}

static void text_cells(struct emitter *emitter, const void *row, const struct column *columns,
                       unsigned count) {
    for (unsigned i = 0; i < count; i++)
        emit_right_number(emitter, cell(row, &columns[i]), FIGURE_WIDTH);
    emit_text(emitter, "\n");
}

static void text_classes(struct emitter *emitter) {
    struct report_class row;
    bool                has_head = false;
    for (unsigned id = next_class(0); id < CLASS_COUNT; id = next_class(id)) {
        if (!class_row(id, &row))
            continue;
        if (!has_head) {
            emit_text(emitter, "blocks by size\n");
            text_head(emitter, "size", class_columns, ARRAY_COUNT(class_columns));
        }
        has_head = true;
        const char *kind = class_kind(id);
        if (kind)
            emit_right(emitter, kind, NAME_WIDTH - FIGURE_WIDTH + 2);
        else
            emit_right_number(emitter, class_bytes((class_id)id), NAME_WIDTH - FIGURE_WIDTH + 2);
        text_cells(emitter, &row, class_columns, ARRAY_COUNT(class_columns));
    }
}

static void text_arenas(struct emitter *emitter) {
    struct report_arena row;
    bool                has_head = false;
    for (unsigned i = 0; arena_row(&i, &row); i++) {
        if (!has_head) {
            emit_text(emitter, "arenas\n");
            text_head(emitter, "nr", arena_columns, ARRAY_COUNT(arena_columns));
        }
        has_head = true;
        emit_right_number(emitter, i, NAME_WIDTH - FIGURE_WIDTH + 2);
        text_cells(emitter, &row, arena_columns, ARRAY_COUNT(arena_columns));
    }
}

static void write_text(struct emitter *emitter, const struct report *report) {
    emit_text(emitter, "tidemalloc " VERSION_TEXT " statistics\nresident, by use\n");
    text_counters(emitter, report, 0, PARTS);
    text_figure(emitter, "sum", report_resident(report), true, "of the parts above");
    text_figure(emitter, "rss", os_resident_bytes(), true,
                "resident in the whole process, says the kernel");
    emit_text(emitter, "totals\n");
    text_counters(emitter, report, PARTS, COUNTER_COUNT);
    text_classes(emitter);
    text_arenas(emitter);
}

// --- JSON ----------------------------------------------------------------------------------------

static void json_cells(struct emitter *emitter, const void *row, const struct column *columns,
                       unsigned count) {
    for (unsigned i = 0; i < count; i++)
        emit_json_number(emitter, columns[i].name, cell(row, &columns[i]));
    emit_json_close(emitter, "}");
}

static void json_counters(struct emitter *emitter, const struct report *report) {
    emit_json_open(emitter, "counters", "{");
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        emit_json_number(emitter, counters_row((enum counter_id)i)->name, report->totals.value[i]);
    emit_json_close(emitter, "}");
}

// Out of line: its buffer would widen the frame that holds emitter and counters.
static NOINLINE void json_option(struct emitter *emitter, enum option_id id) {
    struct text_line line;
    text_begin(&line);
    options_show(id, &line);
    emit_json_open(emitter, options_row(id)->name, "{");
    emit_json_string(emitter, "text", line.bytes);
    emit_json_number(emitter, "value", option(id));
    emit_json_string(emitter, "origin", options_origin_name(id));
    emit_json_close(emitter, "}");
}

static void json_arenas(struct emitter *emitter) {
    struct report_arena row;
    emit_json_open(emitter, "arenas", "[");
    for (unsigned i = 0; arena_row(&i, &row); i++) {
        emit_json_open(emitter, NULL, "{");
        emit_json_number(emitter, "nr", i);
        json_cells(emitter, &row, arena_columns, ARRAY_COUNT(arena_columns));
    }
    emit_json_close(emitter, "]");
}

static void json_classes(struct emitter *emitter) {
    struct report_class row;
    emit_json_open(emitter, "classes", "[");
    for (unsigned id = next_class(0); id < CLASS_COUNT; id = next_class(id)) {
        if (!class_row(id, &row))
            continue;
        const char *kind = class_kind(id);
        emit_json_open(emitter, NULL, "{");
        emit_json_string(emitter, "kind", kind ? kind : "small");
        emit_json_number(emitter, "size", kind ? 0 : class_bytes((class_id)id));
        json_cells(emitter, &row, class_columns, ARRAY_COUNT(class_columns));
    }
    emit_json_close(emitter, "]");
}

static void write_json(struct emitter *emitter, const struct report *report) {
    emit_json_open(emitter, NULL, "{");
    emit_json_open(emitter, "tidemalloc", "{");
    emit_json_string(emitter, "version", VERSION_TEXT);
    emit_json_number(emitter, "resident_bytes", report_resident(report));
    emit_json_number(emitter, "rss_bytes", os_resident_bytes());
    json_counters(emitter, report);
    emit_json_open(emitter, "options", "{");
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        json_option(emitter, (enum option_id)i);
    emit_json_close(emitter, "}");
    json_arenas(emitter);
    json_classes(emitter);
    emit_json_close(emitter, "}");
    emit_json_close(emitter, "}");
    emit_text(emitter, "\n");
}

// --- XML -----------------------------------------------------------------------------------------

static void xml_total(struct emitter *emitter, const char *type, uint64_t count, uint64_t size) {
    emit_text(emitter, "<total type=\"");
    emit_text(emitter, type);
    emit_text(emitter, "\"");
    emit_xml_number(emitter, "count", count);
    emit_xml_number(emitter, "size", size);
    emit_text(emitter, "/>\n");
}

static void xml_system(struct emitter *emitter, uint64_t bytes) {
    static const char *const heads[] = {"<system type=\"current\"", "<system type=\"max\"",
                                        "<aspace type=\"total\"", "<aspace type=\"mprotect\""};
    for (unsigned i = 0; i < ARRAY_COUNT(heads); i++) {
        emit_text(emitter, heads[i]);
        emit_xml_number(emitter, "size", bytes);
        emit_text(emitter, "/>\n");
    }
}

static void xml_heap(struct emitter *emitter, unsigned index) {
    emit_text(emitter, "<heap");
    emit_xml_number(emitter, "nr", index);
    emit_text(emitter, ">\n<sizes>\n");
}

// Returns the number of arenas, and in `*spans` that of their free spans.
static unsigned xml_arenas(struct emitter *emitter, uint64_t *spans) {
    struct report_arena row;
    unsigned            i = 0;
    for (*spans = 0; arena_row(&i, &row); i++) {
        xml_heap(emitter, i);
        emit_text(emitter, "</sizes>\n");
        xml_total(emitter, "fast", 0, 0);
        xml_total(emitter, "rest", row.free_spans, row.dirty_bytes + row.clean_bytes);
        xml_system(emitter, row.mapped_bytes);
        emit_text(emitter, "</heap>\n");
        *spans += row.free_spans;
    }
    return i;
}

static void xml_cached_size(struct emitter *emitter, unsigned id, uint64_t count) {
    uint64_t bytes = class_bytes((class_id)id);
    uint64_t below = id > SMALL_CLASS_FIRST ? class_bytes((class_id)(id - 1)) : 0;
    emit_text(emitter, "<size");
    emit_xml_number(emitter, "from", below + 1);
    emit_xml_number(emitter, "to", bytes);
    emit_xml_number(emitter, "total", count * bytes);
    emit_xml_number(emitter, "count", count);
    emit_text(emitter, "/>\n");
}

// The heap of all thread caches; returns how many blocks are in it.
static uint64_t xml_caches(struct emitter *emitter, unsigned index) {
    struct report_class row;
    uint64_t            count = 0, bytes = 0;
    xml_heap(emitter, index);
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++) {
        if (!class_row(id, &row) || !row.cached)
            continue;
        xml_cached_size(emitter, id, row.cached);
        count += row.cached;
        bytes += row.cached * class_bytes((class_id)id);
    }
    emit_text(emitter, "</sizes>\n");
    xml_total(emitter, "fast", count, bytes);
    xml_total(emitter, "rest", 0, 0);
    xml_system(emitter, 0);
    emit_text(emitter, "</heap>\n");
    return count;
}

static void write_xml(struct emitter *emitter, const struct report *report) {
    const uint64_t *value = report->totals.value;
    uint64_t        spans, cached;
    emit_text(emitter, "<malloc version=\"1\">\n");
    unsigned arenas = xml_arenas(emitter, &spans);
    cached = xml_caches(emitter, arenas);
    xml_total(emitter, "fast", cached, value[COUNTER_cached_bytes]);
    xml_total(emitter, "rest", spans, value[COUNTER_slack_bytes] + value[COUNTER_free_bytes]);
    xml_total(emitter, "mmap", value[COUNTER_huge_blocks], value[COUNTER_huge_bytes]);
    xml_system(emitter, value[COUNTER_mapped_bytes]);
    emit_text(emitter, "</malloc>\n");
}

// --- the ways out --------------------------------------------------------------------------------

void report_write(enum report_format format, emit_sink sink, void *data) {
    struct report  report;
    struct emitter emitter;
    report_gather(&report);
    emit_begin(&emitter, sink, data);
    switch (format) {
    case REPORT_TEXT: write_text(&emitter, &report); break;
    case REPORT_JSON: write_json(&emitter, &report); break;
    case REPORT_XML:  write_xml(&emitter, &report); break;
    }
    emit_end(&emitter);
}

static void write_to_fd(void *data, const char *bytes, size_t count) {
    os_write(*(const int *)data, bytes, count);
}

void report_to_fd(enum report_format format, int fd) {
    report_write(format, write_to_fd, &fd);
}

void report_visit(void (*visit)(const char *name, uint64_t value, const char *unit, void *data),
                  void *data) {
    struct report report;
    report_gather(&report);
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_row *row = counters_row((enum counter_id)i);
        visit(row->name, report.totals.value[i], row->is_bytes ? "bytes" : "count", data);
    }
}

static size_t less(uint64_t from, uint64_t amount) {
    return from > amount ? from - amount : 0;
}

void report_mallinfo2(struct report_mallinfo *out) {
    struct report       report;
    struct report_arena arena;
    struct report_class row;
    const uint64_t     *value = report.totals.value;
    report_gather(&report);
    *out = (struct report_mallinfo){0};
    for (unsigned i = 0; arena_row(&i, &arena); i++) {
        out->ordblks += arena.free_spans;
        out->keepcost += arena.top_bytes;
    }
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        if (class_row(id, &row))
            out->smblks += row.cached;
    out->arena = less(value[COUNTER_mapped_bytes],
                      value[COUNTER_huge_bytes] + value[COUNTER_huge_cached_bytes]);
    out->hblks = value[COUNTER_huge_blocks];
    out->hblkhd = value[COUNTER_huge_bytes];
    out->fsmblks = value[COUNTER_cached_bytes];
    out->uordblks = less(value[COUNTER_live_bytes], value[COUNTER_huge_bytes]);
    out->fordblks = value[COUNTER_cached_bytes] + value[COUNTER_slack_bytes] +
                    value[COUNTER_free_bytes];
}
