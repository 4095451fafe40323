// bench/kv/kv_server.c - a multithreaded in-memory key-value server, a realistic load for malloc.
//
// The main thread accepts and hands connections to the workers in turn. It calls plain malloc, so
// LD_PRELOAD decides which allocator serves it. SIGTERM and SIGINT end it: connections are closed,
// everything is freed, exit status 0. Prints "ready" on stdout when clients may connect.
#include "kv_net.h"
#include "kv_worker.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { WORKERS_MAX = 256 };

struct settings {
    const char *address;
    uint32_t    workers;
    uint32_t    shards;      // a power of two
    uint64_t    memory_max;  // bytes
};

struct server {
    struct settings settings;
    struct store    store;
    struct worker   workers[WORKERS_MAX];
    uint32_t        worker_count;
    uint32_t        worker_next;
    int             listener;
    int             signals;
};

static void usage(FILE *to) {
    fputs("usage: kv_server [--listen unix:PATH|tcp:PORT] [--workers N] [--shards N] [--memory N]\n"
          "  --listen   where clients connect; default tcp:7878 (loopback only)\n"
          "  --workers  threads that serve, 1 to 256; default 2\n"
          "  --shards   parts of the store with a lock each, a power of two to 256; default 16\n"
          "  --memory   MiB of entries kept, least recently used go first; default 256\n",
          to);
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno || value < least || value > most) {
        fprintf(stderr, "kv_server: --%s %s: not a number from %llu to %llu\n", option, text,
                (unsigned long long)least, (unsigned long long)most);
        exit(2);
    }
    return value;
}

static void settings_parse(struct settings *settings, int argc, char **argv) {
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, {"workers", required_argument, NULL, 'w'},
        {"shards", required_argument, NULL, 's'}, {"memory", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int option;
    *settings = (struct settings){"tcp:7878", 2, 16, (uint64_t)256 << 20};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l': settings->address = optarg; break;
        case 'w': settings->workers = (uint32_t)number("workers", optarg, 1, WORKERS_MAX); break;
        case 's': settings->shards = (uint32_t)number("shards", optarg, 1, KV_SHARDS_MAX); break;
        case 'm': settings->memory_max = number("memory", optarg, 1, 1 << 20) << 20; break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    }
    if (optind != argc || (settings->shards & (settings->shards - 1))) {
        usage(stderr);
        exit(2);
    }
}

// Blocks the signals in this thread and all made later; they are read from the descriptor.
static int signals_open(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool server_start(struct server *server) {
    server->listener = -1;
    server->signals = signals_open();
    if (server->signals < 0 ||
        !store_init(&server->store, server->settings.shards, server->settings.memory_max))
        return false;
    while (server->worker_count < server->settings.workers) {
        struct worker *worker = &server->workers[server->worker_count];
        if (worker_start(worker, &server->store, server->worker_count == 0) != 0)
            return false;
        server->worker_count++;
    }
    server->listener = kv_listen(server->settings.address);
    return server->listener >= 0;
}

static void server_accept(struct server *server) {
    int fd;
    while ((fd = kv_accept(server->listener)) >= 0)
        worker_adopt(&server->workers[server->worker_next++ % server->worker_count], fd);
    // Without descriptors the listener stays readable: wait a little instead of spinning.
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        usleep(10000);
}

static void server_run(struct server *server) {
    struct pollfd watch[2] = {{.fd = server->signals, .events = POLLIN},
                              {.fd = server->listener, .events = POLLIN}};
    puts("ready");
    fflush(stdout);
    for (;;) {
        if (poll(watch, 2, -1) < 0)
            continue;
        if (watch[0].revents)
            return;
        if (watch[1].revents)
            server_accept(server);
    }
}

static void server_stop(struct server *server) {
    kv_unlisten(server->settings.address, server->listener);
    while (server->worker_count > 0)
        worker_stop(&server->workers[--server->worker_count]);
    store_destroy(&server->store);
    close(server->signals);
}

int main(int argc, char **argv) {
    static struct server server;
    settings_parse(&server.settings, argc, argv);
    if (!server_start(&server)) {
        fprintf(stderr, "kv_server: cannot start on %s: %s\n", server.settings.address,
                strerror(errno));
        return 1;
    }
    server_run(&server);
    server_stop(&server);
    return 0;
}
