// entry/api.h - how the public names are spelled: as they are, or with a prefix in test builds.
//
// A build beside another malloc (a sanitizer's) defines TIDE_PREFIX: malloc becomes PREFIXmalloc,
// and the C++ operators and libc's names are left out.
#pragma once
#include "base/base.h"

#define API_JOIN_(a, b) a##b
#define API_JOIN(a, b) API_JOIN_(a, b)
#ifdef TIDE_PREFIX
#define API(name) API_JOIN(TIDE_PREFIX, name)
#else
#define API(name) name
#endif
