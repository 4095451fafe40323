// support/listener.c - see listener.h.
#include "tests/support/listener.h"

#include <linux/filter.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/support/test.h"

enum {
    NAMING = 0x53564d41,  // PR_SET_VMA
    FILTER_MAX = 100,
};

static int install(const unsigned *numbers, unsigned calls, bool is_static) {
    uint32_t           start = is_static ? (uint32_t)(uintptr_t)syscall : 0;
    uint32_t           end = is_static ? start + LISTENER_SYSCALL_BYTES : UINT32_MAX;
    struct sock_filter code[FILTER_MAX];
    unsigned short     count = 0;
#define ADD(...) (code[count++] = (struct sock_filter)__VA_ARGS__)
    unsigned tell = SECCOMP_RET_USER_NOTIF, allow = SECCOMP_RET_ALLOW;
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_brk, 0, 1));
    ADD(BPF_STMT(BPF_RET | BPF_K, tell));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NAMING, 0, 1));
    ADD(BPF_STMT(BPF_RET | BPF_K, tell));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigaction, 0, 4));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SIGSEGV, 1, 0));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SIGBUS, 0, 1));
    ADD(BPF_STMT(BPF_RET | BPF_K, tell));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, start, 1, 0));
    ADD(BPF_STMT(BPF_RET | BPF_K, allow));
    ADD(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, end, 0, 1));
    ADD(BPF_STMT(BPF_RET | BPF_K, allow));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    for (unsigned i = 0; i < calls; i++) {
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], 0, 1));
        ADD(BPF_STMT(BPF_RET | BPF_K, tell));
    }
    ADD(BPF_STMT(BPF_RET | BPF_K, allow));
    CHECK(count <= FILTER_MAX);
    struct sock_fprog program = {count, code};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

static void message_of(struct msghdr *message, struct iovec *part, char *room, size_t room_bytes) {
    static char byte;
    *part = (struct iovec){&byte, 1};
    *message = (struct msghdr){
        .msg_iov = part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = room_bytes};
}

static void send_descriptor(int channel, int fd) {
    struct msghdr                 message;
    struct iovec                  part;
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)] = {0};
    message_of(&message, &part, room, sizeof room);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    CHECK(sendmsg(channel, &message, 0) == 1);
}

int listener_receive(int channel) {
    struct msghdr                 message;
    struct iovec                  part;
    int                           fd = -1;
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)] = {0};
    message_of(&message, &part, room, sizeof room);
    CHECK(recvmsg(channel, &message, MSG_CMSG_CLOEXEC) == 1);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

void listener_start(int channel, const unsigned *numbers, unsigned calls, bool is_static) {
    int listener = install(numbers, calls, is_static);
    if (listener >= 0) {
        send_descriptor(channel, listener);
        close(listener);
    } else {
        CHECK(write(channel, "", 1) == 1);
    }
}

static void answer(int listener, int (*decide)(void *context, const struct seccomp_notif *told),
                   void *context) {
    struct seccomp_notif      told;
    struct seccomp_notif_resp reply;
    memset(&told, 0, sizeof told);
    memset(&reply, 0, sizeof reply);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &told) != 0)
        return;  // it ended meanwhile
    reply.id = told.id;
    int error = decide(context, &told);
    if (error == LISTENER_PASS)
        reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
        reply.error = -error;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

void listener_serve(int listener, unsigned seconds,
                    int (*decide)(void *context, const struct seccomp_notif *told), void *context) {
    struct pollfd file = {listener, POLLIN, 0};
    while (poll(&file, 1, (int)seconds * 1000) > 0 && (file.revents & POLLIN))
        answer(listener, decide, context);
    close(listener);
}
