// os/os_linux_fault.c - the door on Linux: accesses that fail, stacks of calls, what an address is.
//
// Stacks are libc's backtrace, where libc has one (glibc): it reads the unwind tables, so programs
// need no frame pointers. It loads libgcc_s at its first use, with malloc and locks of the dynamic
// linker; os_calls_start is that first use. Later ones allocate nothing, and with glibc 2.35 and
// later take no lock; before, the dynamic linker's own, which a thread may take twice. But where
// the program registered code of its own (__register_frame), libgcc before 13 allocates under a
// lock of its own, once for each piece. In a static program, in an auditor's namespace, and with
// other libcs, chains of frame pointers are followed, through the kernel: code that was built
// without any leaves anything in that register.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include "base/text.h"
#include "os/os.h"
#include "os/os_linux.h"

extern int backtrace(void **places, int most) __attribute__((weak));
#ifdef LM_ID_BASE
extern int dladdr1(const void *address, Dl_info *info, void **extra, int flags)
    __attribute__((weak));
extern int dlinfo(void *restrict handle, int request, void *restrict info) __attribute__((weak));
#endif

// --- faults --------------------------------------------------------------------------------------

enum { OF_SEGV, OF_BUS };

// Written once, before the handlers are there, then sealed.
static APART struct {
    _Alignas(OS_SEALED_BYTES) void (*hook)(const struct os_fault *fault);
    struct sigaction before[2];
} fault_page;
static bool is_spent[2];  // a handler that wanted one signal had it; relaxed: of two the last asks

#if defined(__x86_64__)
static void read_context(const ucontext_t *context, struct os_fault *fault) {
    enum { TRAP_PAGE_FAULT = 14, ERROR_WRITE = 2 };
    const greg_t *registers = context->uc_mcontext.gregs;
    fault->code = (uintptr_t)registers[REG_RIP];
    fault->frame = (uintptr_t)registers[REG_RBP];
    if (registers[REG_TRAPNO] == TRAP_PAGE_FAULT)
        fault->kind = registers[REG_ERR] & ERROR_WRITE ? OS_FAULT_WRITE : OS_FAULT_READ;
}
#elif defined(__aarch64__)
// The syndrome is one of the records behind the registers: magic, size, then its own.
static void read_context(const ucontext_t *context, struct os_fault *fault) {
    enum { MAGIC = 0x45535201, WRITE_NOT_READ = 1 << 6 };
    const unsigned char *at = context->uc_mcontext.__reserved;
    const unsigned char *end = at + sizeof context->uc_mcontext.__reserved;
    fault->code = context->uc_mcontext.pc;
    fault->frame = context->uc_mcontext.regs[29];
    while (at + 16 <= end) {
        const uint32_t *head = (const uint32_t *)(const void *)at;
        if (head[0] == MAGIC)
            fault->kind = head[2] & WRITE_NOT_READ ? OS_FAULT_WRITE : OS_FAULT_READ;
        if (head[0] == MAGIC || head[1] == 0)
            return;
        at += head[1];
    }
}
#else
static void read_context(const ucontext_t *context, struct os_fault *fault) {
    (void)context;
    (void)fault;
}
#endif

// The default action: of an access that failed it comes when the access is made again, of a signal
// that somebody sent when it is sent again, which waits until this handler is over.
static void end_by(int signal, const siginfo_t *info) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
    if (info->si_code <= 0)
        syscall(SYS_tgkill, syscall(SYS_getpid), (long)os_thread_number(), signal);
}

// As the kernel would have called it: a one-shot handler is gone after. But for the stack: we asked
// for the alternate one, and are on it.
static void pass_on(int signal, siginfo_t *info, void *context) {
    unsigned         index = signal == SIGSEGV ? OF_SEGV : OF_BUS;
    struct sigaction action = fault_page.before[index];
    if (PEEK(&is_spent[index]))
        action.sa_handler = SIG_DFL;
    if (action.sa_flags & SA_RESETHAND)
        POKE(&is_spent[index], true);
    if (action.sa_handler == SIG_DFL)
        end_by(signal, info);
    else if (action.sa_handler == SIG_IGN && info->si_code <= 0)
        return;
    else if (action.sa_handler == SIG_IGN)
        end_by(signal, info);
    else if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(signal, info, context);
    else
        action.sa_handler(signal);
}

