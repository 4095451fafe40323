// heap/hardened_look.h - what a hardened process ends with: the blocks that nobody frees any more.
//
// A write behind or before a block is told when the block is freed or resized. Of those that live
// to the program's end this is where it is told. Other threads may take, free and resize meanwhile;
// a canary of theirs that comes, goes or moves is never called broken:
//
//   slab    its bin's lock is held, so its memory stays. A block's mark is read, then its canary. A
//           canary is written before the mark that says so, and what was canary is overwritten
//           after an exchange of the mark (freed, or of another size). So when the canary is not
//           whole the mark is exchanged, too, for itself: if it was the same, all that was read
//           came before any such overwriting, and is what the program left.
//   whole   no lock keeps its memory: the canary is copied by the kernel, which says when it is
//           gone. The record of the request does what the mark does.
//
// What this cannot tell is a mark that went and came back, with the block freed and taken again in
// between, within one look. So it is fatal only after LOOKS looks in a row that all found it broken
// with the same mark.
#pragma once

// At the end of the program: proves the canaries of all blocks, and the words before them. Takes
// the locks of bins and of the list of user's heaps, one slab at a time. Fatal, with a line that
// names `function`, at the first that is broken. Without canaries it does nothing.
void hardened_look_at_live(const char *function);
