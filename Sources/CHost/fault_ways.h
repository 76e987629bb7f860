// Private to CHost.
#ifndef NT_FAULT_WAYS_H
#define NT_FAULT_WAYS_H

#include <stdint.h>

/// Where the access at a host address goes on after its fault; 0 when nobody said. Async-signal-safe, on the thread that runs it.
/// - Parameter point: receives the access's fault point.
uintptr_t nt_fault_way(uintptr_t access, uint32_t *point);

#endif
