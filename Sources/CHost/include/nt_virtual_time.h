// Guest time that a plugin sets (qemu_plugin_request_time_control, qemu_plugin_update_ns). One per process.
#ifndef NT_VIRTUAL_TIME_H
#define NT_VIRTUAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

/// What the guest's CLOCK_MONOTONIC shows at virtual time 0, in nanoseconds: programs take 0 for "never".
#define NT_VIRTUAL_MONOTONIC_BASE 1000000000

/// Virtual time in place of the host's from now on; it begins at 0. Before the guest runs.
/// Returns false when it was started before.
bool nt_virtual_time_start(void);
/// Any thread; cheap.
bool nt_virtual_time_is_on(void);
/// Nanoseconds since the start; never goes back.
int64_t nt_virtual_time_now(void);
/// Moves the time on to `now`; an earlier time is ignored. Any thread.
void nt_virtual_time_advance(int64_t now);
/// What the guest's CLOCK_REALTIME shows at virtual time 0: the host's at the start, in nanoseconds since 1970.
int64_t nt_virtual_time_realtime_base(void);

#endif
