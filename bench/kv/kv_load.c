// bench/kv/kv_load.c - load generator for kv_server: measures it and verifies every answer.
//
// Has to be the server's only client. Three phases: fill stores every key, mix is the measured
// blend (reads, writes, deletes, appends, counters, multi-reads, new connections), clear deletes
// everything. Prints one JSON object on stdout. Exit status 0: every answer was right and the
// server holds nothing at the end; 1: not so, the first mistakes are told on stderr; 2: bad usage.
#include "kv_clock.h"
#include "load_control.h"
#include "load_thread.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    THREADS_MAX = 256,
    CONNECTIONS_MAX = 10000,
    PHASES = PHASE_CLEAR + 1,
};

struct report {
    double       seconds[PHASES];
    uint64_t     requests[PHASES];
    struct tally all;
};

static void usage(FILE *to) {
    fputs("usage: kv_load [OPTIONS]\n"
          "  --connect A       the server: unix:PATH or tcp:PORT; default tcp:7878\n"
          "  --threads N       default 2\n"
          "  --connections N   of all threads together, at least one each; default 64\n"
          "  --pipeline N      requests sent before a reply is awaited, to 1024; default 16\n"
          "  --keys N          keys all connections share; default 100000\n"
          "  --churn N         requests after which a connection is made anew, about;\n"
          "                    default 20000, 0: never\n"
          "  --seconds S       length of the measured phase; default 5\n"
          "  --requests N      end of the measured phase by count; default no limit\n"
          "  --seed N          of sizes, keys and contents; default 1\n",
          to);
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno || value < least || value > most) {
        fprintf(stderr, "kv_load: --%s %s: not a number from %llu to %llu\n", option, text,
                (unsigned long long)least, (unsigned long long)most);
        exit(2);
    }
    return value;
}

static double seconds(const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0 && value <= 86400)) {
        fprintf(stderr, "kv_load: --seconds %s: not a time up to a day\n", text);
        exit(2);
    }
    return value;
}

static void settings_option(struct load_settings *settings, int option) {
    switch (option) {
    case 'a': settings->address = optarg; break;
    case 't': settings->threads = (uint32_t)number("threads", optarg, 1, THREADS_MAX); break;
    case 'c':
        settings->connections = (uint32_t)number("connections", optarg, 1, CONNECTIONS_MAX);
        break;
    case 'p': settings->pipeline = (uint32_t)number("pipeline", optarg, 1, 1024); break;
    case 'k': settings->keys = (uint32_t)number("keys", optarg, 1, 100000000); break;
    case 'u': settings->churn = (uint32_t)number("churn", optarg, 0, UINT32_MAX / 2); break;
    case 's': settings->seconds = seconds(optarg); break;
    case 'n': settings->requests_max = number("requests", optarg, 1, UINT64_MAX); break;
    case 'r': settings->seed = number("seed", optarg, 0, UINT64_MAX); break;
    case 'h': usage(stdout); exit(0);
    default: usage(stderr); exit(2);
    }
}

