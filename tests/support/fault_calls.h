// support/fault_calls.h - the system calls that the library makes, and how each of them fails.
#pragma once
#include <errno.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

// `always` is what the call answers in the second mode, where a kernel could answer so for good.
static const struct fault_call {
    const char *name;
    unsigned    number;
    int         once, always;
} fault_calls[] = {
    {"mmap", SYS_mmap, ENOMEM, ENOMEM},
    {"munmap", SYS_munmap, ENOMEM, ENOMEM},
    {"mprotect", SYS_mprotect, ENOMEM, ENOMEM},
    {"madvise", SYS_madvise, EAGAIN, EINVAL},
    {"mremap", SYS_mremap, ENOMEM, EPERM},
    {"brk", SYS_brk, 0, 0},
    {"prctl (naming)", SYS_prctl, ENOMEM, EINVAL},
    {"mincore", SYS_mincore, EAGAIN, EPERM},
    {"futex (wait)", SYS_futex, EINTR, EAGAIN},
    {"openat", SYS_openat, EMFILE, EACCES},
    {"read", SYS_read, EINTR, EIO},
    {"close", SYS_close, EINTR, EINTR},
    {"pread64", SYS_pread64, EIO, EIO},
    {"ppoll", SYS_ppoll, EINTR, ENOMEM},
    {"close_range", SYS_close_range, ENOMEM, ENOSYS},
    {"readlinkat", SYS_readlinkat, ENOENT, EACCES},
    {"newfstatat", SYS_newfstatat, EACCES, EACCES},
    {"faccessat", SYS_faccessat, EACCES, EACCES},
    {"process_vm_readv", SYS_process_vm_readv, ENOMEM, EPERM},
    {"sched_getaffinity", SYS_sched_getaffinity, EPERM, ENOSYS},
    {"sysinfo", SYS_sysinfo, EFAULT, ENOSYS},
    {"gettid", SYS_gettid, EPERM, ENOSYS},
    {"rt_sigaction", SYS_rt_sigaction, EPERM, EPERM},
};
enum { FAULT_CALLS = sizeof fault_calls / sizeof fault_calls[0] };

// Uses that the kernel refuses nobody do not count: asking where the break is, waking. FAULT_CALLS:
// none of them.
static inline unsigned fault_call_of(const struct seccomp_data *data) {
    unsigned call = 0;
    while (call < FAULT_CALLS && fault_calls[call].number != (unsigned)data->nr)
        call++;
    if ((data->nr == SYS_brk && data->args[0] == 0) ||
        (data->nr == SYS_futex && (data->args[1] & FUTEX_CMD_MASK) != FUTEX_WAIT))
        return FAULT_CALLS;
    return call;
}
