// unit/base/test_tree.c - the treap beside a sorted array under random operations, and its depth.
#include "base/tree.h"
#include "tests/support/test.h"

enum { NODES = 400, STEPS = 60000 };

static struct tree       tree;
static struct tree_node  nodes[NODES];
static bool              is_in[NODES];
static struct tree_node *sorted[NODES];  // the nodes in the tree, by key
static size_t            sorted_count;

static bool below(const struct tree_node *node, uint64_t major, uint64_t minor) {
    return node->major < major || (node->major == major && node->minor < minor);
}

// Index of the first node whose key is not below the given one.
static size_t model_place(uint64_t major, uint64_t minor) {
    size_t i = 0;
    while (i < sorted_count && below(sorted[i], major, minor))
        i++;
    return i;
}

static struct tree_node *model_at(size_t i) {
    return i < sorted_count ? sorted[i] : NULL;
}

static void insert(struct tree_node *node, uint64_t major) {
    node->major = major;
    size_t at = model_place(node->major, node->minor);
    memmove(&sorted[at + 1], &sorted[at], (sorted_count++ - at) * sizeof sorted[0]);
    sorted[at] = node;
    tree_insert(&tree, node);
}

static void remove_node(struct tree_node *node) {
    size_t at = model_place(node->major, node->minor);
    memmove(&sorted[at], &sorted[at + 1], (--sorted_count - at) * sizeof sorted[0]);
    tree_remove(&tree, node);
    CHECK(!node->left && !node->right);
}

static void check_queries(uint64_t major, uint64_t minor) {
    size_t at = model_place(major, minor);
    CHECK(tree_at_least(&tree, major, minor) == model_at(at));
    if (at < sorted_count && sorted[at]->major == major && sorted[at]->minor == minor)
        at++;
    CHECK(tree_after(&tree, major, minor) == model_at(at));
    CHECK(tree_first(&tree) == model_at(0));
    CHECK(tree_last(&tree) == (sorted_count ? sorted[sorted_count - 1] : NULL));
    CHECK_EQ(tree_is_empty(&tree), sorted_count == 0);
}

static void test_random_steps(void) {
    uint64_t seed = 11;
    for (size_t i = 0; i < NODES; i++)
        nodes[i].minor = 0x7f0000000000 + i * GRANULE;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t   i = test_random(&seed) % NODES;
        uint64_t major = test_random(&seed) % 16;  // few, so that minor decides often
        if (is_in[i])
            remove_node(&nodes[i]);
        else
            insert(&nodes[i], major);
        is_in[i] = !is_in[i];
        check_queries(major, nodes[test_random(&seed) % NODES].minor + test_random(&seed) % 2);
        if (step % 100 == 0)
            CHECK_EQ(tree_check(&tree), sorted_count);
    }
    while (sorted_count)
        remove_node(sorted[test_random(&seed) % sorted_count]);
    CHECK(tree_is_empty(&tree));
}

static unsigned depth_of(const struct tree_node *wanted) {
    unsigned depth = 0;
    for (const struct tree_node *node = tree.root; node != wanted; depth++)
        node = below(wanted, node->major, node->minor) ? node->left : node->right;
    return depth;
}

// Ascending addresses of one length: the worst order for a plain tree, and the usual one here.
static void test_depth(void) {
    enum { MANY = 65536 };
    static struct tree_node many[MANY];
    uint64_t                sum = 0;
    for (size_t i = 0; i < MANY; i++) {
        many[i].major = 1;
        many[i].minor = 0x7f0000000000 + i * GRANULE;
        tree_insert(&tree, &many[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        unsigned depth = depth_of(&many[i]);
        CHECK_LE(depth, 64);  // 4 times log2
        sum += depth;
    }
    CHECK_LE(sum / MANY, 28);  // expected: 1.39 log2 = 22
    CHECK_EQ(tree_check(&tree), MANY);
}

int main(void) {
    test_watchdog(100);
    test_random_steps();
    test_depth();
    return 0;
}