static void settings_parse(struct load_settings *settings, int argc, char **argv) {
    static const struct option options[] = {
        {"connect", required_argument, NULL, 'a'},     {"threads", required_argument, NULL, 't'},
        {"connections", required_argument, NULL, 'c'}, {"pipeline", required_argument, NULL, 'p'},
        {"keys", required_argument, NULL, 'k'},        {"churn", required_argument, NULL, 'u'},
        {"seconds", required_argument, NULL, 's'},     {"requests", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 'r'},        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    *settings = (struct load_settings){
        .address = "tcp:7878", .threads = 2, .connections = 64, .pipeline = 16, .keys = 100000,
        .churn = 20000, .seconds = 5, .requests_max = UINT64_MAX, .seed = 1,
    };
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        settings_option(settings, option);
    if (optind != argc) {
        usage(stderr);
        exit(2);
    }
    if (settings->connections < settings->threads)
        settings->connections = settings->threads;
}

static void threads_start(struct load_thread *threads, const struct load_settings *settings,
                          pthread_barrier_t *barrier) {
    uint32_t first = 0;
    pthread_barrier_init(barrier, NULL, settings->threads + 1);
    for (uint32_t i = 0; i < settings->threads; i++) {
        uint32_t end = settings->connections * (i + 1) / settings->threads;
        threads[i] = (struct load_thread){
            .settings = settings, .barrier = barrier, .epoll = -1,
            .first_client = first, .client_count = end - first,
        };
        first = end;
        errno = load_thread_start(&threads[i]);
        if (errno != 0) {
            fprintf(stderr, "kv_load: thread: %s\n", strerror(errno));
            exit(1);
        }
    }
}

static void phases_watch(struct load_thread *threads, const struct load_settings *settings,
                         pthread_barrier_t *barrier, struct report *report) {
    for (int phase = 0; phase < PHASES; phase++) {
        pthread_barrier_wait(barrier);
        uint64_t from = kv_now_ns();
        pthread_barrier_wait(barrier);
        report->seconds[phase] = (double)(kv_now_ns() - from) / 1e9;
        for (uint32_t i = 0; i < settings->threads; i++)
            report->requests[phase] += threads[i].tally.requests;
        pthread_barrier_wait(barrier);
    }
}

static void threads_join(struct load_thread *threads, uint32_t count, struct report *report) {
    for (uint32_t i = 0; i < count; i++) {
        pthread_join(threads[i].thread, NULL);
        report->all.lost += threads[i].tally.lost;
        report->all.errors += threads[i].tally.errors;
        report->all.reconnects += threads[i].tally.reconnects;
        report->all.bytes += threads[i].tally.bytes;
        histogram_merge(&report->all.latency, &threads[i].tally.latency);
    }
}

// The server has to be empty again, and may have lost a key of ours only by eviction.
static void report_server(struct report *report, const char *address, struct control_stats *stats) {
    if (!control_stats(address, stats)) {
        report->all.errors++;
        return;
    }
    if (stats->keys != 0 || stats->bytes != 0) {
        fprintf(stderr, "kv_load: %" PRIu64 " keys, %" PRIu64 " bytes left after deleting all\n",
                stats->keys, stats->bytes);
        report->all.errors++;
    }
    if (report->all.lost > 0 && stats->evicted == 0) {
        fprintf(stderr, "kv_load: %" PRIu64 " values lost, but nothing evicted\n",
                report->all.lost);
        report->all.errors++;
    }
}

static double microseconds(const struct report *report, double share) {
    return (double)histogram_quantile(&report->all.latency, share) / 1000;
}

static void report_print(const struct report *report, const struct control_stats *stats) {
    double mix = report->seconds[PHASE_MIX];
    double rate = mix > 0 ? (double)report->requests[PHASE_MIX] / mix : 0;
    printf("{\"requests\": %" PRIu64 ", \"seconds\": %.3f, \"requests_per_s\": %.0f,\n",
           report->requests[PHASE_MIX], mix, rate);
    printf(" \"p50_us\": %.1f, \"p99_us\": %.1f, \"p99_9_us\": %.1f, \"max_us\": %.1f,\n",
           microseconds(report, 0.5), microseconds(report, 0.99), microseconds(report, 0.999),
           (double)report->all.latency.most / 1000);
    printf(" \"fill_requests\": %" PRIu64 ", \"fill_seconds\": %.3f,\n",
           report->requests[PHASE_FILL], report->seconds[PHASE_FILL]);
    printf(" \"clear_requests\": %" PRIu64 ", \"clear_seconds\": %.3f,\n",
           report->requests[PHASE_CLEAR], report->seconds[PHASE_CLEAR]);
    printf(" \"bytes\": %" PRIu64 ", \"reconnects\": %" PRIu64 ", \"lost\": %" PRIu64 ",\n",
           report->all.bytes, report->all.reconnects, report->all.lost);
    printf(" \"evicted\": %" PRIu64 ", \"expired\": %" PRIu64 ", \"errors\": %" PRIu64 "}\n",
           stats->evicted, stats->expired, report->all.errors);
}

int main(int argc, char **argv) {
    static struct load_thread threads[THREADS_MAX];
    static struct report report;
    struct load_settings settings;
    struct control_stats stats = {0};
    pthread_barrier_t barrier;
    settings_parse(&settings, argc, argv);
    content_init(settings.seed);
    if (!control_flush(settings.address))
        return 1;
    threads_start(threads, &settings, &barrier);
    phases_watch(threads, &settings, &barrier, &report);
    threads_join(threads, settings.threads, &report);
    pthread_barrier_destroy(&barrier);
    report_server(&report, settings.address, &stats);
    report_print(&report, &stats);
    return report.all.errors == 0 && fflush(stdout) == 0 ? 0 : 1;
}
