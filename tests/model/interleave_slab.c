// tests/model/interleave_slab.c - every interleaving of the slab's return protocol (heap/slab.h).
//
// The protocol as a small machine: two or three returning threads, one merger that works as long as
// there is news, slots that are handed out again. A search visits every state that any order of the
// atomic steps leads to (sequentially consistent; the fences are the headers' matter) and proves
//   early   no slab is released while somebody is between his first and his last step with it
//   twice   no slab is pushed on the stack on which it stands already
//   lost    no returned bit stays where nobody will look for it
//   left    no slab stays behind idle and unannounced when all is quiet
// Each word of the bitmaps holds one slot here, so that setting and merging take several steps; a
// push is two steps, as on liburcu's stack. Then the same for protocols with one piece broken each:
// the search has to find what is wrong with them, or it would not find it in ours.
#include <stdlib.h>

#include "tests/support/test.h"

enum { RETURNERS = 3, SLOTS = 4, PROGRAM_MAX = 7, VISITED_BITS = 22, PATH_MAX_STEPS = 400 };

// Steps of a returning thread.
enum op {
    END,
    ENTER,     // R1: users + 1
    SET,       // R2: one word; repeated until all of his slots are set
    FINISH,    // R3: users - 1 and announced = 1, in one; who found it 0 pushes
    ANNOUNCE,  // half of R3
    LEAVE,     // the other half
    PUSH,      // the exchange of the stack's head; skipped by who does not push
    LINK,      // the store that makes the node reachable
};
enum idle_test { USERS = 1, ANNOUNCED = 2 };
enum violation { NOTHING, EARLY, TWICE, LOST, LEFT, VIOLATIONS };
static const char *const violation_name[] = {"nothing", "early", "twice", "lost", "left"};

struct protocol {
    const char *name;
    uint8_t     program[PROGRAM_MAX];
    bool        merges_before_clearing;  // M3, M2 instead of M2, M3
    uint8_t     idle_test;               // what M4 looks at
    unsigned    expected;                // set of violations of which one must be found; 0: none
};

static const struct protocol protocols[] = {
    {"ours", {ENTER, SET, FINISH, PUSH, LINK}, false, USERS | ANNOUNCED, 0},
    {"nobody counts who is in", {SET, ANNOUNCE, PUSH, LINK}, false, ANNOUNCED, 1 << EARLY},
    {"he enters late", {SET, ENTER, FINISH, PUSH, LINK}, false, USERS | ANNOUNCED, 1 << EARLY},
    {"he announces before he sets",
     {ENTER, ANNOUNCE, PUSH, LINK, SET, LEAVE},
     false,
     USERS | ANNOUNCED,
     1 << LOST},
    {"he leaves before he announces",
     {ENTER, SET, LEAVE, ANNOUNCE, PUSH, LINK},
     false,
     USERS | ANNOUNCED,
     1 << EARLY},
    {"he announces before he leaves",
     {ENTER, SET, ANNOUNCE, LEAVE, PUSH, LINK},
     false,
     USERS | ANNOUNCED,
     1 << LEFT},
    {"words are taken before the mark",
     {ENTER, SET, FINISH, PUSH, LINK},
     true,
     USERS | ANNOUNCED,
     1 << LOST},
    {"a push under way is not waited for",
     {ENTER, SET, FINISH, PUSH, LINK},
     false,
     USERS,
     1 << EARLY},
};

struct scenario {
    unsigned slots;
    uint8_t  share[RETURNERS];  // slots of each returner; 0: he is not there
    uint8_t  own;               // slots that the merger gives back himself, under the lock
    uint8_t  rounds;            // how often each returner's slots are handed out again
};

static const struct scenario scenarios[] = {
    {2, {1, 2, 0}, 0, 3}, {3, {1, 2, 4}, 0, 1}, {3, {1, 2, 0}, 4, 2},
    {3, {3, 4, 0}, 0, 2}, {4, {1, 2, 4}, 8, 1},
};

enum merger_step { AT_REST, CLEAR, MERGE, CHECK_IDLE };
enum stacked { OFF, HALF, ON };

struct state {
    uint8_t free, returned, users, announced, stacked, gone;
    uint8_t merger, word, own;
    uint8_t pc[RETURNERS], left[RETURNERS], rounds[RETURNERS];
    uint8_t pushes;  // bit i: returner i has to push
    uint8_t found;   // enum violation
    uint8_t used;    // 1: the place in the table is taken
};

