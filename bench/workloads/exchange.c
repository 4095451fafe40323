// bench/workloads/exchange.c - producers and consumers: blocks freed by another thread than the one
// that allocated them.
//
// A producer only allocates, a consumer only frees; in the ring each thread does both, but frees
// what its neighbour made. Messages of 16 B to 4 KiB travel 64 to a letter, through one bounded
// inbox for each consumer. In a step every producer sends the same number of letters to every
// consumer, and a consumer takes all of that step's: what is sent is what is taken.
//
// Nobody waits for ever. A consumer waits for letters of a step that its producers have not ended,
// a producer for room, which a consumer of an earlier or the same step makes. In the ring a thread
// first sends, then takes, and a step's letters fit an inbox: if all slept, each sleeper would be
// ahead of its neighbour, all the way round.
#include "harness/random.h"
#include "harness/workload.h"
#include "workloads/checked.h"
#include "workloads/queue.h"

enum {
    MESSAGES = 64,  // in a letter
    LEAST_BYTES = 16,
    MOST_BYTES = 4096,
    STEP_LETTERS = 64,   // to each consumer from one producer in a step; n_n: from all of them
    RING_LETTERS = 16,   // to the next thread in a step
    INBOX_LETTERS = 64,  // waiting in all inboxes together, about 3 MiB
    INBOX_LEAST = 16,    // in each of them
};
_Static_assert((int)RING_LETTERS <= (int)INBOX_LEAST, "a step of the ring fits an inbox");

struct letter {
    void *messages[MESSAGES];
};
struct exchange {
    unsigned      producers;  // ranks 0 .. producers - 1
    unsigned      consumers;  // the ranks after these
    unsigned      letters;    // from each producer to each consumer, in a step
    struct queue *inboxes;    // of the consumers
};

static unsigned inbox_length(unsigned consumers) {
    unsigned length = INBOX_LETTERS / consumers;
    return length < INBOX_LEAST ? INBOX_LEAST : length;
}
static struct exchange *exchange_new(unsigned producers, unsigned consumers, unsigned letters) {
    struct exchange *exchange = malloc(sizeof *exchange);
    if (!exchange)
        workload_fail("no memory", NULL);
    *exchange = (struct exchange){
        .producers = producers,
        .consumers = consumers,
        .letters = letters,
        .inboxes = queues_new(consumers, inbox_length(consumers)),
    };
    return exchange;
}
static void *setup_n_1(unsigned threads) {
    return exchange_new(threads - 1, 1, STEP_LETTERS);
}
static void *setup_1_n(unsigned threads) {
    return exchange_new(1, threads - 1, STEP_LETTERS);
}
static void *setup_n_n(unsigned threads) {
    unsigned half = threads / 2;
    return exchange_new(half, threads - half, STEP_LETTERS / half);
}
static void *setup_ring(unsigned threads) {
    return exchange_new(threads, threads, RING_LETTERS);
}
static void exchange_teardown(void *state) {
    struct exchange *exchange = state;
    queues_delete(exchange->inboxes, exchange->consumers);
    free(exchange);
}

static void letter_send(struct bench_thread *thread, struct queue *inbox, bool last) {
    struct letter *letter = malloc(sizeof *letter);
    if (!letter)
        workload_fail("no memory", NULL);
    for (unsigned i = 0; i < MESSAGES; i++)
        letter->messages[i] = checked_new(random_size(thread, LEAST_BYTES, MOST_BYTES));
    queue_put(inbox, letter, last);
}
static void letters_take(struct queue *inbox, unsigned count) {
    for (unsigned taken = 1; taken <= count; taken++) {
        struct letter *letter = queue_take(inbox, taken == count);
        for (unsigned i = 0; i < MESSAGES; i++)
            checked_drop(letter->messages[i]);
        free(letter);
    }
}
static void letters_send_all(struct exchange *exchange, struct bench_thread *thread) {
    for (unsigned sent = 1; sent <= exchange->letters; sent++) {
        for (unsigned i = 0; i < exchange->consumers; i++) {
            unsigned consumer = (thread->rank + i) % exchange->consumers;
            letter_send(thread, &exchange->inboxes[consumer], sent == exchange->letters);
        }
    }
}
// A block counts where it is freed; the letter is a block as well.
static uint64_t exchange_step(void *state, struct bench_thread *thread) {
    struct exchange *exchange = state;
    unsigned         count = exchange->letters * exchange->producers;
    if (thread->rank < exchange->producers) {
        letters_send_all(exchange, thread);
        return 0;
    }
    letters_take(&exchange->inboxes[thread->rank - exchange->producers], count);
    return (uint64_t)count * (MESSAGES + 1);
}
static uint64_t ring_step(void *state, struct bench_thread *thread) {
    struct exchange *exchange = state;
    struct queue    *next = &exchange->inboxes[(thread->rank + 1) % thread->count];
    for (unsigned sent = 1; sent <= exchange->letters; sent++)
        letter_send(thread, next, sent == exchange->letters);
    letters_take(&exchange->inboxes[thread->rank], exchange->letters);
    return (uint64_t)exchange->letters * (MESSAGES + 1);
}

const struct workload workload_exchange_1_1 = {
    .name = "exchange_1_1",
    .family = "exchange",
    .pattern = "a pipeline of two: one thread reads and allocates messages, one handles and frees",
    .threads = ON_2,
    .quick = ON_2,
    .steps = 400,
    .churn = UINT64_C(600) << 20,
    .setup = setup_n_1,
    .step = exchange_step,
    .teardown = exchange_teardown,
};
const struct workload workload_exchange_n_1 = {
    .name = "exchange_n_1",
    .family = "exchange",
    .pattern = "a log writer: many threads allocate messages, one writes them out and frees",
    .threads = ON_4 | ON_16,
    .quick = ON_4,
    .steps = 400,
    .churn = UINT64_C(1100) << 20,
    .setup = setup_n_1,
    .step = exchange_step,
    .teardown = exchange_teardown,
};
const struct workload workload_exchange_1_n = {
    .name = "exchange_1_n",
    .family = "exchange",
    .pattern = "a dispatcher: one thread reads requests, many workers handle and free them",
    .threads = ON_4 | ON_16,
    .quick = ON_4,
    .steps = 400,
    .churn = UINT64_C(1100) << 20,
    .setup = setup_1_n,
    .step = exchange_step,
    .teardown = exchange_teardown,
};
const struct workload workload_exchange_n_n = {
    .name = "exchange_n_n",
    .family = "exchange",
    .pattern = "a staged server: each of the reading threads feeds every one of the workers",
    .threads = ON_4 | ON_16,
    .quick = ON_4,
    .steps = 600,
    .churn = UINT64_C(900) << 20,
    .setup = setup_n_n,
    .step = exchange_step,
    .teardown = exchange_teardown,
};
const struct workload workload_exchange_ring = {
    .name = "exchange_ring",
    .family = "exchange",
    .pattern = "a chain of stages: each thread makes messages for the next and frees those of the"
               " one before",
    .threads = ON_2 | ON_4 | ON_16,
    .quick = ON_4,
    .steps = 1200,
    .churn = UINT64_C(900) << 20,
    .setup = setup_ring,
    .step = ring_step,
    .teardown = exchange_teardown,
};
