// entry/figures.h - gathers for report what arenas, user heaps, caches and metadata can tell.
#pragma once
#include "entry/report.h"

extern const struct report_source figures_source;
