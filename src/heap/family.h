// heap/family.h - by which functions a block was taken, and by which it may be given back.
//
// free, realloc and their kin give what malloc and its kin made; delete gives what new made,
// delete[] what new[] made, aligned or not. Noted of every block of a hardened process and of those
// between guard pages, whose records know what was asked for, too. Of others nothing is known.
#pragma once
#include "base/base.h"

enum family { FAMILY_MALLOC, FAMILY_NEW, FAMILY_NEW_ARRAY };

// By the name that a message calls the function: "operator delete" and "operator delete[]" are the
// only ones with an o.
ALWAYS_INLINE enum family family_of(const char *function) {
    if (function[0] != 'o')
        return FAMILY_MALLOC;
    return function[sizeof "operator delete" - 1] == '[' ? FAMILY_NEW_ARRAY : FAMILY_NEW;
}
ALWAYS_INLINE const char *family_maker(enum family family) {
    return family == FAMILY_MALLOC ? "malloc"
           : family == FAMILY_NEW  ? "operator new"
                                   : "operator new[]";
}
// A block was found with another family than the function's: is that a mistake? By the option; with
// `auto` where every C++ operator of the process is ours. Once they are not they are not asked
// about again: that program mixes, and may. Outside locks.
COLD bool family_is_told(void);
// True: it tells a mistake that `function` got a block of this family.
ALWAYS_INLINE bool family_differs(enum family family, const char *function) {
    return UNLIKELY(family != family_of(function)) && family_is_told();
}
