// Half-precision arithmetic (FEAT_FP16) on bit patterns: the operations and modes of nt_fp.h.
//
// Operands are the low 16 bits, results are zero-extended. FPCR's rounding mode, DN and FZ16 apply; AHP does not (it is about
// conversions between formats). Flags go to cpu->fpsr; the host's floating-point unit is not used, and so MXCSR is as it was.
#ifndef NT_FP_HALF_H
#define NT_FP_HALF_H

#include "nt_fp.h"

/// op: enum nt_fp_binary. Comparisons give 0xffff or 0.
uint64_t nt_half_binary(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t op);
/// op: SQRT, ROUND, RECPE, RSQRTE or RECPX of enum nt_fp_unary.
uint64_t nt_half_unary(nt_cpu *cpu, uint64_t a, uint32_t op, uint32_t mode);
/// addend + a * b, rounded once.
uint64_t nt_half_fma(nt_cpu *cpu, uint64_t addend, uint64_t a, uint64_t b);
/// Packed NZCV. `signals`: quiet NaNs are invalid, too.
uint64_t nt_half_compare(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t signals);
/// Integers have the size that the mode says: 16, 64 or else 32 bits.
uint64_t nt_half_to_int(nt_cpu *cpu, uint64_t a, uint32_t mode);
uint64_t nt_half_from_int(nt_cpu *cpu, uint64_t value, uint32_t mode);

/// The first `count` elements of vectors on the host's unit, for FPCR zero and NT_HOST_F16C; flags are left in MXCSR, as nt_fp.h
/// says. They return 0 when the functions above must decide: `result` is not written then, and flags that are raised already are
/// among those of the functions above. `widen` makes singles of halves, `narrow` halves of singles.
int nt_half_host_binary(nt_vec a, nt_vec b, uint32_t op, uint32_t count, nt_vec *result);
int nt_half_host_unary(nt_vec a, uint32_t op, uint32_t mode, uint32_t count, nt_vec *result);
int nt_half_host_fma(nt_vec addend, nt_vec a, nt_vec b, uint32_t count, nt_vec *result);
int nt_half_host_widen(nt_vec a, uint32_t count, nt_vec *result);
int nt_half_host_narrow(nt_vec a, uint32_t count, nt_vec *result);

#endif
