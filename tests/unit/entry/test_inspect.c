// tests/unit/entry/test_inspect.c - the description for readers from outside holds together: every
// row is text and numbers a reader can trust, and names only what is described.
#include "entry/inspect.h"

#include <string.h>

#include "conf/options.h"
#include "heap/bin.h"
#include "tests/support/test.h"

#define ROWS(type, table)                                                                          \
    const struct type *row = tide_inspect.table.rows, *end = row + tide_inspect.table.row_count;   \
    row < end;                                                                                     \
    row++

static const char *const bare[] = {"text", "pointer", "number8", "number32", "number64"};

static bool is_text(const char *field, size_t bytes) {
    return memchr(field, 0, bytes) != NULL;
}

// The row that describes a struct as a whole, or NULL.
static const struct inspect_field *whole(const char *name) {
    for (ROWS(inspect_field, fields))
        if (strcmp(row->of, name) == 0 && row->name[0] == 0)
            return row;
    return NULL;
}

static bool is_known(const char *target) {
    for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++)
        if (strcmp(target, bare[i]) == 0)
            return true;
    return target[0] == 0 || whole(target);
}

static void test_head(void) {
    CHECK(memcmp(tide_inspect.magic, "tidemalloc sight", 16) == 0);
    CHECK(tide_inspect.self == &tide_inspect);
    CHECK_EQ(tide_inspect.version, INSPECT_VERSION);
    CHECK_EQ(tide_inspect.fields.row_bytes, sizeof(struct inspect_field));
    CHECK_EQ(tide_inspect.constants.row_bytes, sizeof(struct inspect_constant));
    CHECK_EQ(tide_inspect.roots.row_bytes, sizeof(struct inspect_root));
    CHECK(is_text(tide_inspect.release, sizeof tide_inspect.release));
}

static void test_fields(void) {
    for (ROWS(inspect_field, fields)) {
        CHECK(is_text(row->of, sizeof row->of) && is_text(row->name, sizeof row->name));
        CHECK(is_text(row->target, sizeof row->target));
        const struct inspect_field *all = whole(row->of);
        CHECK(all != NULL);
        CHECK_LE(row->offset + (size_t)row->bytes * row->count, all->bytes);
        CHECK(is_known(row->target));
        if (row->pointer)
            CHECK_EQ(row->bytes, sizeof(void *));
        else if (row->target[0])
            CHECK_EQ(row->bytes, whole(row->target)->bytes);
        else
            CHECK(row->name[0] == 0 || row->bytes == 1 || row->bytes == 2 || row->bytes == 4 ||
                  row->bytes == 8);
        for (const struct inspect_field *other = row + 1; other < end; other++)
            CHECK(strcmp(row->of, other->of) != 0 || strcmp(row->name, other->name) != 0);
    }
}

static void test_roots(void) {
    unsigned count = 0;
    for (ROWS(inspect_root, roots)) {
        CHECK(is_text(row->name, sizeof row->name) && whole(row->target) && row->address);
        count++;
    }
    CHECK_LE(5, count);
    for (ROWS(inspect_constant, constants))
        CHECK(is_text(row->name, sizeof row->name) && strchr(row->name, '.'));
}

// What the rows say is what the compiler says.
static void test_layout(void) {
    struct bin bin = {.taken = 12345678901};
    for (ROWS(inspect_field, fields)) {
        if (strcmp(row->of, "bin") != 0 || strcmp(row->name, "taken") != 0)
            continue;
        uint64_t value = 0;
        CHECK_EQ(row->bytes, sizeof value);
        memcpy(&value, (char *)&bin + row->offset, sizeof value);
        CHECK_EQ(value, bin.taken);
        return;
    }
    CHECK(!"bin.taken is described");
}

int main(void) {
    test_head();
    test_fields();
    test_roots();
    test_layout();
    return 0;
}
