// Floating point: what the IR's fp_… operations mean, for the interpreter and for the rare cases of generated code.
//
// Where the flags live: while a vCPU is inside nt_run, the flags of the host's MXCSR belong to the guest, and FPSR is
// cpu->fpsr with those added (nt_fp_collect). Generated code and the interpreter therefore compute with plain host instructions
// as long as FPCR is zero, and pay nothing for flags. MXCSR itself stays at its default modes; other FPCR values go through the
// scalar functions here.
#ifndef NT_FP_H
#define NT_FP_H

#include "nt_guest.h"
#include "nt_helpers.h"

/// Operations; the numbers are EmuIR's FPBinary and FPUnary.
enum nt_fp_binary {
    NT_FP_MUL = 0, NT_FP_DIV = 1, NT_FP_ADD = 2, NT_FP_SUB = 3, NT_FP_MAX = 4, NT_FP_MIN = 5, NT_FP_MAXNM = 6, NT_FP_MINNM = 7,
    NT_FP_NMUL = 8, NT_FP_MULX = 9, NT_FP_RECPS = 10, NT_FP_RSQRTS = 11, NT_FP_ABD = 12,
    NT_FP_CMEQ = 16, NT_FP_CMGE = 17, NT_FP_CMGT = 18, NT_FP_ACGE = 19, NT_FP_ACGT = 20,
};
enum nt_fp_unary {
    NT_FP_SQRT = 0, NT_FP_ROUND = 1, NT_FP_RECPE = 2, NT_FP_RSQRTE = 3, NT_FP_RECPX = 4, NT_FP_ROUND_INT = 5,
    NT_FP_URECPE = 6, NT_FP_URSQRTE = 7, NT_FP_BFCVT = 8,
};
/// `mode`: EmuIR's FPMode. A rounding in bits 2:0, flags, bits behind the point of a fixed-point number in 15:8.
enum nt_fp_rounding {
    NT_FP_ROUND_TIES_EVEN = 0, NT_FP_ROUND_UP = 1, NT_FP_ROUND_DOWN = 2, NT_FP_ROUND_ZERO = 3, NT_FP_ROUND_TIES_AWAY = 4,
    NT_FP_ROUND_FPCR = 7,
};
enum { NT_FP_INEXACT = 8, NT_FP_UNSIGNED = 16, NT_FP_64BIT = 32 };

/// The operations on elements of `1 << lane` bytes, 1 to 3; what is above the first `count` becomes zero. `shape` is
/// lane | count << 8.
nt_vec nt_fp_binary(nt_cpu *cpu, nt_vec a, nt_vec b, uint32_t op, uint32_t shape);
nt_vec nt_fp_unary(nt_cpu *cpu, nt_vec a, uint32_t op, uint32_t mode, uint32_t shape);
nt_vec nt_fp_fma(nt_cpu *cpu, nt_vec addend, nt_vec a, nt_vec b, uint32_t shape);
/// `to`: log2 of the result's element size, bit 8 rounds to odd.
nt_vec nt_fp_convert(nt_cpu *cpu, nt_vec a, uint32_t to, uint32_t shape);
nt_vec nt_fp_to_int(nt_cpu *cpu, nt_vec a, uint32_t mode, uint32_t shape);
nt_vec nt_fp_from_int(nt_cpu *cpu, nt_vec a, uint32_t mode, uint32_t shape);
uint64_t nt_fp_to_general(nt_cpu *cpu, nt_vec a, uint32_t mode, uint32_t lane);
nt_vec nt_fp_from_general(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane);
/// Packed NZCV, as `flags_set` takes it.
uint64_t nt_fp_compare(nt_cpu *cpu, nt_vec a, nt_vec b, uint32_t signals, uint32_t lane);
/// The addresses of the functions above, for generated code.
typedef struct nt_fp_functions {
    void *binary, *unary, *fma, *convert, *to_int, *from_int, *to_general, *from_general, *compare, *collect;
} nt_fp_functions;
nt_fp_functions nt_fp_function_addresses(void);

/// One element, whatever FPCR says; bit patterns, zero-extended.
uint64_t nt_fp_scalar_binary(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t op, uint32_t lane);
uint64_t nt_fp_scalar_unary(nt_cpu *cpu, uint64_t a, uint32_t op, uint32_t mode, uint32_t lane);
uint64_t nt_fp_scalar_fma(nt_cpu *cpu, uint64_t addend, uint64_t a, uint64_t b, uint32_t lane);
uint64_t nt_fp_scalar_convert(nt_cpu *cpu, uint64_t a, uint32_t from, uint32_t to, uint32_t to_odd);
uint64_t nt_fp_scalar_to_int(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane);
uint64_t nt_fp_scalar_from_int(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane);
uint64_t nt_fp_scalar_compare(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t signals, uint32_t lane);

/// BFCVT of a single whose NaN and FZ cases are done: rounds to BFloat16 as FPCR says.
uint16_t nt_bfloat_from(nt_cpu *cpu, uint32_t single);

/// Moves the flags of MXCSR into cpu->fpsr. Only inside nt_run, on the vCPU's thread.
void nt_fp_collect(nt_cpu *cpu);

#endif
