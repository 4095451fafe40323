// bench/workloads/trees.c - trees of small nodes and strings, growing and shrinking.
#include "workloads/pool.h"

enum { FOREST = 128, TREE_MOST = 1024, TREE_LEAST = 128, PART_MOST = 64 };
enum { NODE_MOST = 64, NODE_GRAIN = 8 };
enum { STRINGS = 4096, EDITS = 32, STRING_LEAST = 16, STRING_MOST = 512, PIECE_MOST = 48 };

// A node has 24 to 64 bytes; its tag, its own address exclusive-or its size, is checked when it is
// freed.
struct node {
    struct node *child[2];
    uintptr_t    tag;
};

struct tree {
    struct node *root;
    size_t       nodes;
    bool         shrinks;
};

struct forest {
    size_t      each, count;
    struct tree trees[] __attribute__((aligned(64)));
};

static struct node *node_new(struct bench_thread *thread) {
    size_t       grains = (NODE_MOST - sizeof(struct node)) / NODE_GRAIN + 1;
    size_t       bytes = sizeof(struct node) + random_below(thread, grains) * NODE_GRAIN;
    struct node *node = malloc(bytes);
    workload_check(node != NULL, "out of memory");
    node->child[0] = node->child[1] = NULL;
    node->tag = (uintptr_t)node ^ bytes;
    if (bytes == NODE_MOST)
        word_write(node, NODE_MOST - 8, bytes);
    return node;
}

// A subtree of `nodes` nodes; each side of a node gets a quarter of the rest at least.
static struct node *subtree_new(struct bench_thread *thread, size_t nodes) {
    if (nodes == 0)
        return NULL;
    struct node *node = node_new(thread);
    size_t       rest = nodes - 1, quarter = rest / 4;
    size_t       left = quarter + random_below(thread, rest - 2 * quarter + 1);
    node->child[0] = subtree_new(thread, left);
    node->child[1] = subtree_new(thread, rest - left);
    return node;
}

static size_t subtree_free(struct node *node) {
    if (!node)
        return 0;
    size_t freed = subtree_free(node->child[0]) + subtree_free(node->child[1]) + 1;
    size_t bytes = node->tag ^ (uintptr_t)node;
    workload_check(bytes >= sizeof(struct node) && bytes <= NODE_MOST, "a live node has changed");
    free(node);
    return freed;
}

// Grafts a part where a random way down ends.
static size_t tree_grow(struct tree *tree, struct bench_thread *thread) {
    size_t        nodes = 1 + random_below(thread, PART_MOST);
    struct node **link = &tree->root;
    for (uint64_t way = random_next(thread); *link; way = way << 1 | way >> 63)
        link = &(*link)->child[way >> 63];
    *link = subtree_new(thread, nodes);
    tree->nodes += nodes;
    return nodes;
}

// Cuts off what hangs below a random way of a few nodes; at the root the whole tree goes.
static void tree_shrink(struct tree *tree, struct bench_thread *thread) {
    struct node **link = &tree->root;
    uint64_t      way = random_next(thread);
    for (unsigned steps = way & 7; steps > 0 && *link; steps--, way >>= 1)
        link = &(*link)->child[way >> 8 & 1];
    tree->nodes -= subtree_free(*link);
    *link = NULL;
}

static void *setup_forest(unsigned threads) {
    size_t         each = (FOREST / threads + 7) & ~(size_t)7;  // trees of whole cache lines
    size_t         bytes = sizeof(struct forest) + threads * each * sizeof(struct tree);
    struct forest *forest = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    workload_check(forest != NULL, "no memory for the bookkeeping");
    memset(forest, 0, bytes);
    forest->each = each;
    forest->count = each * threads;
    return forest;
}

static uint64_t step_tree(void *state, struct bench_thread *thread) {
    struct forest *forest = state;
    struct tree   *tree =
        forest->trees + forest->each * thread->rank + random_below(thread, forest->each);
    if (tree->nodes < TREE_LEAST)
        tree->shrinks = false;
    else if (tree->nodes > TREE_MOST)
        tree->shrinks = true;
    if (!tree->shrinks)
        return tree_grow(tree, thread);
    tree_shrink(tree, thread);
    return 0;
}

static void teardown_forest(void *state) {
    struct forest *forest = state;
    for (size_t i = 0; i < forest->count; i++)
        subtree_free(forest->trees[i].root);
    free(forest);
}

static void *setup_strings(unsigned threads) {
    return pool_new(threads, STRINGS);
}

static inline char string_letter(const struct slot *slot) {
    return (char)('a' + ((uintptr_t)slot / sizeof *slot) % 26);
}

// realloc() to the exact length, as simple string types do; the new part is written.
static inline void string_resize(struct slot *slot, size_t bytes) {
    char  *text = realloc(slot->block, bytes);
    size_t kept = bytes < slot->bytes ? bytes : slot->bytes;
    workload_check(text != NULL, "out of memory");
    workload_check(!kept || (text[0] == string_letter(slot) && text[kept - 1] == text[0]),
                   "realloc lost a part of a string");
    memset(text + kept, string_letter(slot), bytes - kept);
    slot->block = text;
    slot->bytes = bytes;
}

static inline void string_free(struct slot *slot) {
    char *text = slot->block;
    workload_check(!text || text[slot->bytes - 1] == string_letter(slot),
                   "a live string has changed");
    free(text);
    slot->block = NULL;
    slot->bytes = 0;
}

// Three edits of four append a piece; the fourth cuts. A string that is too long gives way to a new
// one.
static uint64_t step_strings(void *state, struct bench_thread *thread) {
    struct pool *pool = state;
    for (unsigned edit = 0; edit < EDITS; edit++) {
        struct slot *slot = pool_part(pool, thread) + random_below(thread, pool->each);
        uint64_t     random = random_next(thread);
        size_t       piece = 1 + (random >> 40) % PIECE_MOST;
        if (slot->bytes + piece > STRING_MOST)
            string_free(slot);
        if (slot->bytes < STRING_LEAST || (random >> 32 & 3) != 0)
            string_resize(slot, slot->bytes + piece + (slot->bytes ? 0 : STRING_LEAST));
        else
            string_resize(slot, STRING_LEAST + (random >> 48) % (slot->bytes - STRING_LEAST + 1));
    }
    return EDITS;
}

static void teardown_strings(void *state) {
    struct pool *pool = state;
    for (size_t i = 0; i < pool->count; i++)
        string_free(&pool->slots[i]);
    free(pool);
}

const struct workload workload_tree_grow_shrink = {
    .name = "tree_grow_shrink",
    .family = "trees",
    .pattern = "Compilers and document trees: small nodes grafted on and cut off in subtrees",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 90000,
    .churn = 120 * MEGABYTE,
    .setup = setup_forest,
    .step = step_tree,
    .teardown = teardown_forest,
};

const struct workload workload_strings = {
    .name = "strings",
    .family = "trees",
    .pattern = "Text in scripts and editors: strings appended to and cut, each edit a realloc",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 160000,
    .churn = 780 * MEGABYTE,
    .setup = setup_strings,
    .step = step_strings,
    .teardown = teardown_strings,
};
