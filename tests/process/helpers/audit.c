// process/helpers/audit.c - an auditor (LD_AUDIT): it lives in a namespace of its own, with a libc
// of its own, and allocates there while the linker loads the program.
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/test.h"

unsigned la_version(unsigned version) {
    return version;
}

unsigned la_objopen(struct link_map *map, Lmid_t space, uintptr_t *cookie) {
    char *name = test_hide(strdup(map->l_name));
    (void)space;
    (void)cookie;
    CHECK(name && strcmp(name, map->l_name) == 0);
    CHECK(!strstr(name, "tidemalloc") || setenv("TEST_AUDITED", name, 1) == 0);
    free(name);
    return 0;
}

void la_activity(uintptr_t *cookie, unsigned flag) {
    (void)cookie;
    if (flag == LA_ACT_CONSISTENT && getenv("TEST_AUDITED"))
        test_say("audited\n");
}
