// tests/process/helpers/chain.h - the list through which the chain libraries pass blocks on.
#pragma once

// Keeps a block (NULL aborts) / frees the block kept last. Defined by the test program.
void chain_push(void *block);
void chain_pop(void);
