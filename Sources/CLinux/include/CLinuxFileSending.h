#pragma once
// Reading a file only as far as the page cache has it: preadv2 is hidden behind _GNU_SOURCE.

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// preadv2(2) with RWF_NOWAIT: what of the range is in memory now, from its start on. -1 with EAGAIN when that is nothing,
// with EOPNOTSUPP where the file system cannot say. 0 at the end of the file. The buffer is the caller's.
static inline ssize_t clinux_read_resident(int descriptor, void *buffer, size_t count, int64_t offset)
{
    struct iovec vector = {.iov_base = buffer, .iov_len = count};
    ssize_t received;
    do {
        // The kernel takes the offset in two halves of a long; on 64 bits the second one says nothing.
        received = syscall(
            SYS_preadv2, descriptor, &vector, 1UL, (unsigned long)(uint64_t)offset,
            (unsigned long)((uint64_t)offset >> 32), 0x8 /* RWF_NOWAIT */);
    } while (received < 0 && errno == EINTR);
    return received;
}

// Whether the byte at the offset is in memory: 1, 0 when it is not or nobody can say, -1 past the end of the file.
static inline int clinux_is_resident(int descriptor, int64_t offset)
{
    char byte;
    ssize_t received = clinux_read_resident(descriptor, &byte, 1, offset);
    return received == 1 ? 1 : received == 0 ? -1 : 0;
}
