// heap/hardened_family.h - which family a block of a hardened process is of: in two bits of its
// slot's mark, or of the size in its span. Written by who has just taken it, read by who frees it.
#pragma once
#include "heap/block.h"
#include "heap/family.h"

// A block just taken, by new: hardened_take made it one of malloc's.
void hardened_note_family(void *pointer, enum family family);
// Of a live block.
enum family hardened_family(const struct block *block);
// "free(0x..): allocated by operator new: a 60-byte block (80-byte class)" and abort.
NORETURN COLD void hardened_fail_family(const char *function, const struct block *block,
                                        enum family family);
ALWAYS_INLINE void hardened_prove_family(const char *function, const struct block *block,
                                         enum family family) {
    if (family_differs(family, function))
        hardened_fail_family(function, block, family);
}
