// entry/figures.h - who knows the figures: arenas, user heaps, caches, metadata. Gathers them for
// report.
#pragma once
#include "entry/report.h"

extern const struct report_source figures_source;
