// entry/control.h - settings by name, for tide_option_get / _set, and mallopt.
//
// May be called by any thread at any time; no allocation. errno is not touched.
#pragma once
#include "base/base.h"

// Writes the value of option `name` ("arenas") and a 0. 0, ENOENT (no such option) or ERANGE
// (`capacity` is too small; `value` is then unchanged).
int control_get(const char *name, char *value, size_t capacity);
// 0, ENOENT, EPERM (read at start only), EINVAL (not a value of its type), ERANGE (out of bounds),
// EBUSY (in a signal handler that came while its thread was changing an option).
int control_set(const char *name, const char *value);

// mallopt: 1 when the parameter is in force from now on, 0 when not. Honoured are
//   M_TRIM_THRESHOLD (-1), M_TOP_PAD (-2), M_MMAP_THRESHOLD (-3)
//       as the options of the same meaning; a value outside our bounds becomes the nearest bound
//       and a negative one the highest, as with glibc's variables
//   M_MMAP_MAX (-4)
//       0 only: huge_threshold at its highest, the nearest we have to "never mmap"
//   M_PERTURB (-6), M_ARENA_MAX (-8)
//       if their option can be changed in a running process (docs/tuning.md); else 0
// 0 for all the rest, M_MXFAST (1), M_CHECK_ACTION (-5) and M_ARENA_TEST (-7) among them: there is
// nothing here that they could change. (glibc answers 1 to numbers it does not know.)
int control_mallopt(int parameter, int value);
