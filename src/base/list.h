// base/list.h - doubly linked intrusive list with the head as its own sentinel.
//
// A node is in one list at most. A node that is in none points to itself, so that list_remove is
// safe to repeat and list_is_linked tells. No exclusion of its own: the owner's lock covers it.
#pragma once
#include "base/base.h"

struct list {
    struct list *next;
    struct list *prev;
};

ALWAYS_INLINE void list_init(struct list *list) {
    list->next = list;
    list->prev = list;
}
ALWAYS_INLINE bool list_is_empty(const struct list *list) {
    return list->next == list;
}
ALWAYS_INLINE bool list_is_linked(const struct list *node) {
    return node->next != node;
}
ALWAYS_INLINE void list_insert_after(struct list *place, struct list *node) {
    node->next = place->next;
    node->prev = place;
    place->next->prev = node;
    place->next = node;
}
ALWAYS_INLINE void list_append(struct list *list, struct list *node) {
    list_insert_after(list->prev, node);
}
ALWAYS_INLINE void list_remove(struct list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}
// The oldest appended node, or NULL.
ALWAYS_INLINE struct list *list_first(const struct list *list) {
    return list_is_empty(list) ? NULL : list->next;
}
// Every link points back; returns the number of nodes. For checkers.
static inline size_t list_check(const struct list *list) {
    size_t count = 0;
    for (const struct list *node = list->next; node != list; node = node->next, count++)
        if (node->next->prev != node || node->prev->next != node)
            __builtin_trap();
    return count;
}
