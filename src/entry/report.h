// entry/report.h - what the process holds: text, JSON, malloc_info's XML, mallinfo2, or by figure.
//
// All figures come from counters.def; arenas and size classes are walked for their tables. Who
// counts registers here, so this file knows neither arenas nor caches. Nothing is stopped: a report
// is a sum of moments. No lock is held while the sink or the visitor runs, so both may allocate.
#pragma once
#include "base/size_class.h"
#include "conf/counters.h"
#include "entry/emit.h"

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_XML };

struct report_class {       // of the process: one size class, or all large, huge, heap blocks
    uint64_t live;          // blocks the program holds
    uint64_t cached;        // free blocks in thread caches; freed mappings kept, for CLASS_HUGE
    uint64_t slabs;         // 0 for CLASS_LARGE and CLASS_HUGE
};

struct report_arena {
    uint64_t mapped_bytes;  // readable and writable address space of its sources
    uint64_t active_bytes;  // in slabs and large blocks
    uint64_t dirty_bytes;   // in free spans, resident
    uint64_t clean_bytes;   // in free spans, given back
    uint64_t free_spans;    // how many of both
    uint64_t top_bytes;     // at the end of the data segment, to be given back by trim; main arena
};

// All may be called by any thread at any time, take what locks they need and release them. NULL
// members tell nothing. A row arrives zeroed.
struct report_source {
    // Adds to `totals` what counters_process does not hold.
    void (*gather)(struct counters *totals);
    // CLASS_HEAP_SLAB, CLASS_LARGE and CLASS_HUGE are asked for too. False: nothing to tell.
    bool (*class_at)(class_id id, struct report_class *row);
    // False: no arena has this index or a higher one. A row left zero is not shown.
    bool (*arena_at)(unsigned index, struct report_arena *row);
};

struct report {
    struct counters totals;
};

struct report_mallinfo {  // the fields of mallinfo2, with glibc's meaning
    size_t arena;         // mapped bytes that belong to no huge block
    size_t ordblks;       // free spans
    size_t smblks;        // free blocks in thread caches
    size_t hblks;         // huge blocks the program holds
    size_t hblkhd;        // bytes of those
    size_t usmblks;       // 0, as in glibc
    size_t fsmblks;       // bytes in thread caches
    size_t uordblks;      // live bytes that are in no huge block: add hblkhd for all of them
    size_t fordblks;      // free bytes: cached, slack and free spans
    size_t keepcost;      // bytes at the end of the data segment that malloc_trim would give back
};

// Called once, at start. `source` is kept.
void report_set_source(const struct report_source *source);
void report_gather(struct report *report);
// Sum of the parts that docs/tuning.md calls the resident ones; the six first rows of counters.def.
uint64_t report_resident(const struct report *report);

void report_write(enum report_format format, emit_sink sink, void *data);
void report_to_fd(enum report_format format, int fd);
// One call a counter, in the order of counters.def. `unit` is "bytes" or "count".
void report_visit(void (*visit)(const char *name, uint64_t value, const char *unit, void *data),
                  void *data);
void report_mallinfo2(struct report_mallinfo *out);
