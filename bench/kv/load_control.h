// bench/kv/load_control.h - one-off commands to the server: FLUSH before the load, STATS after it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct control_stats {
    uint64_t keys;
    uint64_t bytes;
    uint64_t evicted;
    uint64_t expired;
};

// Both tell a failure on stderr and return false.
bool control_flush(const char *address);
bool control_stats(const char *address, struct control_stats *stats);
