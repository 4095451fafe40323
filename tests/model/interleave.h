// tests/model/interleave.h - visits every state that any order of a small machine's steps leads to.
//
// A machine is a state of bytes, steps that change it (each is one atomic step of one of its
// threads; sequentially consistent: the fences are the headers' matter), and a judgement of a
// state. A state that is wrong is not gone on from. The search is depth first.
#pragma once
#include <stdlib.h>

#include "tests/support/test.h"

enum { INTERLEAVE_BITS = 20, INTERLEAVE_DEPTH = 2000, INTERLEAVE_BYTES = 32 };

struct interleave_state {
    uint8_t byte[INTERLEAVE_BYTES];  // the first is not 0
};

struct interleave {
    // False: the step cannot be made now.
    bool (*act)(struct interleave_state *state, unsigned action);
    unsigned actions;
    // 0, or the number of what is wrong.
    unsigned (*judge)(const struct interleave_state *state);
};

static struct interleave_state *interleave_visited;
static unsigned                 interleave_count;
static unsigned                 interleave_enough;  // when all of this was found; 0: see all

static inline bool interleave_is_new(const struct interleave_state *state) {
    uint64_t hash = 14695981039346656037ull;
    for (unsigned i = 0; i < INTERLEAVE_BYTES; i++)
        hash = (hash ^ state->byte[i]) * 1099511628211ull;
    for (unsigned at = (unsigned)(hash >> 40);; at++) {
        struct interleave_state *place = &interleave_visited[at & ((1u << INTERLEAVE_BITS) - 1)];
        if (place->byte[0] == 0) {
            *place = *state;
            CHECK(++interleave_count < (1u << INTERLEAVE_BITS) / 2);
            return true;
        }
        if (memcmp(place, state, sizeof *state) == 0)
            return false;
    }
}

// What was found wrong, as a set of 1 << number; interleave_count states were seen.
static inline unsigned interleave_search(const struct interleave *machine,
                                         struct interleave_state  start) {
    static struct {
        struct interleave_state state;
        unsigned                action;  // the next to be tried
    } path[INTERLEAVE_DEPTH];
    unsigned depth = 0, found = 0;
    if (!interleave_visited)
        interleave_visited = calloc((size_t)1 << INTERLEAVE_BITS, sizeof *interleave_visited);
    CHECK(interleave_visited != NULL && start.byte[0] != 0);
    memset(interleave_visited, 0, sizeof *interleave_visited << INTERLEAVE_BITS);
    interleave_count = 0;
    path[0].state = start;
    path[0].action = 0;
    interleave_is_new(&start);
    for (;;) {
        if (path[depth].action == machine->actions) {
            if (depth-- == 0)
                return found;
            continue;
        }
        struct interleave_state next = path[depth].state;
        if (!machine->act(&next, path[depth].action++))
            continue;
        unsigned wrong = machine->judge(&next);
        found |= wrong ? 1u << wrong : 0;
        if (interleave_enough && (found & interleave_enough) == interleave_enough)
            return found;
        if (wrong || !interleave_is_new(&next))
            continue;
        CHECK(depth + 1 < INTERLEAVE_DEPTH);
        path[++depth].state = next;
        path[depth].action = 0;
    }
}

// Says and checks what a variant led to; `expected` 0: nothing wrong, else at least that.
static inline void interleave_report(const char *name, unsigned found, unsigned expected,
                                     const char *const *wrong_names) {
    char text[200];
    snprintf(text, sizeof text, "%s: %u states;", name, interleave_count);
    test_say(text);
    for (unsigned wrong = 1; found >> wrong; wrong++) {
        snprintf(text, sizeof text, " %s", wrong_names[wrong]);
        test_say(found >> wrong & 1 ? text : "");
    }
    test_say(found ? "\n" : " nothing wrong\n");
    CHECK_EQ(expected == 0, found == 0);
    CHECK_EQ(found & expected, expected);
}
