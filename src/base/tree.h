// base/tree.h - ordered set of nodes with a two-part key: a treap, intrusive, no allocation.
//
// Nodes are ordered by `major`, then by `minor`; the pair must be unique in a tree. The priority of
// a node is a hash of `minor` (an address in all our uses), so the shape depends on the set alone,
// never on the order of insertion, and the expected depth is logarithmic. No recursion: the stack
// stays small. Outside exclusion is the caller's.
//
// Users: the page heap (length, address) and the bins (how full, address).
#pragma once
#include "base/bits.h"

struct tree_node {
    struct tree_node *left;
    struct tree_node *right;
    uint64_t          major;  // constant while the node is in a tree
    uint64_t          minor;  // constant while the node is in a tree
};

struct tree {
    struct tree_node *root;  // NULL = empty
};

ALWAYS_INLINE bool tree_is_empty(const struct tree *tree) {
    return tree->root == NULL;
}

void tree_insert(struct tree *tree, struct tree_node *node);
// `node` must be in the tree.
void tree_remove(struct tree *tree, struct tree_node *node);
// The lowest node, or NULL.
struct tree_node *tree_first(const struct tree *tree);
// The highest node, or NULL.
struct tree_node *tree_last(const struct tree *tree);
// The lowest node whose key is not below (major, minor), or NULL.
struct tree_node *tree_at_least(const struct tree *tree, uint64_t major, uint64_t minor);
// The next higher node after a key that need not be in the tree, or NULL.
struct tree_node *tree_after(const struct tree *tree, uint64_t major, uint64_t minor);
// Traps unless keys are in order and priorities form a heap; returns the number of nodes.
size_t tree_check(const struct tree *tree);
