// heap/emergency.h - blocks for signal handlers that came while their own thread was inside malloc.
//
// POSIX allows a handler no malloc at all, but crash handlers call it, and one that hangs hides the
// crash. What its thread had in hand, locks and a half-changed cache, it may not touch. So such a
// handler is served from here, and what it frees of other memory stays where it is.
// Theory
//  1. An area of 16 MiB, mapped at the first need, is cut by a bump of whole units and never used
//     again. There is no lock: one exchange takes a block, and a handler may interrupt it.
//  2. What is known of the blocks stands apart from them, a word for each unit.
//  3. A block is like any other afterwards: any thread may ask its size, resize and free it.
#pragma once
#include "base/base.h"

// Zero memory at a multiple of `alignment` (a power of two). NULL: the area is used up, or the
// kernel gives none. Any thread, any handler.
void *emergency_take(size_t bytes, size_t alignment);
bool  emergency_owns(uintptr_t address);
// Usable bytes of the live block that starts there; 0 = none does.
size_t emergency_find(uintptr_t address);
// False: no live block starts there.
bool emergency_give(uintptr_t address);
