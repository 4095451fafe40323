// os/handback.h - a wait-free stack: any thread pushes, the holder of the bin's lock takes all.
//
// Over liburcu's wfstack (urcu/wfstack.h, header only). Synchronisation:
//                      | handback_push | handback_next
//   handback_push      | free          | free
//   handback_next      | free          | outside exclusion (the bin's lock)
// Guarantees  1. push is wait-free: one exchange, one store
//             2. what the pusher wrote before push is seen by who gets the node (release / acquire)
//             3. next never waits: a node whose pusher is between its two stores ends the walk; the
//                walk is resumed later from the same place (the field `walk` keeps it)
// A node must not be pushed again before handback_next returned it, and needs no initialisation.
#pragma once
#include "base/base.h"

struct handback_node {
    struct handback_node *next;  // written by the pusher; layout of cds_wfs_node
};

struct handback {
    struct handback_node *head;      // the stack itself; layout checked in handback.c
    struct handback_node *walk;      // taken but not yet returned; NULL = none. Under the lock
};

// Empty. Also in a forked child, where a push may have been cut in half: the owner then finds what
// was on the stack by its own marks.
void handback_init(struct handback *stack);
// True when the stack was empty before: the first news since the last take.
bool handback_push(struct handback *stack, struct handback_node *node);
// True when something waits to be taken (a hint, no exclusion needed).
bool handback_has_news(const struct handback *stack);
// The next returned node, or NULL when there is none (or its pusher is not done yet). Takes the
// whole stack when the last walk is finished. Order: newest first.
struct handback_node *handback_next(struct handback *stack);
