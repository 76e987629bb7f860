// Guest memory seen from the host side: copies that may fault.
#ifndef NT_MEMORY_H
#define NT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Copies `count` bytes; stops at the first byte that cannot be read or written.
/// - Returns: the number of bytes NOT copied (0 = all). Never raises a host signal for unmapped memory once
///   nt_install_fault_handlers has run. Threads: any.
size_t nt_copy_fallible(void *destination, const void *source, size_t count);

/// Compares `*word` with `*expected` and, if equal, stores `desired`, atomically; `*expected` becomes what was there.
/// - Returns: false when the word cannot be written. Threads: any.
bool nt_compare_exchange_fallible(uint32_t *word, uint32_t *expected, uint32_t desired);

#endif
