// local/last_look.h - misused pointers that a program ends with: what the bins would have told.
//
// The fast free believes the class byte, and a slot is proved when its stack is flushed. A program
// may end before that: then this is where a double free is told.
#pragma once
#include "local/cache.h"

// Proves every slot that the cache of the calling thread holds, as a flush would, and gives none
// back: no lock is taken, no system call made. Fatal at the first that is no taken slot, or is held
// twice. In a hardened process, where a free tells that itself: at the first that was cleared when
// it was freed, and is not clear any more. Does nothing in the middle of a flush (exit called by a
// signal handler).
void last_look(struct cache *cache);
