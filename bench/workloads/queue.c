// bench/workloads/queue.c - a bounded queue of pointers between threads that sleep, not spin.
#include "workloads/queue.h"

#include "workloads/checked.h"

static void queue_init(struct queue *queue, unsigned length) {
    *queue = (struct queue){.length = length, .items = malloc(length * sizeof *queue->items)};
    if (!queue->items)
        workload_fail("no memory", NULL);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    pthread_cond_init(&queue->drained, NULL);
}
struct queue *queues_new(unsigned count, unsigned length) {
    struct queue *queues = aligned_alloc(_Alignof(struct queue), count * sizeof *queues);
    if (!queues)
        workload_fail("no memory", NULL);
    for (unsigned i = 0; i < count; i++)
        queue_init(&queues[i], length);
    return queues;
}
void queues_delete(struct queue *queues, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (queues[i].count)
            workload_fail("a queue was left with items", queues[i].items[queues[i].head]);
        pthread_cond_destroy(&queues[i].drained);
        pthread_cond_destroy(&queues[i].filled);
        pthread_mutex_destroy(&queues[i].lock);
        free(queues[i].items);
    }
    free(queues);
}
// The answer is whether the other side is to be woken, once the lock is gone.
static bool claim_wake(bool *asleep, bool worth_it) {
    bool wake = *asleep && worth_it;
    if (wake)
        *asleep = false;
    return wake;
}
void queue_put(struct queue *queue, void *item, bool last) {
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->length) {
        queue->givers_asleep = true;
        pthread_cond_wait(&queue->drained, &queue->lock);
    }
    queue->items[(queue->head + queue->count++) % queue->length] = item;
    bool wake = claim_wake(&queue->takers_asleep, last || queue->count >= queue->length / 2);
    pthread_mutex_unlock(&queue->lock);
    if (wake)
        pthread_cond_broadcast(&queue->filled);
}
void *queue_take(struct queue *queue, bool last) {
    pthread_mutex_lock(&queue->lock);
    while (!queue->count) {
        queue->takers_asleep = true;
        pthread_cond_wait(&queue->filled, &queue->lock);
    }
    void *item = queue->items[queue->head];
    queue->head = (queue->head + 1) % queue->length;
    queue->count--;
    bool wake = claim_wake(&queue->givers_asleep, last || queue->count <= queue->length / 2);
    pthread_mutex_unlock(&queue->lock);
    if (wake)
        pthread_cond_broadcast(&queue->drained);
    return item;
}
