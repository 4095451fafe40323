// bench/kv/load_check.h - judges a reply against what was expected.
#pragma once

#include "load_plan.h"

enum verdict {
    REPLY_GOOD,
    REPLY_LOST,   // an own key is gone or shortened: right only if the server has evicted entries
    REPLY_WRONG,
};

enum verdict check_reply(const struct expected *expected, const struct kv_reply_header *header,
                         const unsigned char *body);
