// entry/alloc.c - the slow paths: dispatch by kind of block. The fast ones are in alloc.h, those of
// realloc in alloc_resize.c.
//
// A signal handler that came while its own thread was inside (thread_is_reentered) gets blocks of
// heap/emergency.h and gives nothing back: it takes no lock and no cache.
#include "entry/alloc.h"

#include <errno.h>
#include <string.h>

#include "conf/options.h"
#include "entry/foreign.h"
#include "entry/init.h"
#include "entry/keeper.h"
#include "heap/emergency.h"
#include "heap/guarded.h"
#include "heap/hardened.h"
#include "heap/hardened_family.h"
#include "heap/huge.h"
#include "heap/user_heap.h"
#include "local/parked.h"
#include "local/pulse.h"
#include "local/stock.h"
#include "os/fail.h"
#include "os/os.h"
#include "page/limit.h"

#define ASK_PARKED_NS UINT64_C(1000000000)
#define VAIN_NS       UINT64_C(10000000)

// What the slow path found: the memory, and whether it is zero already.
struct memory {
    void *start;  // NULL: no memory
    bool  is_zero;
};

// --- taking --------------------------------------------------------------------------------------

static void *pop_or_refill(struct cache *cache, class_id id) {
    void *slot;
    thread_wake(cache);
    return alloc_pop(cache, id, &slot) ? slot : cache_refill(cache, id);
}

static struct memory take_small(class_id id) {
    struct cache *cache = thread_enter();
    void         *slot = NULL;
    if (cache)
        slot = pop_or_refill(cache, id);
    else
        arena_take(id, &slot, 1);
    thread_leave();
    thread_beat();
    return (struct memory){slot, false};
}

// By the thread itself; where the kernel does not tell, by all.
static uint64_t time_spent(void) {
    uint64_t ns;
    return os_thread_ran(os_thread_number(), &ns) ? ns : os_now_ns();
}

// Of its pages the first and the last may hold little of it.
static void *take_guarded(const struct alloc_request *request) {
    size_t bytes = request->bytes + 2 * os_page_bytes();
    if (!limit_reserve(bytes))
        return NULL;
    enum thread_phase before = thread_start_begin();
    void             *sample = guarded_take(request->bytes, request->alignment);
    thread_start_end(before);
    limit_release(bytes);
    return sample;
}

// NULL: no sample, or no place for it. A thread that starts has none, and passes for one while it
// looks up its stack of calls, which may come back here under a lock (os_linux_fault.c).
static void *take_sample(const struct alloc_request *request, class_id id) {
    if (thread_root.phase == THREAD_STARTING)
        return NULL;
    struct cache *cache = thread_enter();
    bool is_sample = cache ? cache_meets_sample(cache, id) : pulse_strikes(request->bytes);
    thread_leave();
    if (LIKELY(!is_sample) || pulse_is_early(&thread_root.sample_due_ns, time_spent()))
        return NULL;
    return take_guarded(request);
}

static struct memory from_span(struct span *span) {
    if (!span)
        return (struct memory){NULL, false};
    return (struct memory){(void *)span->base, span->state == SPAN_CLEAN};
}

static struct memory take_hardened(const struct alloc_request *request) {
    struct memory memory = {NULL, false};
    class_id      id = request->heap ? (class_id)CLASS_NONE
                                     : hardened_class(request->bytes, request->alignment);
    if (id == CLASS_NONE)
        memory.start =
            hardened_take(request->heap, request->bytes, request->alignment, &memory.is_zero);
    else if ((memory.start = stock_take(id)) != NULL)
        memory.is_zero = hardened_dress(memory.start, request->bytes);
    thread_visit();
    return memory;
}