static void on_signal(int signal, siginfo_t *info, void *context) {
    int saved = errno;
    if (info->si_code > 0) {
        struct os_fault fault = {.address = (uintptr_t)info->si_addr};
        read_context(context, &fault);
        fault_page.hook(&fault);
    }
    errno = saved;
    pass_on(signal, info, context);
}

// Blocked while it runs is what was blocked before.
static int install(int signal, const struct sigaction *before) {
    struct sigaction action = {.sa_mask = before->sa_mask};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | (before->sa_flags & (SA_NODEFER | SA_RESTART));
    return sigaction(signal, &action, NULL) == 0 ? 0 : errno;
}

int os_fault_hook(void (*hook)(const struct os_fault *fault)) {
    struct sigaction *before = fault_page.before;
    if (sigaction(SIGSEGV, NULL, &before[OF_SEGV]) != 0 ||
        sigaction(SIGBUS, NULL, &before[OF_BUS]) != 0)
        return errno;
    fault_page.hook = hook;
    os_seal(&fault_page, sizeof fault_page, true);
    int error = install(SIGSEGV, &before[OF_SEGV]);
    return error ? error : install(SIGBUS, &before[OF_BUS]);
}

// --- stacks --------------------------------------------------------------------------------------

enum { FRAME_MOST = 1 << 20 };  // bytes from one frame to the next

static bool has_tables;  // written by os_calls_start

// An auditor's namespace (LD_AUDIT) has a libgcc_s of its own, which aborts where the linker calls
// the auditor amid the loading of something else.
static bool is_programs_namespace(void) {
#ifdef LM_ID_BASE
    Dl_info info;
    void   *map = NULL;
    Lmid_t  space = LM_ID_BASE;
    if (dladdr1 && dlinfo && dladdr1(&has_tables, &info, &map, RTLD_DL_LINKMAP) != 0 && map)
        dlinfo(map, RTLD_DI_LMID, &space);
    return space == LM_ID_BASE;
#else
    return true;
#endif
}

void os_calls_start(void) {
    void *place;
    if (!backtrace || !is_programs_namespace())
        return;
    backtrace(&place, 1);
    has_tables = true;
}

// A frame is its caller's frame and where it returns to, in code of every system here.
static unsigned follow(uintptr_t frame, uintptr_t *places, unsigned most) {
    unsigned  count = 0;
    uintptr_t next[2];
    while (count < most && is_aligned(frame, sizeof frame) &&
           os_copy(next, (const void *)frame, sizeof next) && next[1] != 0) {
        places[count++] = next[1];
        if (next[0] <= frame || next[0] - frame > FRAME_MOST)
            break;
        frame = next[0];
    }
    return count;
}

unsigned os_calls(uintptr_t *places, unsigned most) {
    if (!has_tables)
        return follow((uintptr_t)__builtin_frame_address(0), places, most);
    int count = backtrace((void **)places, (int)most);
    return count > 0 ? (unsigned)count : 0;
}

// Libc's stack begins here, in the handler: what comes before the fault is left out. A jump to
// nowhere has no frame, only the one it came from.
unsigned os_calls_of_fault(const struct os_fault *fault, uintptr_t *places, unsigned most) {
    unsigned count = has_tables ? os_calls(places, most) : 0, first = 0;
    while (first < count && places[first] != fault->code)
        first++;
    if (first == count) {
        places[0] = fault->code;
        return most > 1 && !has_tables ? 1 + follow(fault->frame, places + 1, most - 1) : 1;
    }
    for (unsigned i = first; i < count; i++)
        places[i - first] = places[i];
    return count - first;
}

// --- places --------------------------------------------------------------------------------------

