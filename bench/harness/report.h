// bench/harness/report.h - JSON: the list of workloads, the result of a run.
#pragma once
#include "harness/run.h"

#include <stdio.h>

// One array: {name, family, pattern, threads, quick, steps, churn, solo}.
void report_list(FILE *out);

// One object; run.h and tools/bench know its fields.
void report_run(FILE *out, const struct run *run);