static struct memory take(const struct alloc_request *request) {
    if (hardened_is_on())
        return take_hardened(request);
    if (request->heap)
        return (struct memory){user_heap_take(request->heap, request->bytes), false};
    class_id id = size_class_aligned(max_size(request->bytes, 1), request->alignment);
    void *sample = pulse_is_on() && id != CLASS_NONE ? take_sample(request, id) : NULL;
    if (UNLIKELY(sample != NULL))
        return (struct memory){sample, false};
    if (id != CLASS_NONE)
        return take_small(id);
    struct memory memory =
        from_span(arena_take_whole(max_size(request->bytes, 1), request->alignment));
    thread_look();
    return memory;
}

static void fill(const struct alloc_request *request, struct memory memory) {
    uint64_t perturb = option(OPT_PERTURB);
    if (request->zero && !memory.is_zero)
        memset(memory.start, 0, request->bytes);
    else if (UNLIKELY(perturb) && !request->zero)
        memset(memory.start, (int)(perturb ^ 0xff), request->bytes);
}

static struct parked_code fast_paths(void) {
    return (struct parked_code){(uintptr_t)alloc_fast_begin, (uintptr_t)alloc_fast_end};
}

// A handler that comes in between, and forks, is one that came inside.
static unsigned take_parked(size_t *cleaned) {
    thread_mark();
    unsigned taken = parked_take(fast_paths());
    *cleaned = caches_clean();
    thread_leave();
    return taken;
}

size_t alloc_take_parked(void) {
    size_t cleaned;
    take_parked(&cleaned);
    return cleaned;
}

// Other threads are asked so often at most: what runs is asked in vain, and what sleeps has been
// asked. Never by one that is being born, which may hold a lock of libc's. `*next_ns` is relaxed, a
// hint: two who come at once both ask.
static bool may_ask_parked(uint64_t *next_ns, uint64_t wait_ns) {
    uint64_t now_ns = os_now_ns();
    if (thread_root.phase == THREAD_STARTING || now_ns < PEEK(next_ns))
        return false;
    POKE(next_ns, now_ns + wait_ns);
    return true;
}

// What to do before NULL. The thread's own cache counts against a limit like any block.
COLD static bool make_room(size_t bytes) {
    struct cache *cache = thread_enter();
    if (cache && limit_is_set())
        cache_drain(cache);
    thread_leave();
    return arena_reclaim(bytes);
}

// What waits for reuse in a hardened process comes first: as free slots, before a reclaim gives
// their pages back, it serves at a limit, too.
COLD static bool flush_waiting(void) {
    if (!hardened_is_on())
        return false;
    bool some = stock_flush();
    return hardened_flush() || some;
}

// Of a request after room was made: what is free below a limit others may take first.
static unsigned tries(void) {
    return limit_is_set() ? 8 : 1;
}

// Above the soft limit threads that sleep have no use for their caches.
COLD static void keep_limit(void) {
    static uint64_t next_ns;
    if (limit_excess() == 0)
        return;
    if (may_ask_parked(&next_ns, ASK_PARKED_NS))
        alloc_take_parked();
    arena_settle();
}

static void poll_keeper(void) {
    keeper_poll(fast_paths());
}

// The last thing before NULL: what sleeping threads keep is free memory, too.
COLD static struct memory take_from_parked(const struct alloc_request *request) {
    static uint64_t next_ns;
    size_t          cleaned;
    if (!may_ask_parked(&next_ns, VAIN_NS) || take_parked(&cleaned) == 0)
        return (struct memory){NULL, false};
    flush_waiting();
    make_room(request->bytes);
    return take(request);
}

static struct memory take_or_make_room(const struct alloc_request *request) {
    init_ensure();
    struct memory memory = take(request);
    for (unsigned i = 0; UNLIKELY(!memory.start) && i < tries(); i++) {
        if (flush_waiting())
            memory = take(request);
        if (memory.start || !make_room(request->bytes))
            break;
        memory = take(request);
    }
    if (UNLIKELY(!memory.start))
        memory = take_from_parked(request);
    if (limit_is_set())
        keep_limit();
    poll_keeper();
    return memory;
}

