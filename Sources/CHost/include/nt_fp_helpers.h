// Numbers in the `op` operand of the floating-point helpers. A64Translator's FloatingPoint semantics build them.
#ifndef NT_FP_HELPERS_H
#define NT_FP_HELPERS_H

#include "nt_helpers.h"

/// Bit 8: double precision (otherwise single).
#define NT_FP_DOUBLE 0x100

/// fp_binary, bits 7:0; 0 to 8 numbered as the `opcode` field of "Floating-point data-processing (2 source)". Comparisons give
/// all ones or zero in the operand's width.
enum nt_fp_binary {
    NT_FP_MUL = 0, NT_FP_DIV = 1, NT_FP_ADD = 2, NT_FP_SUB = 3, NT_FP_MAX = 4, NT_FP_MIN = 5, NT_FP_MAXNM = 6, NT_FP_MINNM = 7,
    NT_FP_NMUL = 8, NT_FP_MULX = 9, NT_FP_RECPS = 10, NT_FP_RSQRTS = 11, NT_FP_ABD = 12,
    NT_FP_CMEQ = 16, NT_FP_CMGE = 17, NT_FP_CMGT = 18, NT_FP_ACGE = 19, NT_FP_ACGT = 20,
};
/// fp_unary, bits 7:0.
/// CONVERT: formats (0 single, 1 double, 3 half) of source in bits 17:16 and of result in 21:20, bit 22 rounds to odd. ROUND:
/// mode in bits 18:16, bit 20 raises inexact. ROUND_INT: FRINT32 and FRINT64, mode in bits 18:16, bit 20 for 64. URECPE and URSQRTE
/// take unsigned fixed-point numbers. BFCVT: single to BFloat16.
enum nt_fp_unary {
    NT_FP_SQRT = 0, NT_FP_CONVERT = 1, NT_FP_ROUND = 2, NT_FP_RECPE = 3, NT_FP_RSQRTE = 4, NT_FP_RECPX = 5, NT_FP_ROUND_INT = 6,
    NT_FP_URECPE = 7, NT_FP_URSQRTE = 8, NT_FP_BFCVT = 9,
};
/// Rounding of fp_unary and fp_to_int, bits 18:16.
enum nt_fp_rounding {
    NT_FP_ROUND_TIES_EVEN = 0, NT_FP_ROUND_UP = 1, NT_FP_ROUND_DOWN = 2, NT_FP_ROUND_ZERO = 3, NT_FP_ROUND_TIES_AWAY = 4,
    NT_FP_ROUND_FPCR = 7,
};

/// BFCVT of a single whose NaN and FZ cases are done: rounds to BFloat16 as FPCR says.
uint16_t nt_bfloat_from(nt_cpu *cpu, uint32_t single);

#endif
