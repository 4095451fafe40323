// bench/kv/kv_net.c - sockets of this machine only: a Unix socket or loopback TCP.
#include "kv_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

struct endpoint {
    union {
        struct sockaddr     any;
        struct sockaddr_un  local;
        struct sockaddr_in  internet;
    } name;
    socklen_t bytes;
};

static int endpoint_local(struct endpoint *endpoint, const char *path) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof endpoint->name.local.sun_path)
        return -1;
    endpoint->name.local.sun_family = AF_UNIX;
    memcpy(endpoint->name.local.sun_path, path, length + 1);
    endpoint->bytes = sizeof endpoint->name.local;
    return 0;
}

static int endpoint_loopback(struct endpoint *endpoint, const char *text) {
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || port == 0 || port > UINT16_MAX)
        return -1;
    endpoint->name.internet.sin_family = AF_INET;
    endpoint->name.internet.sin_port = htons((uint16_t)port);
    endpoint->name.internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    endpoint->bytes = sizeof endpoint->name.internet;
    return 0;
}

static int endpoint_parse(struct endpoint *endpoint, const char *address) {
    int failed = -1;
    memset(endpoint, 0, sizeof *endpoint);
    if (strncmp(address, "unix:", 5) == 0)
        failed = endpoint_local(endpoint, address + 5);
    else if (strncmp(address, "tcp:", 4) == 0)
        failed = endpoint_loopback(endpoint, address + 4);
    if (failed)
        errno = EINVAL;
    return failed;
}

// Small requests must not wait for a full packet. Has no meaning for a Unix socket.
static void send_at_once(int fd) {
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int close_failed(int fd) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int kv_listen(const char *address) {
    struct endpoint endpoint;
    int one = 1;
    if (endpoint_parse(&endpoint, address) != 0)
        return -1;
    int family = endpoint.name.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (family == AF_UNIX)
        unlink(endpoint.name.local.sun_path);
    else
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, &endpoint.name.any, endpoint.bytes) != 0 || listen(fd, BACKLOG) != 0)
        return close_failed(fd);
    return fd;
}

int kv_accept(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        send_at_once(fd);
    return fd;
}

// Connects while still blocking: a full backlog then means waiting, not an error.
int kv_connect(const char *address) {
    struct endpoint endpoint;
    if (endpoint_parse(&endpoint, address) != 0)
        return -1;
    int fd = socket(endpoint.name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, &endpoint.name.any, endpoint.bytes) != 0)
        return close_failed(fd);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return close_failed(fd);
    send_at_once(fd);
    return fd;
}

void kv_unlisten(const char *address, int listener) {
    if (listener < 0)
        return;
    close(listener);
    if (strncmp(address, "unix:", 5) == 0)
        unlink(address + 5);
}
