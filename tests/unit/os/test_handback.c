// unit/os/test_handback.c - every node pushed comes back once, with what its pusher wrote.
#include <pthread.h>
#include <sched.h>

#include "os/handback.h"
#include "tests/support/test.h"

static struct handback stack;

static void test_one_thread(void) {
    struct handback_node nodes[5];
    memset(nodes, 0xee, sizeof nodes);  // a node needs no initialisation
    handback_init(&stack);
    CHECK(!handback_has_news(&stack));
    CHECK(handback_next(&stack) == NULL);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(handback_push(&stack, &nodes[i]), i == 0);
    CHECK(handback_has_news(&stack));
    CHECK(handback_next(&stack) == &nodes[3]);
    CHECK(handback_push(&stack, &nodes[4]));   // the stack was taken: news again
    CHECK(!handback_push(&stack, &nodes[3]));  // returned, so it may come again
    CHECK(handback_next(&stack) == &nodes[2]);
    CHECK(handback_next(&stack) == &nodes[1]);
    CHECK(handback_next(&stack) == &nodes[0]);
    CHECK(handback_next(&stack) == &nodes[3]);
    CHECK(handback_next(&stack) == &nodes[4]);
    CHECK(handback_next(&stack) == NULL && !handback_has_news(&stack));
}

// The first of the two stores of a push; the second is node->next = the result.
static struct handback_node *half_push(struct handback_node *node) {
    struct handback_node *before = stack.head;
    node->next = NULL;
    stack.head = node;
    return before;
}

static void test_half_done(void) {
    struct handback_node old, half, young;
    handback_init(&stack);
    handback_push(&stack, &old);
    struct handback_node *rest = half_push(&half);
    handback_push(&stack, &young);

    CHECK(handback_next(&stack) == &young);
    for (unsigned i = 0; i < 3; i++)
        CHECK(handback_next(&stack) == NULL);  // never waits
    CHECK(handback_has_news(&stack));          // there is a walk to go on with
    handback_push(&stack, &young);
    CHECK(handback_next(&stack) == NULL);
    half.next = rest;  // the pusher goes on
    CHECK(handback_next(&stack) == &half);
    CHECK(handback_next(&stack) == &old);
    CHECK(handback_next(&stack) == &young);
    CHECK(handback_next(&stack) == NULL && !handback_has_news(&stack));
}

// The newest is the half-done one: nothing can be returned before it.
static void test_half_done_first(void) {
    struct handback_node old, half;
    handback_init(&stack);
    handback_push(&stack, &old);
    struct handback_node *rest = half_push(&half);
    CHECK(handback_next(&stack) == NULL);
    CHECK(handback_next(&stack) == NULL);
    half.next = rest;
    CHECK(handback_next(&stack) == &half);
    CHECK(handback_next(&stack) == &old);
    CHECK(handback_next(&stack) == NULL);
}

// What a forked child does with a stack that other threads were working on.
static void test_made_new(void) {
    struct handback_node lost, half, walked, half_walked;
    handback_init(&stack);
    handback_push(&stack, &lost);
    half_push(&half_walked);
    handback_push(&stack, &walked);
    CHECK(handback_next(&stack) == &walked);  // the walk now stands at half_walked
    CHECK(handback_next(&stack) == NULL);
    half_push(&half);
    handback_init(&stack);
    CHECK(!handback_has_news(&stack) && handback_next(&stack) == NULL);
    CHECK(handback_push(&stack, &half_walked) && !handback_push(&stack, &lost));
    CHECK(handback_next(&stack) == &lost);
    CHECK(handback_next(&stack) == &half_walked);
    CHECK(handback_next(&stack) == NULL && !handback_has_news(&stack));
}

// --- threads: nodes go round between pushers and one taker --------------------------------------

enum { PUSHERS = 4, NODES = 64, ROUNDS = 20000 };
struct item {
    struct handback_node node;
    unsigned             owner;
    unsigned             content;  // plain: push and next are what orders it
    unsigned             is_out;   // 1 = pushed, not returned; atomic
};
static struct item items[PUSHERS][NODES];
static unsigned    news;

static void *pusher(void *argument) {
    struct item *mine = argument;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct item *item = &mine[round % NODES];
        while (__atomic_load_n(&item->is_out, __ATOMIC_ACQUIRE))
            sched_yield();
        CHECK_EQ(item->content, 0);
        item->content = round + 1;
        __atomic_store_n(&item->is_out, 1, __ATOMIC_RELAXED);
        if (handback_push(&stack, &item->node))
            __atomic_fetch_add(&news, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

// Each owner's nodes come in any order, but each node as often as it was pushed and with the
// content of that push: the sum over all contents shows a lost or doubled one.
static void test_threads(void) {
    pthread_t threads[PUSHERS];
    uint64_t  sums[PUSHERS] = {0}, expected = (uint64_t)ROUNDS * (ROUNDS + 1) / 2;
    unsigned  taken = 0;
    handback_init(&stack);
    for (unsigned i = 0; i < PUSHERS; i++) {
        for (unsigned n = 0; n < NODES; n++)
            items[i][n].owner = i;
        CHECK_EQ(pthread_create(&threads[i], NULL, pusher, items[i]), 0);
    }
    while (taken < PUSHERS * ROUNDS) {
        struct handback_node *node = handback_next(&stack);
        if (!node) {
            sched_yield();
            continue;
        }
        struct item *item = CONTAINER_OF(node, struct item, node);
        CHECK_EQ(__atomic_load_n(&item->is_out, __ATOMIC_RELAXED), 1);
        CHECK(item->content != 0);
        sums[item->owner] += item->content;
        item->content = 0;
        taken++;
        __atomic_store_n(&item->is_out, 0, __ATOMIC_RELEASE);
    }
    for (unsigned i = 0; i < PUSHERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(sums[i], expected);
    }
    CHECK(handback_next(&stack) == NULL && !handback_has_news(&stack));
    CHECK(news >= 1 && news <= taken);
}

int main(void) {
    test_watchdog(100);
    test_one_thread();
    test_half_done();
    test_half_done_first();
    test_made_new();
    test_threads();
    return 0;
}
