// base/size_class.c - the table of size_class.def in the two shapes the code needs.
#include "base/size_class.h"

const struct size_class size_class_table[CLASS_COUNT] = {
#define SIZE_CLASS(id, above, size, length)                                                        \
    [id] = {.bytes = (size),                                                                       \
            .slots = (uint16_t)((length)*GRANULE / (size)),                                        \
            .granules = (length),                                                                  \
            .reciprocal = ((uint64_t)1 << 40) / (size) + 1},
#include "base/size_class.def"
#undef SIZE_CLASS
};

const class_id size_class_of_grains[SMALL_MAX / SIZE_GRAIN + 1] = {
    [0] = SMALL_CLASS_FIRST,
#define SIZE_CLASS(id, above, size, length)                                                        \
    [(above) / SIZE_GRAIN + 1 ...(size) / SIZE_GRAIN] = (id),
#include "base/size_class.def"
#undef SIZE_CLASS
};
