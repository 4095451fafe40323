// conf/options_change.c - what the running process changes, and the seal on the page of options.
#include "conf/options.h"
#include "os/lock.h"
#include "os/os.h"

// One change at a time: what one opened another must not seal meanwhile.
static struct {
    struct lock lock;
    bool        is_wanted;  // the start is over
    bool        is_sealed;
} seal = {.lock = LOCK_INIT(RANK_OPTIONS)};

static bool open_page(void) {
    return !seal.is_sealed || os_seal(&options_page, sizeof options_page, false) == 0;
}

static void close_page(void) {
    seal.is_sealed = seal.is_wanted && os_seal(&options_page, sizeof options_page, true) == 0;
}

void options_seal(void) {
    lock_acquire(&seal.lock);
    seal.is_wanted = true;
    close_page();
    lock_release(&seal.lock);
}

// A signal handler that came while its own thread was here cannot wait for it.
static bool begin_change(void) {
    if (lock_is_reentered())
        return lock_try_spinning(&seal.lock);
    lock_acquire(&seal.lock);
    return true;
}

enum option_result options_set(enum option_id id, uint64_t value) {
    if (id >= OPTION_COUNT)
        return OPTION_UNKNOWN;
    if (!options_row(id)->live)
        return OPTION_NOT_LIVE;
    if (options_nearest(id, value) != value)
        return OPTION_RANGE;
    if (!begin_change())
        return OPTION_BUSY;
    bool is_open = open_page();
    if (is_open) {
        POKE(&options_page.values[id], value);
        POKE(&options_page.origins[id], ORIGIN_PROGRAM);
        close_page();
    }
    lock_release(&seal.lock);
    return is_open ? OPTION_OK : OPTION_NOT_LIVE;
}

enum option_result options_set_text(enum option_id id, const char *text) {
    uint64_t value;
    if (id >= OPTION_COUNT || !options_row(id)->live)
        return options_set(id, 0);  // says which of the two
    enum option_result result = options_read(id, text, &value);
    return result == OPTION_OK ? options_set(id, value) : result;
}

// --- fork ----------------------------------------------------------------------------------------

void options_fork_prepare(void) {
    lock_acquire(&seal.lock);
}
void options_fork_parent(void) {
    lock_release(&seal.lock);
}
void options_fork_child(void) {
    lock_reset_in_child(&seal.lock);
}
