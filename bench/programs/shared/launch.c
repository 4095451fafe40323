// programs/shared/launch.c - runs a command under a preload and writes down what it cost.
//
//   launch FIGURES PRELOAD COMMAND...      an empty PRELOAD is none
//
// FIGURES gets one line: seconds, user seconds, system seconds, peak RSS in KiB, minor faults, and
// the status as wait() has it. CPU time and faults are those of the command and of all descendants
// that were waited for; the peak is that of the largest of them.
//
// Why not from Python: the peak that the kernel keeps for a process survives exec, so a command
// that a large process forks begins with the size of that one. This program is smaller than any
// command. Whoever kills it kills the command as well.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_NOT_STARTED = 127, EXIT_OWN_FAILURE = 126, NS_PER_S = 1000000000 };

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}

static double in_s(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void become(const char *preload, char **command) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (*preload)
        setenv("LD_PRELOAD", preload, 1);
    else
        unsetenv("LD_PRELOAD");
    execvp(command[0], command);
    fprintf(stderr, "launch: %s: %s\n", command[0], strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

static int own_failure(const char *what) {
    fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
    return EXIT_OWN_FAILURE;
}

int main(int count, char **words) {
    if (count < 4)
        return own_failure("usage: launch FIGURES PRELOAD COMMAND...");
    FILE *figures = fopen(words[1], "we");
    if (!figures)
        return own_failure(words[1]);
    double start = now_s();
    pid_t  pid = fork();
    if (pid == 0)
        become(words[2], words + 3);
    struct rusage usage;
    int           status;
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        return own_failure("fork or wait");
    fprintf(figures, "%.6f %.6f %.6f %ld %ld %d\n", now_s() - start, in_s(usage.ru_utime),
            in_s(usage.ru_stime), usage.ru_maxrss, usage.ru_minflt, status);
    return fclose(figures) == 0 ? 0 : own_failure(words[1]);
}
