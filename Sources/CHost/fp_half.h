// Half-precision arithmetic (FEAT_FP16) on bit patterns: the operations of nt_fp_helpers.h, by their numbers there.
//
// Operands are the low 16 bits, results are zero-extended. FPCR's rounding mode, DN and FZ16 apply; AHP does not (it is about
// conversions between formats). Flags go to cpu->fpsr; the host's floating-point unit is not used, and so MXCSR is as it was.
#ifndef NT_FP_HALF_H
#define NT_FP_HALF_H

#include "nt_fp_helpers.h"

/// op: enum nt_fp_binary in bits 7:0. Comparisons give 0xffff or 0.
uint64_t nt_half_binary(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t op);
/// op: SQRT, ROUND, RECPE, RSQRTE or RECPX of enum nt_fp_unary in bits 7:0; ROUND's other bits as there.
uint64_t nt_half_unary(nt_cpu *cpu, uint64_t a, uint32_t op);
/// addend + a * b, rounded once.
uint64_t nt_half_fma(nt_cpu *cpu, uint64_t addend, uint64_t a, uint64_t b);
/// NZCV in bits 31:28. op: bit 0 for the forms that signal quiet NaNs, too.
uint64_t nt_half_compare(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t op);
/// op: bits 18:16 rounding; bit 20 unsigned; bits 21 and 23 a 64-bit or a 16-bit result (neither: 32); bits 31:24 fraction bits.
uint64_t nt_half_to_int(nt_cpu *cpu, uint64_t a, uint32_t op);
/// op: bit 20 unsigned; bits 21 and 23 a 64-bit or a 16-bit source (neither: 32); bits 31:24 fraction bits.
uint64_t nt_half_from_int(nt_cpu *cpu, uint64_t a, uint32_t op);

#endif
