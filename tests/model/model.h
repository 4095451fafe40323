// tests/model/model.h - runs a model with a fixed and a fresh seed, without and with failing calls.
//
// Every run has a process of its own and prints its seed; PROGRAM SEED repeats it.
#pragma once
#include <time.h>

#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

static uint64_t model_state;
static bool     model_fails;  // calls to the system fail now and then
static void (*model_body)(void);

static inline uint32_t model_below(uint32_t bound) {
    return (uint32_t)(((test_random(&model_state) >> 32) * bound) >> 32);
}
static inline bool model_chance(uint32_t percent) {
    return model_below(100) < percent;
}

// To be called between two operations: orders or takes back failures of calls to come.
static inline void model_weather(void) {
    if (!model_fails || !model_chance(4))
        return;
    enum fake_call call = model_chance(50) ? FAKE_ANY : (enum fake_call)model_below(FAKE_CALLS);
    fake_fail(call, 1 + model_below(5), model_chance(80) ? model_below(4) : 0);
}
static inline void model_fair_weather(void) {
    for (unsigned call = 0; call <= FAKE_ANY; call++)
        fake_fail((enum fake_call)call, 1, 0);
}

static inline void model_run(void) {
    fake_reset();
    model_body();
}

static inline void model_seed(uint64_t seed, bool fails) {
    char text[100];
    snprintf(text, sizeof text, "seed %llu%s\n", (unsigned long long)seed,
             fails ? ", calls fail" : "");
    test_say(text);
    model_state = seed;
    model_fails = fails;
    CASE(model_run);
}

// `body` is one run; the fake OS is fresh.
static inline int model_main(int argc, char **argv, void (*body)(void)) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t fresh = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    model_body = body;
    for (unsigned i = 0; i < 2; i++) {
        model_seed(argc > 1 ? strtoull(argv[1], NULL, 0) : 1, i == 1);
        model_seed(argc > 1 ? strtoull(argv[1], NULL, 0) + 1 : fresh, i == 1);
    }
    return 0;
}
