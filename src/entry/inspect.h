// entry/inspect.h - a description of tidemalloc's own structures, for a reader from outside.
//
// A tool that may read the memory of this process (`tide maps`, `tide watch`) finds `tide_inspect`
// through an ELF note of the object the library is part of, which strip keeps:
//
//   owner "tidemalloc", type 1, descriptor: 4 bytes, distance from the descriptor to tide_inspect
//
// From there on everything has a name: structs and their fields, constants, and the addresses where
// to begin. A reader asks for `arena.pages` and gets offset and size; no number of the layout is
// known outside of this process, so tool and library may be of different ages as long as the names
// are there. Nothing is called, written or locked, and nothing here costs the process anything.
// Guarantees  1. the three tables describe the very code they are linked with: offsetof and sizeof
//             2. `version` grows when a name changes its meaning; a new name does not change it
//             3. `self` is the address of tide_inspect once the loader is done with the object
#pragma once
#include "base/base.h"

enum { INSPECT_VERSION = 1 };

struct inspect_field {
    char     of[20];      // the struct; this row describes it as a whole when `name` is ""
    char     name[24];
    char     target[20];  // the struct that lies there, or, of a pointer, there; "" = a number
    uint32_t offset;      // in its struct
    uint32_t bytes;       // of one element
    uint32_t count;       // of elements
    uint32_t pointer;     // 1: an element is an address of `target`
};

struct inspect_constant {
    char     name[40];    // "group.name"
    uint64_t value;
};

struct inspect_root {
    char        name[20];
    char        target[20];
    const void *address;
};

struct inspect_table {
    const void *rows;
    uint32_t    row_count;
    uint32_t    row_bytes;
};

struct inspect {
    char                  magic[16];    // "tidemalloc sight", without a NUL
    uint32_t              version;      // INSPECT_VERSION
    uint32_t              table_count;  // 3
    const struct inspect *self;         // guarantee 3
    char                  release[16];  // of the library, "0.1.0"
    struct inspect_table  fields, constants, roots;
};

extern const struct inspect tide_inspect;
