// unit/base/test_list.c - lists beside an array in the same order.
#include "base/list.h"
#include "tests/support/test.h"

enum { NODES = 50, STEPS = 50000 };

static struct list  head, nodes[NODES];
static struct list *model[NODES];  // the same order as the list
static size_t       model_count;

static size_t model_find(const struct list *node) {
    size_t i = 0;
    while (i < model_count && model[i] != node)
        i++;
    return i;
}

static void model_insert(size_t at, struct list *node) {
    memmove(&model[at + 1], &model[at], (model_count++ - at) * sizeof model[0]);
    model[at] = node;
}

static void model_remove(size_t at) {
    memmove(&model[at], &model[at + 1], (--model_count - at) * sizeof model[0]);
}

static void check_same(void) {
    struct list *node = head.next;
    CHECK_EQ(list_check(&head), model_count);
    for (size_t i = 0; i < model_count; i++, node = node->next)
        CHECK(node == model[i] && list_is_linked(node));
    CHECK(node == &head);
    CHECK_EQ(list_is_empty(&head), model_count == 0);
    CHECK(list_first(&head) == (model_count ? model[0] : NULL));
}

static void step(uint64_t *seed) {
    struct list *node = &nodes[test_random(seed) % NODES];
    size_t       at = model_find(node);
    if (at < model_count) {
        list_remove(node);
        CHECK(!list_is_linked(node));
        list_remove(node);  // safe to repeat
        model_remove(at);
    } else if (model_count && test_random(seed) % 2) {
        size_t place = test_random(seed) % model_count;
        list_insert_after(model[place], node);
        model_insert(place + 1, node);
    } else {
        list_append(&head, node);
        model_insert(model_count, node);
    }
}

int main(void) {
    uint64_t seed = 3;
    test_watchdog(60);
    list_init(&head);
    for (unsigned i = 0; i < NODES; i++)
        list_init(&nodes[i]);
    check_same();
    for (unsigned i = 0; i < STEPS; i++) {
        step(&seed);
        check_same();
    }
    while (list_first(&head))
        list_remove(list_first(&head));
    CHECK(list_is_empty(&head));
    return 0;
}
