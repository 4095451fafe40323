// bench/harness/report.c - writes JSON with stdio.
#include "harness/report.h"

#include <inttypes.h>

static void write_string(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    fputc('"', out);
}

static void write_text(FILE *out, const char *name, const char *text) {
    fprintf(out, "\"%s\": ", name);
    write_string(out, text);
    fputs(", ", out);
}

static void write_number(FILE *out, const char *name, uint64_t number) {
    fprintf(out, "\"%s\": %" PRIu64 ", ", name, number);
}

static void write_seconds(FILE *out, const char *name, double seconds) {
    fprintf(out, "\"%s\": %.9f, ", name, seconds);
}

// `counts`: of enum thread_counts.
static void write_threads(FILE *out, const char *name, unsigned counts) {
    static const struct {
        unsigned bit, count;
    } known[] = {{ON_1, 1}, {ON_2, 2}, {ON_4, 4}, {ON_16, 16}};
    const char *comma = "";
    fprintf(out, "\"%s\": [", name);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!(counts & known[i].bit))
            continue;
        fprintf(out, "%s%u", comma, known[i].count);
        comma = ", ";
    }
    fputs("], ", out);
}

static void write_workload(FILE *out, const struct workload *workload) {
    fputs("{", out);
    write_text(out, "name", workload->name);
    write_text(out, "family", workload->family);
    write_text(out, "pattern", workload->pattern);
    write_threads(out, "threads", workload->threads);
    write_threads(out, "quick", workload->quick);
    write_number(out, "steps", workload->steps);
    write_number(out, "churn", workload->churn);
    fprintf(out, "\"solo\": %s, ", workload->solo ? "true" : "false");
    fprintf(out, "\"apart\": %s}", workload->apart ? "true" : "false");
}

void report_list(FILE *out) {
    const char *before = "[\n";
    for (size_t i = 0; bench_workloads[i]; i++) {
        fputs(before, out);
        write_workload(out, bench_workloads[i]);
        before = ",\n";
    }
    fputs("\n]\n", out);
}

static void write_counters(FILE *out, const struct run *run) {
    fputs("\"counters\": {", out);
    for (unsigned i = 0; i < run->counters; i++) {
        fputs(i ? ", " : "", out);
        write_string(out, run->counter[i].name);
        fprintf(out, ": %.17g", run->counter[i].value);
    }
    fputs("}, ", out);
}

static void write_cost(FILE *out, struct process_moment cost) {
    write_seconds(out, "seconds", (double)cost.wall_ns / 1e9);
    write_seconds(out, "cpu_seconds", (double)cost.cpu_ns / 1e9);
    write_seconds(out, "user_seconds", (double)cost.user_us / 1e6);
    write_seconds(out, "system_seconds", (double)cost.system_us / 1e6);
    write_number(out, "minor_faults", cost.minor_faults);
    write_number(out, "major_faults", cost.major_faults);
    write_number(out, "voluntary_switches", cost.voluntary_switches);
    write_number(out, "involuntary_switches", cost.involuntary_switches);
}

void report_run(FILE *out, const struct run *run) {
    fputs("{", out);
    write_text(out, "name", run->workload->name);
    write_number(out, "threads", run->threads);
    write_number(out, "steps", run->thread_steps * run->threads);
    write_number(out, "operations", run_operations(run));
    write_cost(out, run_cost(run));
    write_seconds(out, "thread_seconds", run->mean_seconds);
    write_number(out, "peak_rss_kib", run->peak_rss_kib);
    write_number(out, "rss_after_kib", run->after_rss_kib);
    write_number(out, "rss_start_kib", run->start_rss_kib);
    write_counters(out, run);
    fputs("\"allocator\": ", out);
    write_string(out, process_allocator());
    fputs("}\n", out);
}