static const struct protocol *protocol;
static const struct scenario *scenario;

static uint8_t all_slots(void) {
    return (uint8_t)((1u << scenario->slots) - 1);
}

// --- one step of a returner ---------------------------------------------------------------------

static uint8_t op_of(const struct state *state, unsigned i) {
    return protocol->program[state->pc[i]];
}

static bool returner_is_amid(const struct state *state, unsigned i) {
    return state->pc[i] > 0 && op_of(state, i) != END;
}

static void announce(struct state *state, unsigned i) {
    if (!state->announced)
        state->pushes |= (uint8_t)(1u << i);
    state->announced = 1;
}

static void push(struct state *state) {
    if (state->stacked != OFF)
        state->found = TWICE;
    if (state->gone)
        state->found = EARLY;
    state->stacked = HALF;
}

// The steps of who does not push are over when he comes to them.
static void skip_pushes(struct state *state, unsigned i) {
    while (!(state->pushes >> i & 1) && (op_of(state, i) == PUSH || op_of(state, i) == LINK))
        state->pc[i]++;
}

static bool step_returner(struct state *state, unsigned i) {
    switch (op_of(state, i)) {
    case END:
        return false;
    case ENTER:
        state->users++;
        break;
    case SET:
        state->returned |= state->left[i] & (uint8_t)-state->left[i];
        state->left[i] &= (uint8_t)(state->left[i] - 1);
        if (state->left[i])
            return true;
        break;
    case FINISH:
        state->users--;
        announce(state, i);
        break;
    case ANNOUNCE:
        announce(state, i);
        break;
    case LEAVE:
        state->users--;
        break;
    case PUSH:
        push(state);
        break;
    case LINK:
        state->stacked = ON;
        state->pushes &= (uint8_t) ~(1u << i);
        break;
    }
    state->pc[i]++;
    skip_pushes(state, i);
    return true;
}

// --- one step of the merger ---------------------------------------------------------------------

static void check_idle(struct state *state) {
    bool busy = ((protocol->idle_test & USERS) && state->users) ||
                ((protocol->idle_test & ANNOUNCED) && state->announced);
    state->merger = AT_REST;
    if (state->free != all_slots() || busy)
        return;
    state->gone = 1;
    for (unsigned i = 0; i < RETURNERS; i++)
        if (scenario->share[i] && returner_is_amid(state, i))
            state->found = EARLY;
    if (state->stacked != OFF)
        state->found = EARLY;
}

static void merge_word(struct state *state) {
    uint8_t came = state->returned & (uint8_t)(1u << state->word);
    state->free |= came;
    state->returned &= (uint8_t)~came;
    if (++state->word == scenario->slots)
        state->merger = protocol->merges_before_clearing ? CLEAR : CHECK_IDLE;
}

static bool step_merger(struct state *state) {
    switch (state->merger) {
    case AT_REST:
        if (state->stacked != ON)
            return false;
        state->stacked = OFF;
        state->word = 0;
        state->merger = protocol->merges_before_clearing ? MERGE : CLEAR;
        return true;
    case CLEAR:
        state->announced = 0;
        state->merger = protocol->merges_before_clearing ? CHECK_IDLE : MERGE;
        return true;
    case MERGE:
        merge_word(state);
        return true;
    default:
        check_idle(state);
        return true;
    }
}

// The merger hands the slots of a returner out again.
static bool hand_out(struct state *state, unsigned i) {
    uint8_t share = scenario->share[i];
    if (state->merger != AT_REST || state->gone || !share || op_of(state, i) != END ||
        state->rounds[i] == 0 || (state->free & share) != share)
        return false;
    state->free &= (uint8_t)~share;
    state->left[i] = share;
    state->pc[i] = 0;
    state->rounds[i]--;
    return true;
}

// The merger gives a slot back that he took himself; whether the slab is idle comes next.
static bool give_own(struct state *state) {
    if (state->merger != AT_REST || state->gone || !state->own)
        return false;
    state->free |= state->own;
    state->own = 0;
    state->merger = CHECK_IDLE;
    return true;
}

// --- the search ---------------------------------------------------------------------------------

enum { ACTIONS = 2 * RETURNERS + 2 };

static bool act(struct state *state, unsigned action) {
    if (action < RETURNERS)
        return scenario->share[action] && step_returner(state, action);
    if (action < 2 * RETURNERS)
        return hand_out(state, action - RETURNERS);
    return action == 2 * RETURNERS ? step_merger(state) : give_own(state);
}

