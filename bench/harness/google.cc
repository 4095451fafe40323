// bench/harness/google.cc - Google Benchmark makes the threads and lets them begin together.
//
// The steps are one batch, so that none of its own code stands between them. Its time is the mean
// of the threads' own times; what the report calls seconds is from the first begin to the last end,
// because a thread that waits for the others' memory must not make the mean look better.
#include "harness/google.h"

#include <benchmark/benchmark.h>
#include <cstdio>

namespace {

struct run *current;  // one run in a process

void start(const benchmark::State &) {
    run_start(current);
}

void finish(const benchmark::State &) {
    run_finish(current);
}

void body(benchmark::State &state) {
    auto rank = static_cast<unsigned>(state.thread_index());
    if (current->threads > 1)
        process_pin(rank);
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(current->thread_steps)))
        run_steps(current, rank);
    if (rank == 0)  // leaving the loop, a thread has waited for all others
        run_met(current);
}

class Reporter : public benchmark::BenchmarkReporter {
  public:
    bool done = false;
    bool ReportContext(const Context &) override {
        return true;
    }
    void ReportRuns(const std::vector<Run> &runs) override {
        auto steps = static_cast<benchmark::IterationCount>(current->thread_steps);
        done = runs.size() == 1 && !runs[0].error_occurred &&
               runs[0].iterations == steps * static_cast<int64_t>(current->threads);
        current->mean_seconds = runs.empty() ? 0 : runs[0].real_accumulated_time;
    }
};

}  // namespace

bool google_run(struct run *run) {
    current = run;
    benchmark::RegisterBenchmark(run->workload->name, body)
        ->Iterations(static_cast<benchmark::IterationCount>(run->thread_steps))
        ->Repetitions(1)
        ->Threads(static_cast<int>(run->threads))
        ->UseRealTime()
        ->MeasureProcessCPUTime()
        ->Setup(start)
        ->Teardown(finish);
    Reporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter, ".");
    if (!reporter.done)
        std::fprintf(stderr, "bench_workloads: %s: Google Benchmark did not run all steps\n",
                     run->workload->name);
    return reporter.done;
}
