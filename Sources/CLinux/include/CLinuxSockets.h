// What Swift cannot express or import of Linux's local sockets: control messages are made of
// macros, SO_PEERCRED's struct and accept4 hide behind _GNU_SOURCE.
//
// Every call answers as its system call does: -1 and errno on failure. Nothing is retained.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

// The kernel's own bound on descriptors in one message (SCM_MAX_FD, unix(7)) is 253.
#define CLINUX_DESCRIPTORS_MAX 16

// Same layout as struct ucred (unix(7)).
struct clinux_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

// Sends bytes, with descriptors attached to the first of them. The caller keeps the descriptors.
// SIGPIPE is not raised. Returns the bytes taken, which may be fewer than count; the descriptors
// have gone with them. EINVAL: more than CLINUX_DESCRIPTORS_MAX, or descriptors without a byte.
static inline ssize_t clinux_send(
    int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count)
{
    if (descriptor_count > CLINUX_DESCRIPTORS_MAX || (descriptor_count > 0 && count == 0)) {
        errno = EINVAL;
        return -1;
    }
    union {
        struct cmsghdr header; // for its alignment
        char space[CMSG_SPACE(sizeof(int) * CLINUX_DESCRIPTORS_MAX)];
    } control;
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

// Receives bytes and the descriptors attached to them, close-on-exec; the caller owns those.
// descriptors has room for CLINUX_DESCRIPTORS_MAX; *truncated is 1 when there were more (the kernel
// has closed the rest). One call returns the descriptors of at most one sendmsg, and ends with bytes
// of it (unix(7): data that carry descriptors are a barrier). Returns 0 at the end of the stream.
static inline ssize_t clinux_receive(
    int socket, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count,
    int *truncated)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * CLINUX_DESCRIPTORS_MAX)];
    } control;
    struct iovec vector = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    *descriptor_count = 0;
    *truncated = 0;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0)
        return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        // The control buffer holds no more than CLINUX_DESCRIPTORS_MAX over all headers.
        memcpy(descriptors + *descriptor_count, CMSG_DATA(header), count * sizeof(int));
        *descriptor_count += count;
    }
    *truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    return received;
}

// Who connected (the credentials at connect(2)), as this process's user namespace shows them.
static inline int clinux_peer_credentials(int socket, struct clinux_credentials *credentials)
{
    socklen_t length = sizeof *credentials;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, credentials, &length);
}

// A stream socket for local use, close-on-exec. Blocking unless nonblocking is 1.
static inline int clinux_unix_socket(int nonblocking)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
}

// Fills in the address of a path. ENAMETOOLONG: it has more than 107 bytes (unix(7)).
static inline int clinux_unix_address(const char *path, struct sockaddr_un *address)
{
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

static inline int clinux_unix_bind(int socket, const char *path)
{
    struct sockaddr_un address;
    if (clinux_unix_address(path, &address) != 0)
        return -1;
    return bind(socket, (const struct sockaddr *)&address, sizeof address);
}

static inline int clinux_unix_connect(int socket, const char *path)
{
    struct sockaddr_un address;
    if (clinux_unix_address(path, &address) != 0)
        return -1;
    return connect(socket, (const struct sockaddr *)&address, sizeof address);
}

// 1 when descriptor is a listening local stream socket, 0 when it is something else.
static inline int clinux_is_unix_listener(int descriptor)
{
    int domain = 0, type = 0, listening = 0;
    socklen_t length = sizeof(int);
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0
        || getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) != 0
        || getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
        return 0;
    return domain == AF_UNIX && type == SOCK_STREAM && listening;
}

// Takes a connection, close-on-exec and non-blocking (accept4(2), which needs _GNU_SOURCE in libc).
static inline int clinux_accept(int listener)
{
    return (int)syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// An event counter (eventfd(2)), close-on-exec and non-blocking.
static inline int clinux_event_counter(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

// Blocks SIGINT for the calling thread (and those it starts) and returns a descriptor that becomes
// readable when one is pending (signalfd(2)), close-on-exec and non-blocking.
static inline int clinux_interrupt_signal(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}
