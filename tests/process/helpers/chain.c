// tests/process/helpers/chain.c - a library whose constructor and destructor allocate and free;
// built several times with another CHAIN_NAME each, they pass blocks on in a common list.
#include <stdlib.h>
#include <string.h>

#include "tests/process/helpers/chain.h"

#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)

int CHAIN_NAME(void);

static char *own;

__attribute__((constructor)) static void start(void) {
    own = malloc(200);
    if (own == NULL)
        abort();
    strcpy(own, STRING(CHAIN_NAME));
    chain_push(malloc(5000));
    chain_push(calloc(10, 10000));
    chain_push(aligned_alloc(256, 512));
    chain_pop();
}

__attribute__((destructor)) static void end(void) {
    if (strcmp(own, STRING(CHAIN_NAME)) != 0)
        abort();
    free(own);
    chain_push(malloc(100));
    chain_pop();
    chain_pop();
}

int CHAIN_NAME(void) {
    return own != NULL;
}
