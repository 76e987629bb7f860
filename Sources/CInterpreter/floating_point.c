// Floating point: CHost's functions do the work, scalar and vector.
#include "handlers.h"

// imm: what to do in the low half, nt_fp.h's shape in the high one; c is the operation of fp_unary.
HANDLER(fp_binary) { DV(nt_vec) = nt_fp_binary(cpu, AV(nt_vec), BV(nt_vec), ip->imm_low, ip->imm_high); NEXT; }
HANDLER(fp_unary) { DV(nt_vec) = nt_fp_unary(cpu, AV(nt_vec), ip->c, ip->imm_low, ip->imm_high); NEXT; }
HANDLER(fp_fma) { DV(nt_vec) = nt_fp_fma(cpu, AV(nt_vec), BV(nt_vec), CV(nt_vec), ip->imm_high); NEXT; }
HANDLER(fp_convert) { DV(nt_vec) = nt_fp_convert(cpu, AV(nt_vec), ip->imm_low, ip->imm_high); NEXT; }
HANDLER(fp_to_int) { DV(nt_vec) = nt_fp_to_int(cpu, AV(nt_vec), ip->imm_low, ip->imm_high); NEXT; }
HANDLER(fp_from_int) { DV(nt_vec) = nt_fp_from_int(cpu, AV(nt_vec), ip->imm_low, ip->imm_high); NEXT; }
HANDLER(fp_to_general) { D64 = nt_fp_to_general(cpu, AV(nt_vec), ip->imm_low, ip->imm_high & 0xff); NEXT; }
HANDLER(fp_from_general) { DV(nt_vec) = nt_fp_from_general(cpu, A64, ip->imm_low, ip->imm_high & 0xff); NEXT; }
HANDLER(flags_fp_compare) {
    uint32_t nzcv = (uint32_t)nt_fp_compare(cpu, AV(nt_vec), BV(nt_vec), ip->imm_low, ip->imm_high & 0xff);
    cpu->nf = (uint64_t)nzcv << 32;
    cpu->zf = !(nzcv >> 30 & 1);
    cpu->cf = nzcv >> 29 & 1;
    cpu->vf = nzcv >> 28 & 1;
    NEXT;
}
HANDLER(fp_collect) {
    nt_fp_collect(cpu);
    NEXT;
}
