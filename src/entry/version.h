// entry/version.h - the version of the public header as text, for floors' messages and reports.
#pragma once
#include "tidemalloc.h"

#define VERSION_QUOTE(number) #number
#define VERSION_JOIN(major, minor, patch)                                                          \
    VERSION_QUOTE(major) "." VERSION_QUOTE(minor) "." VERSION_QUOTE(patch)
// "0.1.0"
#define VERSION_TEXT VERSION_JOIN(TIDE_VERSION_MAJOR, TIDE_VERSION_MINOR, TIDE_VERSION_PATCH)
