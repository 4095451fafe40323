// base/tree.c - the treap behind tree.h.
//
// Insert walks down to the first node of lower priority and splits that subtree by the new key;
// remove replaces the node by the merge of its subtrees. Both rewrite one pointer per step.
#include "base/tree.h"

ALWAYS_INLINE uint64_t priority(const struct tree_node *node) {
    return bits_mix(node->minor);
}
ALWAYS_INLINE bool key_below(uint64_t a_major, uint64_t a_minor, uint64_t b_major,
                             uint64_t b_minor) {
    return a_major < b_major || (a_major == b_major && a_minor < b_minor);
}
ALWAYS_INLINE bool node_below(const struct tree_node *node, uint64_t major, uint64_t minor) {
    return key_below(node->major, node->minor, major, minor);
}

// Hangs all nodes of `root` below the key of `pivot` on pivot->left and the others on pivot->right.
static void split(struct tree_node *root, struct tree_node *pivot) {
    struct tree_node **low = &pivot->left, **high = &pivot->right;
    while (root) {
        if (node_below(root, pivot->major, pivot->minor)) {
            *low = root;
            low = &root->right;
            root = root->right;
        } else {
            *high = root;
            high = &root->left;
            root = root->left;
        }
    }
    *low = NULL;
    *high = NULL;
}

static struct tree_node *merge(struct tree_node *low, struct tree_node *high) {
    struct tree_node *root, **place = &root;
    while (low && high) {
        if (priority(low) >= priority(high)) {
            *place = low;
            place = &low->right;
            low = low->right;
        } else {
            *place = high;
            place = &high->left;
            high = high->left;
        }
    }
    *place = low ? low : high;
    return root;
}

void tree_insert(struct tree *tree, struct tree_node *node) {
    struct tree_node **place = &tree->root;
    uint64_t           mine = priority(node);
    while (*place && priority(*place) >= mine)
        place = node_below(*place, node->major, node->minor) ? &(*place)->right : &(*place)->left;
    split(*place, node);
    *place = node;
}

void tree_remove(struct tree *tree, struct tree_node *node) {
    struct tree_node **place = &tree->root;
    while (*place != node) {
        ASSERT(*place);
        place = node_below(*place, node->major, node->minor) ? &(*place)->right : &(*place)->left;
    }
    *place = merge(node->left, node->right);
    node->left = NULL;
    node->right = NULL;
}

struct tree_node *tree_first(const struct tree *tree) {
    struct tree_node *node = tree->root;
    while (node && node->left)
        node = node->left;
    return node;
}

struct tree_node *tree_last(const struct tree *tree) {
    struct tree_node *node = tree->root;
    while (node && node->right)
        node = node->right;
    return node;
}

struct tree_node *tree_at_least(const struct tree *tree, uint64_t major, uint64_t minor) {
    struct tree_node *best = NULL, *node = tree->root;
    while (node) {
        if (node_below(node, major, minor)) {
            node = node->right;
        } else {
            best = node;
            node = node->left;
        }
    }
    return best;
}

struct tree_node *tree_after(const struct tree *tree, uint64_t major, uint64_t minor) {
    struct tree_node *best = NULL, *node = tree->root;
    while (node) {
        if (key_below(major, minor, node->major, node->minor)) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

static size_t check_children(const struct tree_node *node) {
    if ((node->left && priority(node->left) > priority(node)) ||
        (node->right && priority(node->right) > priority(node)))
        __builtin_trap();
    return 1;
}

size_t tree_check(const struct tree *tree) {
    size_t                  count = 0;
    const struct tree_node *node = tree_first(tree);
    while (node) {
        const struct tree_node *next = tree_after(tree, node->major, node->minor);
        count += check_children(node);
        if (next && !node_below(node, next->major, next->minor))
            __builtin_trap();
        node = next;
    }
    return count;
}