// A line of /proc/self/maps: "start-end rwxp offset dev:ice inode      path".
struct mapping {
    uintptr_t   start, end, offset;
    bool        is_readable;
    const char *path;
    size_t      path_length;
};

static const char *read_hex(const char *at, uintptr_t *number) {
    for (*number = 0;; at++) {
        unsigned digit = (unsigned)(*at - '0'), letter = (unsigned)(*at - 'a');
        if (digit > 9 && letter > 5)
            return at;
        *number = *number * 16 + (digit <= 9 ? digit : letter + 10);
    }
}

static const char *skip_field(const char *at) {
    while (*at && *at != ' ')
        at++;
    while (*at == ' ')
        at++;
    return at;
}

static void read_line(const char *line, struct mapping *mapping) {
    line = read_hex(line, &mapping->start);
    line = read_hex(line + (*line == '-'), &mapping->end);
    line = skip_field(line);
    mapping->is_readable = *line == 'r';
    line = read_hex(skip_field(line), &mapping->offset);
    mapping->path = skip_field(skip_field(skip_field(line)));
    mapping->path_length = text_length(mapping->path);
}

static void put_module(struct os_place *place, const struct mapping *mapping) {
    size_t length = min_size(mapping->path_length, OS_MODULE_BYTES - 1);
    for (size_t i = 0; i < length; i++)
        place->module[i] = mapping->path[mapping->path_length - length + i];
    place->module[length] = 0;
}

struct search {
    struct os_place *places;
    unsigned         count;
    uintptr_t        base;      // of the module whose lines these are
    uintptr_t        program;   // an address in the program's own
    bool             has_head;    // it is a file, and can be read there
    bool             is_program;  // the module has that address
};

// The first mapping of a file has its head: byte 16 says whether its symbols are addresses as they
// are (2: a program at a place of its own) or count from there. Asked of files with code that runs
// only: others may be devices, or shorter than their mapping by now.
static bool is_at_its_place(const struct search *search) {
    const unsigned char *head = (const unsigned char *)search->base;
    return search->has_head && head[0] == 0x7f && head[16] == 2;
}

// Modules' lines are together, first that of their heads.
static void visit(struct search *search, const struct mapping *mapping) {
    if (mapping->offset == 0) {
        search->base = mapping->start;
        search->has_head = mapping->is_readable && mapping->path[0] == '/';
        search->is_program = false;
    }
    uintptr_t us = (uintptr_t)os_find_places;
    search->is_program |= search->program - mapping->start < mapping->end - mapping->start;
    for (unsigned i = 0; i < search->count; i++) {
        struct os_place *place = &search->places[i];
        if (place->address < mapping->start || place->address >= mapping->end)
            continue;
        place->offset = place->address - (is_at_its_place(search) ? 0 : search->base);
        place->is_ours = us >= mapping->start && us < mapping->end && !search->is_program;
        put_module(place, mapping);
    }
}

static void visit_lines(int fd, struct search *search) {
    static char text[4096];  // one reader
    size_t      held = 0;
    long        got;
    while ((got = syscall(SYS_read, fd, text + held, sizeof text - 1 - held)) > 0) {
        held += (size_t)got;
        size_t begin = 0;
        for (size_t i = 0; i < held; i++) {
            struct mapping mapping;
            if (text[i] != '\n')
                continue;
            text[i] = 0;
            read_line(text + begin, &mapping);
            visit(search, &mapping);
            begin = i + 1;
        }
        if (begin == 0 && held == sizeof text - 1)
            begin = held;  // no path is that long
        for (size_t i = begin; i < held; i++)
            text[i - begin] = text[i];
        held -= begin;
    }
}

void os_find_places(struct os_place *places, unsigned count) {
    struct search search = {.places = places, .count = count};
    search.program = (uintptr_t)getauxval(AT_PHDR);
    for (unsigned i = 0; i < count; i++) {
        places[i].offset = places[i].address;
        places[i].is_ours = false;
        places[i].module[0] = 0;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    visit_lines(fd, &search);
    syscall(SYS_close, fd);
}
