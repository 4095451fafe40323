// tests/model/interleave_page_map.c - every interleaving of publishing a granule (page/page_map.h).
//
// Two threads that take granules of the same leaf, which nobody made yet: each looks for the leaf,
// makes it under the lock, writes the class byte, lets the pointer out, and, when the block was
// freed, clears the byte and serves another class from the granule. A third frees what was let out,
// and looks at addresses that are nobody's at any time. What the search proves of ours:
//   garbage   nobody reads a leaf before it is zero
//   stranger  whoever has a pointer finds the class that it was let out with
//   stale     once a granule is being cut anew, its old class is not there any more
// Then the same with one piece broken each: the search has to find what is wrong.
#include "tests/model/interleave.h"

enum { MAKERS = 2, LEAVES = 2, LIVES = 2 };

enum piece {
    LOOK_AGAIN = 1,  // for the leaf, under the lock
    LOCK = 2,
    MAP_FIRST = 4,     // the leaf is zero before its pointer is stored
    CLASS_FIRST = 8,   // the byte is stored before the pointer gets out
    CLEAR_FIRST = 16,  // and cleared before the granule is cut anew
    ALL = 31,
};
static unsigned pieces;

enum wrong { NOTHING, GARBAGE, STRANGER, STALE };
static const char *const wrong_names[] = {"nothing", "garbage", "stranger", "stale"};

static const struct variant {
    const char *name;
    unsigned    missing, expected;
} variants[] = {
    {"ours", 0, 0},
    {"the leaf is not looked for again under the lock", LOOK_AGAIN, 1 << STRANGER},
    {"no lock", LOCK, 1 << STRANGER},
    {"the leaf is published before it is zero", MAP_FIRST, 1 << GARBAGE},
    {"the pointer gets out before the class", CLASS_FIRST, 1 << STRANGER},
    {"the class stays when the granule is cut anew", CLEAR_FIRST, 1 << STALE},
};

enum step {
    LOOK,
    TAKE_LOCK,
    LOOK_UNDER,
    MAP,
    PUBLISH,
    DROP_LOCK,
    SET,
    LET_OUT,
    WAIT,
    CLEAR,
    CUT,
    DONE
};
enum content { UNMAPPED = 0, NOBODYS = 1 };  // of a byte; a class is 2 and more

struct map {
    uint8_t used;                      // 1
    uint8_t leaf;                      // published: 0 or a number from 1
    uint8_t lock;                      // whose, from 1
    uint8_t bytes[LEAVES][MAKERS];     // the class bytes of each leaf
    uint8_t leaves;                    // made so far
    uint8_t at[MAKERS], mine[MAKERS];  // step; the leaf it is making
    uint8_t life[MAKERS];              // which class its granule is of: 2 + life
    uint8_t out[MAKERS];               // the class that the pointer outside was let out with, or 0
    uint8_t cut[MAKERS];               // it is being cut anew
    uint8_t reading[MAKERS];           // the freeing thread: the leaf it loaded, + 1
    uint8_t wrong;
};
_Static_assert(sizeof(struct map) <= INTERLEAVE_BYTES, "the state does not fit");

static bool has(enum piece piece) {
    return (pieces & piece) != 0;
}

static uint8_t *byte_of(struct map *m, unsigned i) {
    return &m->bytes[m->leaf - 1][i];
}

static bool take_lock(struct map *m, unsigned i) {
    if (has(LOCK) && m->lock)
        return false;
    m->lock = (uint8_t)(i + 1);
    m->at[i] = LOOK_UNDER;
    return true;
}

static void map_leaf(struct map *m, unsigned i) {
    memset(m->bytes[m->mine[i] - 1], NOBODYS, MAKERS);
}

// The two stores in the order of the protocol.
static void make(struct map *m, unsigned i, bool first) {
    if (first)
        m->mine[i] = ++m->leaves;
    if (first == has(MAP_FIRST))
        map_leaf(m, i);
    else
        m->leaf = m->mine[i];
    m->at[i]++;
}

static void class_or_out(struct map *m, unsigned i, bool first) {
    uint8_t id = (uint8_t)(2 + m->life[i]);
    if (first == has(CLASS_FIRST))
        *byte_of(m, i) = id;
    else
        m->out[i] = id;
    m->at[i]++;
}

static void clear_or_cut(struct map *m, unsigned i, bool first) {
    if (first == has(CLEAR_FIRST)) {
        *byte_of(m, i) = NOBODYS;
    } else {
        m->cut[i] = 1;
        if (*byte_of(m, i) != NOBODYS)
            m->wrong = STALE;
    }
    m->at[i]++;
    if (first)
        return;
    m->cut[i] = 0;
    m->life[i]++;
    m->at[i] = m->life[i] < LIVES ? SET : DONE;
}

static bool step_maker(struct map *m, unsigned i) {
    switch (m->at[i]) {
    case LOOK:
        m->at[i] = m->leaf ? SET : TAKE_LOCK;
        return true;
    case TAKE_LOCK:
        return take_lock(m, i);
    case LOOK_UNDER:
        m->at[i] = has(LOOK_AGAIN) && m->leaf ? DROP_LOCK : MAP;
        return true;
    case MAP:
    case PUBLISH:
        make(m, i, m->at[i] == MAP);
        return true;
    case DROP_LOCK:
        m->lock = 0;
        m->at[i] = SET;
        return true;
    case SET:
    case LET_OUT:
        class_or_out(m, i, m->at[i] == SET);
        return true;
    case WAIT:
        if (m->out[i])
            return false;
        m->at[i] = CLEAR;
        return true;
    case CLEAR:
    case CUT:
        clear_or_cut(m, i, m->at[i] == CLEAR);
        return true;
    default:
        return false;
    }
}

// The freeing thread: loads the leaf, then the byte. It may ask of what is nobody's.
static bool read_leaf(struct map *m, unsigned i) {
    if (m->reading[i])
        return false;
    m->reading[i] = (uint8_t)(m->leaf + 1);
    return true;
}

static bool read_byte(struct map *m, unsigned i, uint8_t had_out) {
    if (!m->reading[i])
        return false;
    unsigned leaf = m->reading[i] - 1;
    uint8_t  id = leaf ? m->bytes[leaf - 1][i] : NOBODYS;
    m->reading[i] = 0;
    if (id == UNMAPPED)
        m->wrong = GARBAGE;
    else if (had_out && id != had_out)
        m->wrong = STRANGER;
    if (had_out)
        m->out[i] = 0;
    return true;
}

// What has a pointer asks and frees in two steps; a look without one is over at once.
static bool free_or_look(struct map *m, unsigned i, bool has_pointer) {
    if (has_pointer && !m->out[i])
        return false;
    if (has_pointer)
        return read_leaf(m, i) || read_byte(m, i, m->out[i]);
    return !m->reading[i] && read_leaf(m, i) && read_byte(m, i, 0);
}

static bool act(struct interleave_state *state, unsigned action) {
    struct map *m = (struct map *)state;
    unsigned    i = action % MAKERS;
    if (action < MAKERS)
        return step_maker(m, i);
    return free_or_look(m, i, action < 2 * MAKERS);
}

static unsigned judge(const struct interleave_state *state) {
    return ((const struct map *)state)->wrong;
}

int main(void) {
    static const struct interleave machine = {act, 3 * MAKERS, judge};
    test_watchdog(100);
    for (unsigned i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct interleave_state start = {{1}};
        pieces = ALL & ~variants[i].missing;
        unsigned found = interleave_search(&machine, start);
        interleave_report(variants[i].name, found, variants[i].expected, wrong_names);
    }
    return 0;
}
