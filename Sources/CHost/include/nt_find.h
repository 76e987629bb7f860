// TBs by guest PC for all vCPUs, without a lock: what a vCPU's own jump cache does not have.
#ifndef NT_FIND_H
#define NT_FIND_H

#include "nt_tb.h"

/// Lets nt_run find a TB. Threads: any that is inside generated code's world, so that the TB is not being removed.
void nt_publish_tb(nt_tb *tb);

/// Takes a TB out. While no vCPU runs.
void nt_withdraw_tb(nt_tb *tb);

/// The TB at cpu->pc with its FPCR, also put into the vCPU's jump cache; NULL when the engine must look.
nt_tb *nt_find_tb(nt_cpu *cpu);

#endif
