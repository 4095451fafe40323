// bench/harness/main.c - bench_workloads: lists the workloads, or runs one of them once.
#include "harness/google.h"
#include "harness/report.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, NUMBER_MAX = 1000000000 };

static const char usage[] =
    "usage: bench_workloads --list\n"
    "       bench_workloads --run NAME [--threads N] [--steps S] [--json FILE]\n"
    "\n"
    "  --list       all workloads, as a JSON array\n"
    "  --run NAME   runs one of them, once, under the malloc that this process has\n"
    "  --threads N  1 (default), 2, 4 or 16, as the workload allows\n"
    "  --steps S    in all threads together; default: the workload's own number\n"
    "  --json FILE  where the result goes; default: standard output\n";

struct arguments {
    bool        list;
    const char *run;
    unsigned    threads;
    uint64_t    steps;
    const char *json;
};

static struct run run;  // not on the heap: that one is measured

__attribute__((noreturn)) static void usage_fail(const char *what, const char *value) {
    fprintf(stderr, "bench_workloads: %s%s\n\n%s", what, value, usage);
    exit(EXIT_USAGE);
}

static uint64_t number(const char *option, const char *text) {
    char              *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value == 0 || value > NUMBER_MAX)
        usage_fail(option, text);
    return value;
}

static struct arguments arguments_read(int count, char **words) {
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},          {"run", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'}, {"steps", required_argument, NULL, 's'},
        {"json", required_argument, NULL, 'j'},    {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct arguments arguments = {.threads = 1};
    for (int option; (option = getopt_long(count, words, "", options, NULL)) != -1;) {
        if (option == 'l')
            arguments.list = true;
        else if (option == 'r')
            arguments.run = optarg;
        else if (option == 't')
            arguments.threads = (unsigned)number("--threads: not ", optarg);
        else if (option == 's')
            arguments.steps = number("--steps: not ", optarg);
        else if (option == 'j')
            arguments.json = optarg;
        else if (option == 'h')
            exit(fputs(usage, stdout) < 0);
        else
            exit(EXIT_USAGE);
    }
    if (optind < count)
        usage_fail("what is ", words[optind]);
    if (arguments.list == !!arguments.run)
        usage_fail("one of --list and --run", "");
    return arguments;
}

static const struct workload *workload_find(const char *name) {
    for (size_t i = 0; bench_workloads[i]; i++) {
        if (strcmp(bench_workloads[i]->name, name) == 0)
            return bench_workloads[i];
    }
    usage_fail("no workload ", name);
}

static bool threads_fit(const struct workload *workload, unsigned threads) {
    switch (threads) {
    case 1:
        return workload->threads & ON_1;
    case 2:
        return workload->threads & ON_2;
    case 4:
        return workload->threads & ON_4;
    case 16:
        return workload->threads & ON_16;
    default:
        return false;
    }
}

static void close_output(FILE *out) {
    if (fflush(out) != 0 || ferror(out))
        process_fail("output");
}

int main(int count, char **words) {
    struct arguments arguments = arguments_read(count, words);
    if (arguments.list) {
        report_list(stdout);
        close_output(stdout);
        return 0;
    }
    const struct workload *workload = workload_find(arguments.run);
    if (!threads_fit(workload, arguments.threads))
        usage_fail("not with this number of threads: ", workload->name);
    run_prepare(&run, workload, arguments.threads, arguments.steps);
    if (!google_run(&run))
        return 1;
    FILE *out = arguments.json ? fopen(arguments.json, "we") : stdout;
    if (!out)
        process_fail(arguments.json);
    report_run(out, &run);
    close_output(out);
    return 0;
}
