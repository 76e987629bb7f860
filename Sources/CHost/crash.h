// A crash of the emulator itself, or of a plugin.
#ifndef NT_CRASH_H
#define NT_CRASH_H

#include <signal.h>
#include <ucontext.h>

/// Says on standard error where the calling thread has crashed, once for the process. Async-signal-safe but for the look-up of a
/// library's name.
void nt_report_crash(int signal, const siginfo_t *info, const ucontext_t *context);

#endif
