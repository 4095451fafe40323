// bench/kv/load_thread.h - a thread of the load generator: some connections, one epoll loop.
#pragma once

#include "load_client.h"

#include <pthread.h>

struct load_thread {
    pthread_t                   thread;
    const struct load_settings *settings;
    pthread_barrier_t          *barrier;       // before and after each phase, with the main thread
    uint32_t                    first_client;  // number of the first connection
    uint32_t                    client_count;
    struct client              *clients;
    int                         epoll;
    bool                        failed;        // takes no part in the phases that follow
    struct tally                tally;
};

// Runs fill, mix and clear. 0, or an error number; then the barrier lacks one thread.
int load_thread_start(struct load_thread *thread);
