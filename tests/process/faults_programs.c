// tests/process/faults_programs.c - real programs with the library preloaded go on, and write what
// they have to, when a system call of the library fails: the n-th use of each, once; and all from
// there on, of those that nothing can start without.
//
// As tests/process/faults.c, but these programs stand anywhere: where a call was made is looked up
// in the process that makes it. (Naming, moves of the break and handlers of SIGSEGV are the
// library's wherever they are made.)
// They have no children: a signal that comes while a call waits for its answer makes it fail with
// EINTR, a close too.
// PROGRAM MOST takes the first MOST uses of each; 0 = all of them.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/support/fault_calls.h"
#include "tests/support/listener.h"
#include "tests/support/test.h"

enum { RUN_SECONDS = 60, TEXT_MAX = 4096, MOST_DEFAULT = 1 };

static char *const shell[] = {
    "/bin/sh", "-c",
    "s=; i=0; while [ $i -lt 700 ]; do s=\"$s$i \"; i=$((i+1)); done; "
    "n=0; for w in $s $s; do n=$((n+w)); eval v$w=\\$s; done; echo $n ${#s} ${#v9}", NULL};
static char *const perl[] = {
    "/usr/bin/perl", "-e",
    "my %h; $h{$_} = 'x' x ($_ % 700) for 1..4000; my $b = 'y' x 5_000_000; $b .= $h{33} x 100;"
    "delete $h{2 * $_} for 1..2000; print length $b, ' ', scalar(keys %h), ' ',"
    "length(join '', map { $h{$_} } sort keys %h), qq(\\n)", NULL};
static char *const python[] = {
    "/usr/bin/python3", "-S", "-c",
    "d = {i: bytes(i % 3000) for i in range(3000)}; b = bytearray(3 << 20); b += bytes(b); "
    "l = [d.pop(i) for i in range(0, 3000, 2)]; print(len(b), sum(map(len, l)), len(d))", NULL};
static char *const *const programs[] = {shell, perl, python};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

static char *const preload = "LD_PRELOAD=" TEST_LIBRARY;
static char *const worlds[][5] = {
    {preload, "PATH=/usr/bin:/bin", "LC_ALL=C", NULL},
    {preload, "PATH=/usr/bin:/bin", "LC_ALL=C", "TIDE_HARDENED=1", NULL},
};
enum { WORLDS = sizeof worlds / sizeof worlds[0] };

static struct run {
    unsigned world, program, call, nth;
    bool     lasts;
    unsigned uses[FAULT_CALLS];
    char     text[TEXT_MAX];
} run;

// --- whose call it is ---------------------------------------------------------------------------

// The offset in libc's file of an address of a process; 0: it is not in libc.
static uint64_t place_in_libc(unsigned pid, uint64_t address) {
    char     path[40], line[512];
    uint64_t place = 0;
    snprintf(path, sizeof path, "/proc/%u/maps", pid);
    FILE *file = fopen(path, "r");
    while (file && !place && fgets(line, sizeof line, file)) {
        uint64_t start, end, offset;
        if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && address >= start &&
            address < end && strstr(line, "/libc.so") != NULL)
            place = address - start + offset;
    }
    if (file)
        fclose(file);
    return place;
}

static bool is_of_library(const struct seccomp_notif *told) {
    static uint64_t of_syscall;
    if (told->data.nr == SYS_brk || told->data.nr == SYS_rt_sigaction ||
        (told->data.nr == SYS_prctl && told->data.args[0] == 0x53564d41))
        return true;
    if (!of_syscall)
        of_syscall = place_in_libc((unsigned)getpid(), (uintptr_t)syscall);
    CHECK(of_syscall != 0);
    uint64_t place = place_in_libc(told->pid, told->data.instruction_pointer);
    return place > of_syscall && place <= of_syscall + LISTENER_SYSCALL_BYTES;
}

