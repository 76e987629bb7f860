// Private to CHost.
#ifndef NT_CODE_RANGES_H
#define NT_CODE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

/// Async-signal-safe.
bool nt_code_range_contains(uintptr_t address);
bool nt_baseline_range_contains(uintptr_t address);

/// Where the access at a host address goes on after its fault; 0 when nobody said. Async-signal-safe, on the thread that runs it.
/// - Parameter point: receives the access's fault point.
uintptr_t nt_fault_way(uintptr_t access, uint32_t *point);

#endif
