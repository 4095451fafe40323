// bench/harness/google.h - the door to Google Benchmark.
#pragma once
#include "harness/run.h"

#ifdef __cplusplus
extern "C" {
#endif

// Runs what run_prepare() made, once, and fills the figures in. False: an error, already reported.
bool google_run(struct run *run);

#ifdef __cplusplus
}
#endif
