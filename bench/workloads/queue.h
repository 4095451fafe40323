// bench/workloads/queue.h - a bounded queue of pointers between threads that sleep, not spin.
//
// Both sides wake the other only when it is worth it: takers when the queue is half full, givers
// when it is half empty. So many items pass for one change of threads, as in servers that drain
// what has gathered; a wake-up for each would cost more than the allocator that is measured.
// The price is a promise of the callers: each thread marks the last item of a series as `last`,
// which wakes the other side at once, and only then stops or waits for something else. Then nobody
// sleeps for ever, as long as the numbers put and taken are the same in the end.
//
// Every function may be called by any thread, but for queues_new() and queues_delete().
#pragma once
#include <pthread.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t  filled;   // takers sleep on it
    pthread_cond_t  drained;  // givers sleep on it
    void          **items;    // constant; `length` of them
    unsigned        length;   // constant
    // under the lock
    unsigned head;           // of the oldest item
    unsigned count;          // of items
    bool     takers_asleep;  // one or more, since the last wake-up
    bool     givers_asleep;
} __attribute__((aligned(64)));

struct queue *queues_new(unsigned count, unsigned length);
void          queues_delete(struct queue *queues, unsigned count);  // fatal unless all are empty
void          queue_put(struct queue *queue, void *item, bool last);
void         *queue_take(struct queue *queue, bool last);

#ifdef __cplusplus
}
#endif
