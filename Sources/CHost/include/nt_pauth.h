// Pointer authentication (FEAT_PAuth): keys, the algorithm, remembered results.
#ifndef NT_PAUTH_H
#define NT_PAUTH_H

#include "nt_cpu.h"

/// Keys by index into nt_cpu.pac_keys; their bits in prctl's masks and in nt_cpu.pac_disabled are 1 << index.
enum nt_pac_key { NT_PAC_KEY_IA = 0, NT_PAC_KEY_IB = 1, NT_PAC_KEY_DA = 2, NT_PAC_KEY_DB = 3, NT_PAC_KEY_GA = 4 };

/// QARMA5 of `text` under `tweak`: ComputePAC with K0 = key bits 127:64, K1 = bits 63:0. Any thread.
uint64_t nt_qarma5(uint64_t text, uint64_t tweak, uint64_t k0, uint64_t k1);
/// The form that uses no special host instructions.
uint64_t nt_portable_qarma5(uint64_t text, uint64_t tweak, uint64_t k0, uint64_t k1);

/// A result of one key; key = index + 1, 0 in an empty entry.
typedef struct nt_pac_cache_entry {
    uint64_t pointer;
    uint64_t modifier;
    uint64_t key;
    uint64_t pac;
} nt_pac_cache_entry;

/// To be called after a change of pac_keys, on the vCPU's own thread or before it runs.
void nt_pac_keys_changed(nt_cpu *cpu);

#endif
