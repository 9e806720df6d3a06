// The pages of the running program.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

// Defined by the linker: the program's headers, and the end of its code (end(3)).
extern const char __executable_start[], etext[];

// Unmaps the pages of the program's code and constants, which are never written: each comes back from the page
// cache when it is next touched. Returns 0 or -errno.
static inline int clinux_release_program_text(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)__executable_start & ~(page - 1), end = (uintptr_t)etext & ~(page - 1);
    return madvise((void *)start, end - start, MADV_DONTNEED) == 0 ? 0 : -errno;
}
