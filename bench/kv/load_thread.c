// bench/kv/load_thread.c - a thread of the load generator: some connections, one epoll loop.
#include "load_thread.h"

#include "kv_clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 64,
    SILENCE_MS = 20000,  // without any reply: the server is taken for dead
};

// One phase under way.
struct run {
    enum phase phase;
    uint64_t   until_ns;      // no new batch after this
    uint64_t   requests_max;  // nor above this many
    uint32_t   busy;          // connections with a batch under way
};

static bool thread_open(struct load_thread *thread, struct client *client) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    return client_connect(client) &&
           epoll_ctl(thread->epoll, EPOLL_CTL_ADD, client->fd, &event) == 0;
}

// Waits for the socket to take more, or for replies only.
static bool thread_watch(struct load_thread *thread, struct client *client) {
    struct epoll_event event = {.events = client_events(client), .data.ptr = client};
    return epoll_ctl(thread->epoll, EPOLL_CTL_MOD, client->fd, &event) == 0;
}

static bool run_over(const struct load_thread *thread, const struct run *run) {
    return run->phase == PHASE_MIX && (thread->tally.requests >= run->requests_max ||
                                       kv_now_ns() >= run->until_ns);
}

// Sends the next batch if there is one.
static bool run_next(struct load_thread *thread, struct run *run, struct client *client) {
    if (run_over(thread, run))
        return true;
    if (client_churns(client) && !thread_open(thread, client))
        return false;
    enum client_state state = client_send(client, run->phase);
    if (state == CLIENT_BUSY)
        run->busy++;
    // Most batches leave in one go: only the others need the second event.
    if (state == CLIENT_BUSY && client_events(client) != EPOLLIN)
        return thread_watch(thread, client);
    return state != CLIENT_FAILED;
}

static bool run_continue(struct load_thread *thread, struct run *run, struct client *client) {
    bool wrote = client_events(client) != EPOLLIN;
    enum client_state state = client_continue(client, run->phase);
    if (state == CLIENT_FAILED)
        return false;
    if (wrote && client_events(client) == EPOLLIN && !thread_watch(thread, client))
        return false;
    if (state == CLIENT_BUSY)
        return true;
    run->busy--;
    return run_next(thread, run, client);
}

static bool run_wait(struct load_thread *thread, struct run *run) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(thread->epoll, events, EVENTS_AT_ONCE, SILENCE_MS);
    if (count < 0)
        return errno == EINTR;
    if (count == 0) {
        fprintf(stderr, "kv_load: no reply for %d ms\n", SILENCE_MS);
        thread->tally.errors++;
        return false;
    }
    for (int i = 0; i < count; i++)
        if (!run_continue(thread, run, events[i].data.ptr))
            return false;
    return true;
}

static bool run_begin(struct load_thread *thread, struct run *run) {
    for (uint32_t i = 0; i < thread->client_count; i++) {
        plan_begin(&thread->clients[i].plan);
        if (!run_next(thread, run, &thread->clients[i]))
            return false;
    }
    return true;
}

static bool thread_phase(struct load_thread *thread, enum phase phase) {
    const struct load_settings *settings = thread->settings;
    struct run run = {
        .phase = phase,
        .until_ns = kv_now_ns() + (uint64_t)(settings->seconds * 1e9),
        .requests_max = settings->requests_max / settings->threads,
    };
    thread->tally.requests = 0;
    if (!run_begin(thread, &run))
        return false;
    while (run.busy > 0)
        if (!run_wait(thread, &run))
            return false;
    return true;
}

static bool thread_setup(struct load_thread *thread) {
    thread->epoll = epoll_create1(EPOLL_CLOEXEC);
    thread->clients = calloc(thread->client_count, sizeof *thread->clients);
    if (thread->epoll < 0 || !thread->clients)
        return false;
    for (uint32_t i = 0; i < thread->client_count; i++)
        if (!client_init(&thread->clients[i], thread->settings, &thread->tally,
                         thread->first_client + i) ||
            !thread_open(thread, &thread->clients[i]))
            return false;
    return true;
}

static void thread_teardown(struct load_thread *thread) {
    for (uint32_t i = 0; thread->clients && i < thread->client_count; i++)
        if (thread->clients[i].settings)
            client_destroy(&thread->clients[i]);
    free(thread->clients);
    if (thread->epoll >= 0)
        close(thread->epoll);
}

static void *thread_run(void *argument) {
    struct load_thread *thread = argument;
    thread->failed = !thread_setup(thread);
    for (enum phase phase = PHASE_FILL; phase <= PHASE_CLEAR; phase++) {
        pthread_barrier_wait(thread->barrier);
        if (!thread->failed)
            thread->failed = !thread_phase(thread, phase);
        pthread_barrier_wait(thread->barrier);
        pthread_barrier_wait(thread->barrier);  // the main thread has read the tally
    }
    if (thread->failed)
        thread->tally.errors++;
    thread_teardown(thread);
    return NULL;
}

int load_thread_start(struct load_thread *thread) {
    return pthread_create(&thread->thread, NULL, thread_run, thread);
}