static int decide(void *context, const struct seccomp_notif *told) {
    unsigned call = fault_call_of(&told->data);
    (void)context;
    if (call == FAULT_CALLS || !is_of_library(told))
        return LISTENER_PASS;
    unsigned use = ++run.uses[call];
    if (call != run.call || use < run.nth || (use > run.nth && !run.lasts))
        return LISTENER_PASS;
    return run.lasts ? fault_calls[call].always : fault_calls[call].once;
}

// --- one run ------------------------------------------------------------------------------------

__attribute__((noreturn)) static void become_program(int channel, int out) {
    unsigned numbers[FAULT_CALLS];
    for (unsigned i = 0; i < FAULT_CALLS; i++)
        numbers[i] = fault_calls[i].number;
    dup2(out, STDOUT_FILENO);
    listener_start(channel, numbers, FAULT_CALLS, false);
    execve(programs[run.program][0], programs[run.program], worlds[run.world]);
    _exit(126);
}

static void read_all(int fd) {
    size_t  length = 0;
    ssize_t got;
    while (length < TEXT_MAX - 1 && (got = read(fd, run.text + length, TEXT_MAX - 1 - length)) > 0)
        length += (size_t)got;
    run.text[length] = 0;
}

// What the program wrote is in run.text. Returns how it ended.
static int run_it(void) {
    int channel[2], out[2], status;
    memset(run.uses, 0, sizeof run.uses);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
    CHECK_EQ(pipe(out), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        become_program(channel[1], out[1]);
    close(out[1]);
    int listener = listener_receive(channel[0]);
    if (listener < 0)
        test_skip("no seccomp listener for the calls of a program (Linux 5.5, or a filter)");
    listener_serve(listener, RUN_SECONDS, decide, NULL);
    read_all(out[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    close(out[0]);
    close(channel[0]);
    close(channel[1]);
    return status;
}

static void must_write(const char *expected) {
    char text[200];
    int  status = run_it();
    if (status == 0 && (!expected || strcmp(run.text, expected) == 0))
        return;
    snprintf(text, sizeof text, "%s, world %u: %s, use %u%s: ended with %x, wrote %.80s",
             programs[run.program][0], run.world,
             run.call < FAULT_CALLS ? fault_calls[run.call].name : "no call", run.nth,
             run.lasts ? " and all after it" : "", (unsigned)status, run.text);
    test_fail(__FILE__, __LINE__, text);
}

// --- all runs -----------------------------------------------------------------------------------

// Without these for good nothing starts, and nothing has to.
static bool is_needed(unsigned call) {
    return fault_calls[call].number == SYS_mmap || fault_calls[call].number == SYS_mprotect;
}

static unsigned faults_of(unsigned call, unsigned most, const char *expected) {
    unsigned done = 0;
    run.call = call;
    for (unsigned mode = 0; mode < (is_needed(call) ? 1u : 2u); mode++) {
        run.lasts = mode == 1;
        for (run.nth = 1; most == 0 || run.nth <= most; run.nth++) {
            must_write(expected);
            if (run.uses[call] < run.nth)
                break;
            done++;
        }
    }
    return done;
}

static unsigned faults_in(unsigned world, unsigned program, unsigned most) {
    char     expected[TEXT_MAX], text[200];
    unsigned sum = 0, uses[FAULT_CALLS];
    run = (struct run){.world = world, .program = program, .call = FAULT_CALLS};
    must_write(NULL);
    memcpy(expected, run.text, sizeof expected);
    memcpy(uses, run.uses, sizeof uses);
    CHECK(expected[0] != 0 && uses[0] > 0);  // the library is there
    for (unsigned call = 0; call < FAULT_CALLS; call++)
        sum += uses[call] > 0 ? faults_of(call, most, expected) : 0;
    snprintf(text, sizeof text, "%s, world %u: %u faults\n", programs[program][0], world, sum);
    test_say(text);
    return sum;
}

int main(int argc, char **argv) {
    unsigned most = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : MOST_DEFAULT, sum = 0;
    for (unsigned program = 0; program < PROGRAMS; program++)
        for (unsigned world = 0; world < WORLDS && access(programs[program][0], X_OK) == 0; world++)
            sum += faults_in(world, program, most);
    printf("%u runs with a fault\n", sum);
    return 0;
}
