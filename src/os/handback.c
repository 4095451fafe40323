// os/handback.c - the hand-back stack over liburcu's wfstack.
//
// liburcu brings the algorithm: its inline functions are compiled in, no library is linked. What a
// primitive of it means is decided here, by the compiler's atomics in place of its own assembly and
// volatile accesses: the order is then that of the C memory model, on every processor, and race
// detectors see it.
//   exchange of the head  acq_rel   a push's release pairs with the taker's acquire. Exchanges in a
//                                   row are one release sequence: he sees what each pusher wrote
//   store of node->next   release   pairs with the load below, so the taker may reuse the node
//   loads                 acquire
// The head holds the end mark (1), or the newest node; a node whose `next` is still NULL is being
// pushed; the end mark in `next` means the oldest.
#ifndef NDEBUG
#define NDEBUG  // liburcu's assertions print through stdio; ours trap
#endif
#include <urcu/system.h>
#include <urcu/uatomic.h>

#undef _CMM_LOAD_SHARED
#define _CMM_LOAD_SHARED(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#undef CMM_LOAD_SHARED
#define CMM_LOAD_SHARED(place) _CMM_LOAD_SHARED(place)
#undef CMM_STORE_SHARED
#define CMM_STORE_SHARED(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELEASE)
#undef uatomic_xchg
#define uatomic_xchg(place, value) __atomic_exchange_n(place, value, __ATOMIC_ACQ_REL)

#include <urcu/wfstack.h>

#include "os/handback.h"

_Static_assert(sizeof(struct handback_node) == sizeof(struct cds_wfs_node) &&
                   offsetof(struct handback_node, next) == offsetof(struct cds_wfs_node, next),
               "struct handback_node is liburcu's node");
_Static_assert(offsetof(struct handback, head) == offsetof(struct __cds_wfs_stack, head),
               "struct handback starts with liburcu's stack");

// All accesses to head and next in this file go through liburcu's types.
static struct __cds_wfs_stack *stack_of(const struct handback *stack) {
    return (struct __cds_wfs_stack *)(uintptr_t)stack;
}
static struct cds_wfs_node *node_of(struct handback_node *node) {
    return (struct cds_wfs_node *)node;
}

void handback_init(struct handback *stack) {
    __cds_wfs_init(stack_of(stack));
    stack->walk = NULL;
}

bool handback_push(struct handback *stack, struct handback_node *node) {
    // Plain store, ordered before the exchange that shows the node to anybody.
    cds_wfs_node_init(node_of(node));
    return cds_wfs_push(stack_of(stack), node_of(node)) == 0;
}

bool handback_has_news(const struct handback *stack) {
    return !cds_wfs_empty(stack_of(stack)) || PEEK(&stack->walk) != NULL;
}

struct handback_node *handback_next(struct handback *stack) {
    struct cds_wfs_node *node = node_of(stack->walk);
    if (!node)
        node = (struct cds_wfs_node *)__cds_wfs_pop_all(stack_of(stack));  // its first member
    if (!node)
        return NULL;
    // The node may be pushed again once it is returned, so its successor is read first.
    struct cds_wfs_node *next = cds_wfs_next_nonblocking(node);
    bool                 half_done = next == CDS_WFS_WOULDBLOCK;
    POKE(&stack->walk, (struct handback_node *)(half_done ? node : next));
    return half_done ? NULL : (struct handback_node *)node;
}