// A block of a user's heap would have to be one of its list.
COLD static struct memory take_in_handler(const struct alloc_request *request) {
    void *start = request->heap ? NULL : emergency_take(request->bytes, request->alignment);
    return (struct memory){start, true};
}

void *alloc_any(const struct alloc_request *request) {
    struct memory memory = {NULL, false};
    int           before = errno;
    if (UNLIKELY(thread_is_reentered()))
        memory = take_in_handler(request);
    else if (LIKELY(request->bytes <= PTRDIFF_MAX && request->alignment <= PTRDIFF_MAX))
        memory = take_or_make_room(request);
    if (UNLIKELY(!memory.start)) {
        errno = ENOMEM;
        return NULL;
    }
    fill(request, memory);
    errno = before;
    return memory.start;
}

// The usual reason to be here: an empty stack of a thread that has a cache. NULL: any other.
static void *refill(class_id id) {
    if (UNLIKELY(thread_root.phase != THREAD_LIVE) || UNLIKELY(thread_is_reentered()) ||
        UNLIKELY((option(OPT_PERTURB) | option(OPT_GUARD)) != 0))
        return NULL;
    int           before = errno;
    struct cache *cache = thread_enter();
    void         *slot = LIKELY(cache != NULL) ? pop_or_refill(cache, id) : NULL;
    thread_leave();
    thread_beat();
    if (limit_is_set())
        keep_limit();
    poll_keeper();
    errno = before;
    return slot;
}

NOINLINE static void look(void) {
    int before = errno;
    thread_look();
    poll_keeper();
    errno = before;
}

// Of a hardened process: a block of the thread's stock, where that has enough. NULL, and nothing
// done: alloc_any's.
ALWAYS_INLINE struct stock_block take_ready(size_t bytes) {
    if (UNLIKELY(bytes > STOCK_READY) || UNLIKELY(thread_is_inside()) ||
        UNLIKELY(option(OPT_PERTURB) != 0) || UNLIKELY(limit_is_set()))
        return (struct stock_block){NULL, false};
    struct stock_block block = stock_take_ready(bytes);
    if (LIKELY(block.start != NULL) && thread_visit_is_look())
        look();
    return block;
}

NOINLINE static void *take_slowly(size_t bytes) {
    void *slot = NULL;
    if (bytes <= SMALL_MAX && !hardened_is_on())
        slot = refill(size_class_of(bytes));
    if (LIKELY(slot != NULL))
        return slot;
    return alloc_any(&(struct alloc_request){.bytes = bytes, .alignment = 1});
}

void *alloc_slow(size_t bytes) {
    void *slot = hardened_is_on() ? take_ready(bytes).start : NULL;
    return LIKELY(slot != NULL) ? slot : take_slowly(bytes);
}

void *alloc_slow_zero(size_t bytes) {
    struct stock_block block = {NULL, false};
    if (hardened_is_on())
        block = take_ready(bytes);
    if (UNLIKELY(!block.start))
        return alloc_any(&(struct alloc_request){.bytes = bytes, .alignment = 1, .zero = true});
    return block.is_zero ? block.start : memset(block.start, 0, bytes);
}

void alloc_note_family(void *block, enum family family) {
    if (hardened_is_on())
        hardened_note_family(block, family);
    else if (guarded_owns((uintptr_t)block))
        guarded_note_family(block, family);
}

// --- giving --------------------------------------------------------------------------------------

static void give_small(const char *function, void *pointer, struct block *block) {
    class_id      id = block->id;
    struct cache *cache = thread_enter();
    if (!cache) {
        arena_give(function, id, &pointer, 1);
        arena_settle();
    } else if (*cache->top[id] == pointer) {
        fail_block(function, pointer, "double free of a ", class_bytes(id), "-byte block");
    } else {
        cache_overflow(cache, function, id, pointer);
    }
    thread_leave();
    thread_rest();
}

