// tests/process/tide_phases.c - twelve phases around 256 MiB live, each of other sizes; between
// them 70 % is freed at random. What is resident follows what is live.
#include <sys/wait.h>

#include "tests/support/test.h"
#include "tests/support/tide.h"

#define FULL_BYTES ((size_t)256 * TIDE_MIB)
enum { PHASES = 12, FREED_PERCENT = 70, TRAFFIC_MS = 1000 };
enum { RUNS = 3, GOAL = 160, MOST = 184 };  // percent

// From 1 KiB to 256 KiB, up to twice as large in each; small ones and large ones take turns.
static size_t phase_size(struct tide_load *load, unsigned phase) {
    size_t low = (size_t)1024 << phase * 5 % 8;
    return low + test_random(&load->random) % low;
}

static void fill(struct tide_load *load, unsigned phase) {
    while (load->live < FULL_BYTES)
        tide_load_add(load, phase_size(load, phase));
}

static void drain(struct tide_load *load) {
    for (size_t i = 0; i < load->count; i++)
        if (test_random(&load->random) % 100 < FREED_PERCENT)
            tide_load_free(load, i);
    tide_load_pack(load);
}

// In percent of what was live, at the worst of the full points.
static int run(void) {
    struct tide_load load;
    size_t           worst = 0;
    tide_load_init(&load, (size_t)1 << 20);
    size_t base = tide_rss();
    for (unsigned phase = 0; phase < PHASES; phase++) {
        fill(&load, phase);
        size_t rss = tide_rss() - base;
        tide_show("full", rss + base, base, load.live);
        worst = rss * 100 / load.live > worst ? rss * 100 / load.live : worst;
        drain(&load);
    }
    tide_show("after the last free", tide_rss(), base, load.live);
    tide_light_traffic(TIDE_TOGETHER, TRAFFIC_MS);
    size_t rss = tide_rss() - base;
    tide_show("after light traffic", rss + base, base, load.live);
    CHECK_LE(rss * 100 / load.live, 250);
    CHECK_LE(100, worst);
    return (int)(worst < MOST + 1 ? worst : MOST + 1);
}

// In a process of its own, which has learned nothing yet.
static int run_anew(void) {
    int   status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(run());
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_LE(100, WEXITSTATUS(status));
    CHECK_LE(WEXITSTATUS(status), MOST);
    return WEXITSTATUS(status);
}

// What drains depends on the time that a run takes: where the machine is busy a run may be a few
// percent above, so the best of three counts, and none may be far above.
int main(void) {
    int worst = MOST;
    test_watchdog(300);
    test_need_tide();
    for (unsigned i = 0; i < RUNS && worst > GOAL; i++)
        worst = run_anew();
    CHECK_LE(worst, GOAL);
    return 0;
}
