// bench/workloads/numbers.c - a factoriser's big numbers: every intermediate result is a new block.
//
// Common divisors by subtraction and halving. As in languages whose numbers do not change, each
// result is a number of its own, and its operands are freed at once. That the divisor which both
// numbers were made with divides the result is checked.
#include "workloads/pool.h"

enum { LIMBS_MOST = 24, DIVISOR_BITS = 31, HALF_BITS = 32, LIMB_BITS = 64 };

struct number {
    size_t   limbs;   // the last is not zero
    uint64_t limb[];  // 1 to 24: with the count 16 to 200 bytes
};

static struct number *number_new(size_t limbs) {
    struct number *number = malloc(sizeof *number + limbs * sizeof number->limb[0]);
    workload_check(number != NULL, "out of memory");
    number->limbs = limbs;
    return number;
}

static struct number *number_trimmed(struct number *number) {
    while (number->limbs > 0 && number->limb[number->limbs - 1] == 0)
        number->limbs--;
    return number;
}

static struct number *number_random(struct bench_thread *thread) {
    struct number *number = number_new(1 + random_below(thread, LIMBS_MOST - 1));
    for (size_t i = 0; i < number->limbs; i++)
        number->limb[i] = random_next(thread) | 1;
    return number;
}

static struct number *number_times(const struct number *a, uint64_t factor) {
    struct number    *product = number_new(a->limbs + 1);
    unsigned __int128 carry = 0;
    for (size_t i = 0; i < a->limbs; i++) {
        carry += (unsigned __int128)a->limb[i] * factor;
        product->limb[i] = (uint64_t)carry;
        carry >>= LIMB_BITS;
    }
    product->limb[a->limbs] = (uint64_t)carry;
    return number_trimmed(product);
}

// `a` is not less than `b`.
static struct number *number_minus(const struct number *a, const struct number *b) {
    struct number *difference = number_new(a->limbs);
    unsigned       borrow = 0;
    for (size_t i = 0; i < a->limbs; i++) {
        unsigned __int128 less = (unsigned __int128)(i < b->limbs ? b->limb[i] : 0) + borrow;
        difference->limb[i] = a->limb[i] - (uint64_t)less;
        borrow = a->limb[i] < less;
    }
    return number_trimmed(difference);
}

// `a`, not zero, without its factors of two.
static struct number *number_odd(const struct number *a) {
    size_t skip = 0;
    while (a->limb[skip] == 0)
        skip++;
    struct number *odd = number_new(a->limbs - skip);
    unsigned       by = (unsigned)__builtin_ctzll(a->limb[skip]);
    for (size_t i = 0; i < odd->limbs; i++) {
        uint64_t above = i + 1 < odd->limbs ? a->limb[skip + i + 1] : 0;
        odd->limb[i] = a->limb[skip + i] >> by | (by ? above << (LIMB_BITS - by) : 0);
    }
    return number_trimmed(odd);
}

static int number_compare(const struct number *a, const struct number *b) {
    if (a->limbs != b->limbs)
        return a->limbs < b->limbs ? -1 : 1;
    for (size_t i = a->limbs; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

// `by` has DIVISOR_BITS bits at most.
static uint64_t number_modulo(const struct number *a, uint64_t by) {
    uint64_t rest = 0;
    for (size_t i = a->limbs; i-- > 0;) {
        rest = (rest << HALF_BITS | a->limb[i] >> HALF_BITS) % by;
        rest = (rest << HALF_BITS | (a->limb[i] & UINT32_MAX)) % by;
    }
    return rest;
}

static struct number *number_replaced(struct number *old, struct number *by) {
    free(old);
    return by;
}

// The greatest odd common divisor; consumes both. Counts the numbers made.
static struct number *number_divisor(struct number *a, struct number *b, uint64_t *made) {
    int order;
    a = number_replaced(a, number_odd(a));
    b = number_replaced(b, number_odd(b));
    *made += 2;
    while ((order = number_compare(a, b)) != 0) {
        struct number *larger = order > 0 ? a : b, *smaller = order > 0 ? b : a;
        larger = number_replaced(larger, number_minus(larger, smaller));
        a = number_replaced(larger, number_odd(larger));
        b = smaller;
        *made += 2;
    }
    free(b);
    return a;
}

static struct number *number_multiple(struct bench_thread *thread, uint64_t of) {
    struct number *number = number_random(thread);
    return number_replaced(number, number_times(number, of));
}

static uint64_t step_factorisation(void *state, struct bench_thread *thread) {
    uint64_t       divisor = random_below(thread, (uint64_t)1 << DIVISOR_BITS) | 1, made = 4;
    struct number *a = number_multiple(thread, divisor), *b = number_multiple(thread, divisor);
    struct number *common = number_divisor(a, b, &made);
    (void)state;
    workload_check(number_modulo(common, divisor) == 0, "a common divisor is wrong");
    free(common);
    return made;
}

const struct workload workload_factorisation = {
    .name = "factorisation",
    .family = "trees",
    .pattern = "Factorisation and computer algebra: each intermediate big number is a new block "
               "of 16 to 200 B",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 7000,
    .churn = 720 * MEGABYTE,
    .step = step_factorisation,
};
