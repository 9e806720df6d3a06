// Listening TCP sockets by address and port, with the numbers as strings: what bind(2) wants as structures.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Binds and listens. `address` is a numeric IPv4 or IPv6 address; "::" takes both families.
// Returns a descriptor (close-on-exec, non-blocking) or -errno; EINVAL for what is no address.
static inline int clinux_tcp_listen(const char *address, uint16_t port, int backlog) {
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    memset(&v6, 0, sizeof v6);
    memset(&v4, 0, sizeof v4);
    int is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    if (!is_v6 && inet_pton(AF_INET, address, &v4.sin_addr) != 1) return -EINVAL;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);

    int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    int on = 1, off = 0;
    const struct sockaddr *target = is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || (is_v6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        || bind(descriptor, target, is_v6 ? sizeof v6 : sizeof v4) != 0
        || listen(descriptor, backlog) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

// The port that a socket is bound to, or -errno.
static inline int clinux_local_port(int descriptor) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) return -errno;
    switch (address.ss_family) {
    case AF_INET: return ntohs(((struct sockaddr_in *)&address)->sin_port);
    case AF_INET6: return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    default: return -EAFNOSUPPORT;
    }
}

// The numeric address that a TCP socket is bound to, as text (at least INET6_ADDRSTRLEN bytes).
// Returns 0 or -errno.
static inline int clinux_local_address(int descriptor, char *text, size_t size) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) return -errno;
    const void *bytes = address.ss_family == AF_INET6
        ? (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr
        : (const void *)&((struct sockaddr_in *)&address)->sin_addr;
    return inet_ntop(address.ss_family, bytes, text, (socklen_t)size) ? 0 : -errno;
}

// 1 when descriptor is a socket that takes no IPv4 clients, 0 when it does or is none of IPv6.
static inline int clinux_is_v6_only(int descriptor) {
    int only = 0;
    socklen_t length = sizeof only;
    return getsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) == 0 && only;
}

// 1 when descriptor is a listening TCP socket, 0 when it is something else.
static inline int clinux_is_tcp_listener(int descriptor) {
    int domain = 0, protocol = 0, listening = 0;
    socklen_t length = sizeof(int);
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0
        || getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0
        || getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
        return 0;
    return (domain == AF_INET || domain == AF_INET6) && protocol == IPPROTO_TCP && listening;
}
