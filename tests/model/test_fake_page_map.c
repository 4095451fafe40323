// tests/model/test_fake_page_map.c - random ranges all over the address space beside arrays.
#include "page/page_map.h"

#include "tests/model/model.h"

enum { WINDOWS = 24, GRANULES = 96, STEPS = 150000 };

// Windows never overlap: each has its own pair of leaves.
struct window {
    uintptr_t    base;
    bool         prepared[GRANULES];
    class_id     class_of[GRANULES];
    struct span *span_of[GRANULES];
};
static struct window windows[WINDOWS];
static bool          used[1 << 10];  // places of windows that were taken once

// The edges first, then anywhere, each around the border of two leaves.
static uintptr_t place(unsigned number) {
    static const uintptr_t edges[] = {(uintptr_t)1 << 32, (uintptr_t)1 << 48, (uintptr_t)3 << 48,
                                      (uintptr_t)255 << 49};
    if (number < ARRAY_COUNT(edges))
        return edges[number];
    uintptr_t high = number % 3 ? 0 : (uintptr_t)(number % 500) << 48;
    return high + ((uintptr_t)(2 * number + 2) << PAGE_LEAF_SHIFT);
}

static void new_window(struct window *window) {
    unsigned number = model_below(ARRAY_COUNT(used));
    if (used[number])
        return;
    used[number] = true;
    memset(window, 0, sizeof *window);
    window->base = place(number) - GRANULES / 2 * GRANULE;
}

static uintptr_t at(const struct window *window, size_t i) {
    return window->base + i * GRANULE;
}

static void prepare(struct window *window, size_t first, size_t count) {
    bool was_prepared = true;
    for (size_t i = first; i < first + count; i++)
        was_prepared = was_prepared && window->prepared[i];
    bool done = page_map_prepare(at(window, first), count);
    CHECK(done || (model_fails && !was_prepared));
    for (size_t i = first; done && i < first + count; i++)
        window->prepared[i] = true;
}

static void set(struct window *window, size_t first, size_t count) {
    class_id id = (class_id)model_below(CLASS_COUNT);
    for (size_t i = first; i < first + count; i++)
        if (!window->prepared[i])
            return;
    page_map_set_class(at(window, first), count, id);
    for (size_t i = first; i < first + count; i++)
        window->class_of[i] = id;
    struct span *span = (struct span *)(uintptr_t)(16 * (1 + model_below(1000)));
    page_map_set_span(at(window, first), span);
    window->span_of[first] = span;
}

static void check(const struct window *window, size_t i) {
    uintptr_t address = at(window, i) + model_below(GRANULE);
    CHECK_EQ(page_map_class(address), window->class_of[i]);
    CHECK(page_map_span(address) == window->span_of[i]);
}

static void body(void) {
    for (unsigned i = 0; i < WINDOWS; i++)
        while (windows[i].base == 0)
            new_window(&windows[i]);
    for (unsigned step = 0; step < STEPS; step++) {
        struct window *window = &windows[model_below(WINDOWS)];
        size_t         first = model_below(GRANULES);
        size_t         count = 1 + model_below((uint32_t)(GRANULES - first));
        uint32_t       kind = model_below(1000);
        model_weather();
        if (kind < 2)
            new_window(window);
        else if (kind < 100)
            prepare(window, first, count);
        else if (kind < 300)
            set(window, first, count);
        else
            check(window, first);
    }
    for (unsigned i = 0; i < WINDOWS; i++)
        for (size_t k = 0; k < GRANULES; k++)
            check(&windows[i], k);
    CHECK(page_map_leaves() > WINDOWS);
}

int main(int argc, char **argv) {
    return model_main(argc, argv, body);
}
