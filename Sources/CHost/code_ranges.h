// Private to CHost.
#ifndef NT_CODE_RANGES_H
#define NT_CODE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

/// Async-signal-safe.
bool nt_code_range_contains(uintptr_t address);
bool nt_baseline_range_contains(uintptr_t address);

#endif
