// bench/workloads/logic.c - a minimiser of logic: lists of tiny cubes, made and freed by recursion.
//
// A cover is a list of cubes; a cube has two bits for each variable: may it be false, may it be
// true. The complement of a cover is found by splitting at one variable after the other, each split
// making two new covers and freeing them on the way back. The result is checked against the cover.
#include "workloads/pool.h"

enum { VARIABLES = 10, COVER_CUBES = 12, CUBE_WORDS_MOST = 5, BOTH = 3 };

struct cube {
    struct cube *next;
    uint64_t     word[];  // 1 to 5: with the link 16 to 48 bytes
};

struct problem {
    unsigned words;  // of each cube
    uint64_t made;   // cubes, so far
};

// Variables are spread over the words.
static inline uint64_t *cube_word(const struct problem *problem, struct cube *cube, unsigned of) {
    return &cube->word[of % problem->words];
}

static inline unsigned cube_shift(const struct problem *problem, unsigned of) {
    return of / problem->words * 2;
}

static inline unsigned cube_literal(const struct problem *problem, struct cube *cube, unsigned of) {
    return *cube_word(problem, cube, of) >> cube_shift(problem, of) & BOTH;
}

static inline void cube_set(const struct problem *problem, struct cube *cube, unsigned of,
                            uint64_t literal) {
    uint64_t *word = cube_word(problem, cube, of);
    unsigned  shift = cube_shift(problem, of);
    *word = (*word & ~((uint64_t)BOTH << shift)) | literal << shift;
}

// A copy of `from`, or the cube of everything, put before `next`.
static struct cube *cube_new(struct problem *problem, const struct cube *from, struct cube *next) {
    size_t       words = problem->words * sizeof(uint64_t);
    struct cube *cube = malloc(sizeof *cube + words);
    workload_check(cube != NULL, "out of memory");
    cube->next = next;
    if (from)
        memcpy(cube->word, from->word, words);
    else
        memset(cube->word, 0xff, words);
    problem->made++;
    return cube;
}

static void cover_free(struct cube *cover) {
    while (cover) {
        struct cube *next = cover->next;
        free(cover);
        cover = next;
    }
}

// The cubes that meet `literal` of variable `of`, with that variable set free.
static struct cube *cover_cofactor(struct problem *problem, struct cube *cover, unsigned of,
                                   unsigned literal) {
    struct cube *half = NULL;
    for (; cover; cover = cover->next)
        if (cube_literal(problem, cover, of) & literal) {
            half = cube_new(problem, cover, half);
            cube_set(problem, half, of, BOTH);
        }
    return half;
}

static bool cube_is_all(const struct problem *problem, const struct cube *cube) {
    uint64_t all = ~(uint64_t)0;
    for (unsigned i = 0; i < problem->words; i++)
        all &= cube->word[i];
    return all == ~(uint64_t)0;
}

static bool cover_has_all(const struct problem *problem, const struct cube *cover) {
    while (cover && !cube_is_all(problem, cover))
        cover = cover->next;
    return cover != NULL;
}

// Moves the cubes of `half`, restricted to `literal`, before `rest`.
static struct cube *cover_join(struct problem *problem, struct cube *half, unsigned of,
                               unsigned literal, struct cube *rest) {
    while (half) {
        struct cube *next = half->next;
        cube_set(problem, half, of, literal);
        half->next = rest;
        rest = half;
        half = next;
    }
    return rest;
}

static struct cube *cover_complement(struct problem *problem, struct cube *cover, unsigned of) {
    struct cube *result = NULL;
    if (!cover)
        return cube_new(problem, NULL, NULL);
    if (cover_has_all(problem, cover))
        return NULL;
    for (unsigned literal = 1; literal <= 2; literal++) {
        struct cube *half = cover_cofactor(problem, cover, of, literal);
        struct cube *not = cover_complement(problem, half, of + 1);
        cover_free(half);
        result = cover_join(problem, not, of, literal, result);
    }
    return result;
}

static bool cubes_meet(const struct problem *problem, struct cube *a, struct cube *b) {
    for (unsigned of = 0; of < VARIABLES; of++)
        if (!(cube_literal(problem, a, of) & cube_literal(problem, b, of)))
            return false;
    return true;
}

// Three variables of ten stand in a cube, either way round.
static struct cube *cover_new(struct problem *problem, struct bench_thread *thread) {
    struct cube *cover = NULL;
    for (unsigned i = 0; i < COVER_CUBES; i++) {
        cover = cube_new(problem, NULL, cover);
        for (unsigned literals = 0; literals < 3; literals++)
            cube_set(problem, cover, (unsigned)random_below(thread, VARIABLES),
                     1 + random_below(thread, 2));
    }
    return cover;
}

// One function complemented; no cube of the result may meet the first of the function.
static uint64_t step_minimiser(void *state, struct bench_thread *thread) {
    struct problem problem = {(unsigned)random_below(thread, CUBE_WORDS_MOST) + 1, 0};
    struct cube   *cover = cover_new(&problem, thread);
    struct cube   *complement = cover_complement(&problem, cover, 0);
    (void)state;
    for (struct cube *cube = complement; cube; cube = cube->next)
        workload_check(!cubes_meet(&problem, cube, cover), "a complement is wrong");
    cover_free(complement);
    cover_free(cover);
    return problem.made;
}

const struct workload workload_logic_minimiser = {
    .name = "logic_minimiser",
    .family = "trees",
    .pattern = "Logic minimisers and provers: recursion over lists of many short-lived cubes of "
               "16 to 48 B",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 7000,
    .churn = 360 * MEGABYTE,
    .step = step_minimiser,
};
