// tests/support/proc.h - what the kernel says of this process, and running others.
//
// Guarantees: the readings of /proc allocate nothing and open no stream, so measuring does not
// change what is measured; every wait has an end.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROC_TEXT_MAX = 16384 };

struct proc_result {
    bool   hung;                // it had to be killed
    int    signal;              // the signal that ended it; 0 = it exited
    int    status;              // its exit status
    size_t out_bytes;           // length of out
    char   out[PROC_TEXT_MAX];  // stdout, cut there and NUL-terminated
    char   err[PROC_TEXT_MAX];  // stderr, likewise
};

// Resident bytes of the process, counted page by page by the kernel.
size_t proc_rss(void);

// Resident bytes of private anonymous memory: the heap and the stacks without program files.
size_t proc_rss_anonymous(void);

// What of it the kernel may take when it wants (MADV_FREE).
size_t proc_rss_lazy(void);

// One figure of /proc/self/status, in bytes; key without colon, "VmHWM". Fails when absent.
size_t proc_status_bytes(const char *key);

// Number of mappings of the process.
size_t proc_map_count(void);

// Threads of the process.
size_t proc_thread_count(void);

// The path of the running program, in a static buffer.
const char *proc_self(void);

// The value of NAME in the program's environment, or "" ; reads environ, allocates nothing.
const char *proc_env(const char *name);

// A file in memory for output to be read back.
int  proc_memory_file(void);
void proc_read_back(int fd, char *text, size_t text_bytes);

// Waits so many seconds for a child; kills and reaps it and returns false when they run out.
bool proc_wait(pid_t pid, unsigned seconds, int *status);

// Waits for all of them together; returns how many hung. Those that ended badly are counted in
// *failed.
unsigned proc_wait_all(const pid_t *pids, unsigned count, unsigned seconds, unsigned *failed);

// Runs argv[0] by its path with exactly the environment env, stdout and stderr caught.
void proc_run(const char *const argv[], char *const env[], unsigned seconds,
              struct proc_result *out);

// The environment of this process without any variable that starts with one of the prefixes
// (NULL-terminated), plus the extra entries. In a static buffer that the next call reuses.
char **proc_environment(const char *const drop[], const char *const extra[]);
