// Reading memory of this process that may be gone.
#ifndef NT_OWN_MEMORY_H
#define NT_OWN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/// Copies `size` bytes from `address`; false, without a fault, when they are not all readable or the host does not let us ask.
bool nt_read_own_memory(const void *address, void *to, size_t size);

#endif