// What is not the handler's own stays taken for good.
COLD static void give_apart(const char *function, void *pointer, const struct block *block) {
    if (block->kind == BLOCK_EMERGENCY && !emergency_give((uintptr_t)pointer))
        fail_pointer(function, pointer, "memory that is free already");
}

static void give(const char *function, void *pointer, struct block *block) {
    uint64_t perturb = option(OPT_PERTURB);
    if (UNLIKELY(block->kind == BLOCK_EMERGENCY) || UNLIKELY(thread_is_reentered())) {
        give_apart(function, pointer, block);
        return;
    }
    if (hardened_is_on()) {
        struct quarantine_leavers leavers;
        hardened_give(function, block, &leavers);
        stock_put(&leavers);
        return;
    }
    if (UNLIKELY(perturb))
        memset(pointer, (int)perturb, block->usable);
    if (UNLIKELY(block->kind == BLOCK_GUARDED)) {
        enum thread_phase before = thread_start_begin();
        guarded_give(function, pointer);
        thread_start_end(before);
    } else if (UNLIKELY(user_heap_of(block) != NULL))
        user_heap_give(function, block);
    else if (block->kind == BLOCK_SMALL)
        give_small(function, pointer, block);
    else if (block->kind == BLOCK_LARGE)
        arena_give_large(block->span);
    else {
        huge_give(block->span);
        arena_wake_keeper();
    }
}

void alloc_give(const char *function, struct block *block) {
    give(function, (void *)block->base, block);
}

NOINLINE static void free_any(const char *function, void *pointer) {
    if (!pointer)
        return;
    int before = errno;
    init_ensure();
    struct block block = block_find(pointer);
    if (LIKELY(block_is_live(&block))) {
        block_claim(function, &block);
        give(function, pointer, &block);
    } else if (block.kind == BLOCK_FOREIGN)
        foreign_free(function, pointer);
    else
        block_fail(function, pointer, &block);
    errno = before;
}

void alloc_free(const char *function, void *pointer) {
    if (!hardened_is_on() || thread_is_inside() || !stock_give_ready(function, pointer))
        free_any(function, pointer);
}

struct alloc_left alloc_left[CLASS_COUNT];

static bool was_left(const struct block *block, size_t bytes) {
    const struct alloc_left *left = &alloc_left[block->id];
    return block->kind != BLOCK_GUARDED && bytes <= block->usable &&
           (PEEK(&left->larger) || (PEEK(&left->half) && bytes >= block->usable / 2));
}

void alloc_free_sized(const char *function, void *pointer, size_t bytes, size_t alignment) {
    struct block block = block_find(pointer);
    if (pointer && block_is_live(&block) && !block_fits_request(&block, bytes, alignment) &&
        !was_left(&block, bytes))
        block_fail_size(function, pointer, bytes, &block);
    alloc_free(function, pointer);
}

// --- sizes -------------------------------------------------------------------------------------

struct block alloc_find(const void *pointer) {
    struct block block = block_find(pointer);
    thread_mark();
    if (block.kind == BLOCK_SMALL && alloc_is_newest(pointer, block.id)) {
        block.kind = BLOCK_FREED;
        block.usable = 0;
    }
    thread_leave();
    return block;
}

size_t alloc_usable_size(const char *function, const void *pointer) {
    if (!pointer)
        return 0;
    struct block block = alloc_find(pointer);
    if (block.kind == BLOCK_FOREIGN) {
        int before = errno;
        init_ensure();
        size_t usable = foreign_usable_size(function, pointer);
        errno = before;
        return usable;
    }
    if (!block_is_live(&block))
        block_fail(function, pointer, &block);
    return block.usable;
}

size_t alloc_good_size(size_t bytes) {
    if (bytes > PTRDIFF_MAX)
        return 0;
    init_ensure();
    if (hardened_is_on())
        return max_size(bytes, 1);
    if (bytes <= SMALL_MAX)
        return class_bytes(size_class_of(bytes));
    return align_up(bytes, os_page_bytes());
}
