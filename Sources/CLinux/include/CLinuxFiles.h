#pragma once
// Calls on files that Swift cannot make by itself: no libc wrapper (openat2), variadic, or
// hidden behind _GNU_SOURCE. Each returns what the system call does: -1 with errno on failure.

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/// openat2(2): `path` beneath `directory`, through no symbolic and no magic link.
static inline int clinux_open_beneath(int directory, const char *path, int flags, mode_t mode) {
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
        .mode = (flags & O_CREAT) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

/// renameat2(2) with RENAME_NOREPLACE: EEXIST when the new name is taken, in one step.
static inline int clinux_rename_noreplace(
    int from_directory, const char *from, int to_directory, const char *to) {
    return (int)syscall(
        SYS_renameat2, from_directory, from, to_directory, to, (unsigned)RENAME_NOREPLACE);
}

/// syncfs(2): all that was written to the file system of `descriptor` is on the disk.
static inline int clinux_syncfs(int descriptor) {
    return (int)syscall(SYS_syncfs, descriptor);
}

/// fallocate(2) with FALLOC_FL_KEEP_SIZE (1): blocks are reserved, the size stays.
static inline int clinux_reserve(int descriptor, off_t length) {
    return (int)syscall(SYS_fallocate, descriptor, 1, (off_t)0, length);
}

/// sync_file_range(2) with SYNC_FILE_RANGE_WRITE (2): what is dirty in the range begins its way to the disk.
static inline int clinux_begin_writeback(int descriptor, off_t offset, off_t count) {
    return (int)syscall(SYS_sync_file_range, descriptor, offset, count, 2u);
}

/// O_PATH is hidden behind _GNU_SOURCE.
static inline int clinux_o_path(void) { return 010000000; }
