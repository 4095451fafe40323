// heap/family.c - see family.h.
#include "heap/family.h"

#include "conf/options.h"
#include "os/os.h"

enum { TOLD_NEVER, TOLD_ALWAYS, TOLD_WHERE_KNOWN };  // as the option has them

// Relaxed: of threads that ask at once each finds the same.
static bool may_mix;

bool family_is_told(void) {
    if (option(OPT_FAMILIES) != TOLD_WHERE_KNOWN)
        return option(OPT_FAMILIES) == TOLD_ALWAYS;
    if (PEEK(&may_mix))
        return false;
    bool is_known = os_operators_are_ours();
    if (!is_known)
        POKE(&may_mix, true);
    return is_known;
}