// When nobody is amid anything and no news waits, the slab must have gone.
static void check_quiet(struct state *state) {
    if (state->found || state->gone || state->own || state->merger != AT_REST ||
        state->stacked != OFF)
        return;
    for (unsigned i = 0; i < RETURNERS; i++)
        if (scenario->share[i] && op_of(state, i) != END)
            return;
    state->found = state->free == all_slots() ? LEFT : LOST;
}

static struct state *visited;
static unsigned      visited_count;

static bool is_new(const struct state *state) {
    uint64_t             hash = 14695981039346656037ull;
    const unsigned char *bytes = (const unsigned char *)state;
    for (unsigned i = 0; i < sizeof *state; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ull;
    for (unsigned at = (unsigned)(hash >> 40);; at++) {
        struct state *place = &visited[at & ((1u << VISITED_BITS) - 1)];
        if (place->used && memcmp(place, state, sizeof *state) != 0)
            continue;
        if (place->used)
            return false;
        *place = *state;
        CHECK(++visited_count < (1u << VISITED_BITS) / 2);
        return true;
    }
}

static struct path_step {
    struct state state;
    unsigned     action;  // the next to be tried; the one before led to the next step
} path[PATH_MAX_STEPS];

static void print_path(unsigned length) {
    static const char *const merger_names[] = {"merger", "merger gives his own"};
    for (unsigned i = 0; i < length; i++) {
        unsigned            action = path[i].action - 1;
        const struct state *state = &path[i + 1].state;
        char                text[200], who[40];
        snprintf(who, sizeof who, "returner %u", action);
        if (action >= RETURNERS)
            snprintf(who, sizeof who, "slots to returner %u", action - RETURNERS);
        snprintf(text, sizeof text, "%-22s free %x returned %x users %u announced %u stack %u%s\n",
                 action >= 2 * RETURNERS ? merger_names[action - 2 * RETURNERS] : who, state->free,
                 state->returned, state->users, state->announced, state->stacked,
                 state->gone ? " gone" : "");
        test_say(text);
    }
}

static struct state start_state(void) {
    struct state state;
    memset(&state, 0, sizeof state);
    state.used = 1;
    state.own = scenario->own;
    for (unsigned i = 0; i < RETURNERS; i++) {
        state.left[i] = scenario->share[i];
        state.rounds[i] = scenario->share[i] ? scenario->rounds : 0;
    }
    return state;
}

// Depth first through every state; the violations found, as a set.
static unsigned search(bool explain) {
    unsigned depth = 0, found = 0;
    memset(visited, 0, sizeof *visited << VISITED_BITS);
    visited_count = 0;
    path[0].state = start_state();
    path[0].action = 0;
    is_new(&path[0].state);
    for (;;) {
        struct path_step *top = &path[depth];
        if (top->action == ACTIONS) {
            if (depth == 0)
                return found;
            depth--;
            continue;
        }
        struct state next = top->state;
        if (!act(&next, top->action++))
            continue;
        check_quiet(&next);
        CHECK(depth + 1 < PATH_MAX_STEPS);
        path[depth + 1].state = next;
        if (next.found) {
            found |= 1u << next.found;
            if (explain)
                print_path(depth + 1);
            if (explain)
                return found;
        } else if (is_new(&next)) {
            path[++depth].action = 0;
        }
    }
}

static void say_result(unsigned found, unsigned states) {
    char text[200];
    snprintf(text, sizeof text, "%s: %u states;", protocol->name, states);
    test_say(text);
    for (unsigned v = 1; v < VIOLATIONS; v++)
        if (found >> v & 1) {
            test_say(" ");
            test_say(violation_name[v]);
        }
    test_say(found ? "\n" : " no violation\n");
}

static void check_protocol(void) {
    unsigned found = 0, states = 0;
    for (unsigned i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        scenario = &scenarios[i];
        found |= search(protocol->expected == 0);
        states += visited_count;
    }
    say_result(found, states);
    CHECK(states > 5000);
    CHECK_EQ(protocol->expected == 0, found == 0);
    CHECK_EQ(found & protocol->expected, protocol->expected);
}

int main(void) {
    test_watchdog(100);
    visited = calloc((size_t)1 << VISITED_BITS, sizeof *visited);
    CHECK(visited != NULL);
    for (unsigned i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        protocol = &protocols[i];
        check_protocol();
    }
    return 0;
}
