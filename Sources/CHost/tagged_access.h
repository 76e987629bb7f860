// Compiled code that meets a tagged address although it was made for a guest without.
#ifndef TAGGED_ACCESS_H
#define TAGGED_ACCESS_H

#include <stdbool.h>
#include <ucontext.h>

/// Makes the access that faulted at the context's RIP run once with the tag dropped from its address, the host register that holds
/// the address being as before behind it. For handlers of SIGSEGV with SI_KERNEL.
/// - Returns: false when the address has no tag or the instruction is none that can be helped so; the context is as it was.
bool nt_step_tagged_access(ucontext_t *context);

/// A fault: if the instruction was being helped, takes the help back, so that the context is that of the first fault.
/// - Returns: whether it was.
bool nt_tagged_access_failed(ucontext_t *context);

#endif
