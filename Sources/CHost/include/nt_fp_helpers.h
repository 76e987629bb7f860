// Numbers in the `op` operand of the floating-point helpers. A64Translator's FloatingPoint semantics build them.
#ifndef NT_FP_HELPERS_H
#define NT_FP_HELPERS_H

#include "nt_helpers.h"

/// Bit 8: double precision (otherwise single).
#define NT_FP_DOUBLE 0x100

/// fp_binary, bits 7:0; numbered as the `opcode` field of "Floating-point data-processing (2 source)".
enum nt_fp_binary {
    NT_FP_MUL = 0, NT_FP_DIV = 1, NT_FP_ADD = 2, NT_FP_SUB = 3, NT_FP_MAX = 4, NT_FP_MIN = 5, NT_FP_MAXNM = 6, NT_FP_MINNM = 7,
    NT_FP_NMUL = 8,
};
/// fp_unary, bits 7:0.
enum nt_fp_unary { NT_FP_SQRT = 0, NT_FP_CONVERT = 1, NT_FP_ROUND = 2 };
/// Rounding of fp_unary and fp_to_int, bits 18:16.
enum nt_fp_rounding {
    NT_FP_ROUND_TIES_EVEN = 0, NT_FP_ROUND_UP = 1, NT_FP_ROUND_DOWN = 2, NT_FP_ROUND_ZERO = 3, NT_FP_ROUND_TIES_AWAY = 4,
    NT_FP_ROUND_FPCR = 7,
};

#endif
