// TEST(name, assembly). V1, V2, V3 are the inputs, V0 the result and an input as well.

// Arrangements.
#define BHS(F, op) F(op, 8b) F(op, 16b) F(op, 4h) F(op, 8h) F(op, 2s) F(op, 4s)
#define BHSD(F, op) BHS(F, op) F(op, 2d)
#define HS(F, op) F(op, 4h) F(op, 8h) F(op, 2s) F(op, 4s)
#define BYTES(F, op) F(op, 8b) F(op, 16b)
#define SCALARS(F, op) F(op, b) F(op, h) F(op, s) F(op, d)
#define SCALARS_HS(F, op) F(op, h) F(op, s)
// Operands.
#define VVV(op, T) TEST(op##_##T, #op " v0." #T ", v1." #T ", v2." #T)
#define VV(op, T) TEST(op##_##T, #op " v0." #T ", v1." #T)
#define VV_ZERO(op, T) TEST(op##_zero_##T, #op " v0." #T ", v1." #T ", #0")
#define SSS(op, T) TEST(op##_##T, #op " " #T "0, " #T "1, " #T "2")
#define SS(op, T) TEST(op##_##T, #op " " #T "0, " #T "1")
#define SS_ZERO(op, T) TEST(op##_zero_##T, #op " " #T "0, " #T "1, #0")
// Long, wide and narrow: destination and source arrangements of both halves.
#define LONG1(op, W, N, N2) TEST(op##_##N, #op " v0." #W ", v1." #N ", v2." #N) TEST(op##2_##N2, #op "2 v0." #W ", v1." #N2 ", v2." #N2)
#define WIDE1(op, W, N, N2) TEST(op##_##N, #op " v0." #W ", v1." #W ", v2." #N) TEST(op##2_##N2, #op "2 v0." #W ", v1." #W ", v2." #N2)
#define NARROW3(op, W, N, N2) TEST(op##_##N, #op " v0." #N ", v1." #W ", v2." #W) TEST(op##2_##N2, #op "2 v0." #N2 ", v1." #W ", v2." #W)
#define NARROW2(op, W, N, N2) TEST(op##_##N, #op " v0." #N ", v1." #W) TEST(op##2_##N2, #op "2 v0." #N2 ", v1." #W)
#define SIZES(F, op) F(op, 8h, 8b, 16b) F(op, 4s, 4h, 8h) F(op, 2d, 2s, 4s)
#define SIZES_HS(F, op) F(op, 4s, 4h, 8h) F(op, 2d, 2s, 4s)

// Three same
BHS(VVV, shadd) BHS(VVV, uhadd) BHS(VVV, srhadd) BHS(VVV, urhadd) BHS(VVV, shsub) BHS(VVV, uhsub)
BHSD(VVV, sqadd) BHSD(VVV, uqadd) BHSD(VVV, sqsub) BHSD(VVV, uqsub)
BHSD(VVV, cmgt) BHSD(VVV, cmge) BHSD(VVV, cmhi) BHSD(VVV, cmhs) BHSD(VVV, cmeq) BHSD(VVV, cmtst)
BHSD(VVV, sshl) BHSD(VVV, ushl) BHSD(VVV, srshl) BHSD(VVV, urshl)
BHSD(VVV, sqshl) BHSD(VVV, uqshl) BHSD(VVV, sqrshl) BHSD(VVV, uqrshl)
BHS(VVV, smax) BHS(VVV, umax) BHS(VVV, smin) BHS(VVV, umin) BHS(VVV, sabd) BHS(VVV, uabd) BHS(VVV, saba) BHS(VVV, uaba)
BHSD(VVV, add) BHSD(VVV, sub) BHSD(VVV, addp) BHS(VVV, mul) BHS(VVV, mla) BHS(VVV, mls)
BHS(VVV, smaxp) BHS(VVV, umaxp) BHS(VVV, sminp) BHS(VVV, uminp)
HS(VVV, sqdmulh) HS(VVV, sqrdmulh) HS(VVV, sqrdmlah) HS(VVV, sqrdmlsh)
BYTES(VVV, pmul) BYTES(VVV, and) BYTES(VVV, bic) BYTES(VVV, orr) BYTES(VVV, orn) BYTES(VVV, eor) BYTES(VVV, bsl) BYTES(VVV, bit)
BYTES(VVV, bif)
SCALARS(SSS, sqadd) SCALARS(SSS, uqadd) SCALARS(SSS, sqsub) SCALARS(SSS, uqsub)
SCALARS(SSS, sqshl) SCALARS(SSS, uqshl) SCALARS(SSS, sqrshl) SCALARS(SSS, uqrshl)
SSS(sshl, d) SSS(ushl, d) SSS(srshl, d) SSS(urshl, d) SSS(add, d) SSS(sub, d)
SSS(cmgt, d) SSS(cmge, d) SSS(cmhi, d) SSS(cmhs, d) SSS(cmeq, d) SSS(cmtst, d)
SCALARS_HS(SSS, sqdmulh) SCALARS_HS(SSS, sqrdmulh) SCALARS_HS(SSS, sqrdmlah) SCALARS_HS(SSS, sqrdmlsh)
TEST(addp_scalar, "addp d0, v1.2d")

// Three different
SIZES(LONG1, saddl) SIZES(LONG1, uaddl) SIZES(LONG1, ssubl) SIZES(LONG1, usubl) SIZES(WIDE1, saddw) SIZES(WIDE1, uaddw)
SIZES(WIDE1, ssubw) SIZES(WIDE1, usubw) SIZES(NARROW3, addhn) SIZES(NARROW3, raddhn) SIZES(NARROW3, subhn) SIZES(NARROW3, rsubhn)
SIZES(LONG1, sabal) SIZES(LONG1, uabal) SIZES(LONG1, sabdl) SIZES(LONG1, uabdl) SIZES(LONG1, smlal) SIZES(LONG1, umlal)
SIZES(LONG1, smlsl) SIZES(LONG1, umlsl) SIZES(LONG1, smull) SIZES(LONG1, umull)
SIZES_HS(LONG1, sqdmull) SIZES_HS(LONG1, sqdmlal) SIZES_HS(LONG1, sqdmlsl) LONG1(pmull, 8h, 8b, 16b) LONG1(pmull, 1q, 1d, 2d)
#define LONG_SCALAR(op) TEST(op##_h, #op " s0, h1, h2") TEST(op##_s, #op " d0, s1, s2")
LONG_SCALAR(sqdmull) LONG_SCALAR(sqdmlal) LONG_SCALAR(sqdmlsl)

// Two-register miscellaneous
BHS(VV, rev64) BYTES(VV, rev16) BYTES(VV, rev32) VV(rev32, 4h) VV(rev32, 8h) BYTES(VV, rbit) BYTES(VV, not) BYTES(VV, cnt)
BHS(VV, cls) BHS(VV, clz) BHSD(VV, abs) BHSD(VV, neg) BHSD(VV, sqabs) BHSD(VV, sqneg) BHSD(VV, suqadd) BHSD(VV, usqadd)
BHSD(VV_ZERO, cmgt) BHSD(VV_ZERO, cmge) BHSD(VV_ZERO, cmeq) BHSD(VV_ZERO, cmle) BHSD(VV_ZERO, cmlt)
#define PAIRS1(op, W, N) TEST(op##_##N, #op " v0." #W ", v1." #N)
#define PAIRS(op) PAIRS1(op, 4h, 8b) PAIRS1(op, 8h, 16b) PAIRS1(op, 2s, 4h) PAIRS1(op, 4s, 8h) PAIRS1(op, 1d, 2s) PAIRS1(op, 2d, 4s)
PAIRS(saddlp) PAIRS(uaddlp) PAIRS(sadalp) PAIRS(uadalp)
SIZES(NARROW2, xtn) SIZES(NARROW2, sqxtn) SIZES(NARROW2, uqxtn) SIZES(NARROW2, sqxtun)
#define SHLL1(W, N, N2, bits) TEST(shll_##N, "shll v0." #W ", v1." #N ", #" #bits) TEST(shll2_##N2, "shll2 v0." #W ", v1." #N2 ", #" #bits)
SHLL1(8h, 8b, 16b, 8) SHLL1(4s, 4h, 8h, 16) SHLL1(2d, 2s, 4s, 32)
VV(urecpe, 2s) VV(urecpe, 4s) VV(ursqrte, 2s) VV(ursqrte, 4s)
SCALARS(SS, sqabs) SCALARS(SS, sqneg) SCALARS(SS, suqadd) SCALARS(SS, usqadd) SS(abs, d) SS(neg, d)
SS_ZERO(cmgt, d) SS_ZERO(cmge, d) SS_ZERO(cmeq, d) SS_ZERO(cmle, d) SS_ZERO(cmlt, d)
#define NARROW_SCALAR(op) TEST(op##_scalar_h, #op " b0, h1") TEST(op##_scalar_s, #op " h0, s1") TEST(op##_scalar_d, #op " s0, d1")
NARROW_SCALAR(sqxtn) NARROW_SCALAR(uqxtn) NARROW_SCALAR(sqxtun)

// Across lanes
#define ACROSS1(op, d, T) TEST(op##_##T, #op " " #d "0, v1." #T)
#define ACROSS(op) ACROSS1(op, b, 8b) ACROSS1(op, b, 16b) ACROSS1(op, h, 4h) ACROSS1(op, h, 8h) ACROSS1(op, s, 4s)
#define ACROSS_LONG(op) ACROSS1(op, h, 8b) ACROSS1(op, h, 16b) ACROSS1(op, s, 4h) ACROSS1(op, s, 8h) ACROSS1(op, d, 4s)
ACROSS(addv) ACROSS(smaxv) ACROSS(umaxv) ACROSS(sminv) ACROSS(uminv) ACROSS_LONG(saddlv) ACROSS_LONG(uaddlv)

// By element
#define ELEMENT1(op, T, e, i) TEST(op##_elt_##T##_##i, #op " v0." #T ", v1." #T ", v2." #e "[" #i "]")
#define ELEMENT(op) ELEMENT1(op, 4h, h, 0) ELEMENT1(op, 8h, h, 7) ELEMENT1(op, 8h, h, 2) ELEMENT1(op, 2s, s, 1) ELEMENT1(op, 4s, s, 3)
#define ELEMENT_LONG1(op, W, N, e, i) TEST(op##_elt_##N##_##i, #op " v0." #W ", v1." #N ", v2." #e "[" #i "]")
#define ELEMENT_LONG(op, op2)                                                                                          \
    ELEMENT_LONG1(op, 4s, 4h, h, 5) ELEMENT_LONG1(op2, 4s, 8h, h, 3) ELEMENT_LONG1(op, 2d, 2s, s, 2) ELEMENT_LONG1(op2, 2d, 4s, s, 1)
#define ELEMENT_SCALAR(op) TEST(op##_elt_h, #op " h0, h1, v2.h[6]") TEST(op##_elt_s, #op " s0, s1, v2.s[1]")
#define ELEMENT_LONG_SCALAR(op) TEST(op##_elt_h, #op " s0, h1, v2.h[1]") TEST(op##_elt_s, #op " d0, s1, v2.s[3]")
ELEMENT(mul) ELEMENT(mla) ELEMENT(mls) ELEMENT(sqdmulh) ELEMENT(sqrdmulh) ELEMENT(sqrdmlah) ELEMENT(sqrdmlsh)
ELEMENT_LONG(smull, smull2) ELEMENT_LONG(umull, umull2) ELEMENT_LONG(smlal, smlal2) ELEMENT_LONG(umlal, umlal2)
ELEMENT_LONG(smlsl, smlsl2) ELEMENT_LONG(umlsl, umlsl2) ELEMENT_LONG(sqdmull, sqdmull2) ELEMENT_LONG(sqdmlal, sqdmlal2)
ELEMENT_LONG(sqdmlsl, sqdmlsl2)
ELEMENT_SCALAR(sqdmulh) ELEMENT_SCALAR(sqrdmulh) ELEMENT_SCALAR(sqrdmlah) ELEMENT_SCALAR(sqrdmlsh)
ELEMENT_LONG_SCALAR(sqdmull) ELEMENT_LONG_SCALAR(sqdmlal) ELEMENT_LONG_SCALAR(sqdmlsl)

// Shifts by immediate
#define IMM1(op, T, n) TEST(op##_##T##_##n, #op " v0." #T ", v1." #T ", #" #n)
#define RIGHT(op) IMM1(op, 8b, 1) IMM1(op, 16b, 8) IMM1(op, 16b, 3) IMM1(op, 4h, 16) IMM1(op, 8h, 1) IMM1(op, 8h, 5) IMM1(op, 2s, 32) \
    IMM1(op, 4s, 1) IMM1(op, 4s, 17) IMM1(op, 2d, 64) IMM1(op, 2d, 1) IMM1(op, 2d, 40)
#define LEFT(op) IMM1(op, 8b, 0) IMM1(op, 16b, 7) IMM1(op, 16b, 2) IMM1(op, 4h, 15) IMM1(op, 8h, 0) IMM1(op, 8h, 4) IMM1(op, 2s, 31)    \
    IMM1(op, 4s, 0) IMM1(op, 4s, 9) IMM1(op, 2d, 63) IMM1(op, 2d, 0) IMM1(op, 2d, 33)
#define IMM_SCALAR1(op, T, n) TEST(op##_scalar_##T##_##n, #op " " #T "0, " #T "1, #" #n)
#define RIGHT_SCALAR(op) IMM_SCALAR1(op, d, 1) IMM_SCALAR1(op, d, 64) IMM_SCALAR1(op, d, 31)
#define LEFT_SCALAR(op) IMM_SCALAR1(op, d, 0) IMM_SCALAR1(op, d, 63) IMM_SCALAR1(op, d, 30)
#define LEFT_SCALARS(op) LEFT_SCALAR(op) IMM_SCALAR1(op, b, 0) IMM_SCALAR1(op, b, 7) IMM_SCALAR1(op, b, 3) IMM_SCALAR1(op, h, 15)    \
    IMM_SCALAR1(op, h, 4) IMM_SCALAR1(op, s, 31) IMM_SCALAR1(op, s, 1)
RIGHT(sshr) RIGHT(ushr) RIGHT(ssra) RIGHT(usra) RIGHT(srshr) RIGHT(urshr) RIGHT(srsra) RIGHT(ursra) RIGHT(sri)
LEFT(shl) LEFT(sli) LEFT(sqshl) LEFT(uqshl) LEFT(sqshlu)
RIGHT_SCALAR(sshr) RIGHT_SCALAR(ushr) RIGHT_SCALAR(ssra) RIGHT_SCALAR(usra) RIGHT_SCALAR(srshr) RIGHT_SCALAR(urshr)
RIGHT_SCALAR(srsra) RIGHT_SCALAR(ursra) RIGHT_SCALAR(sri) LEFT_SCALAR(shl) LEFT_SCALAR(sli)
LEFT_SCALARS(sqshl) LEFT_SCALARS(uqshl) LEFT_SCALARS(sqshlu)
#define IMM_NARROW1(op, W, N, n) TEST(op##_##N##_##n, #op " v0." #N ", v1." #W ", #" #n)
#define RIGHT_NARROW(op, op2)                                                                                          \
    IMM_NARROW1(op, 8h, 8b, 1) IMM_NARROW1(op2, 8h, 16b, 8) IMM_NARROW1(op2, 8h, 16b, 3) IMM_NARROW1(op, 4s, 4h, 16)  \
    IMM_NARROW1(op2, 4s, 8h, 1) IMM_NARROW1(op, 4s, 4h, 7) IMM_NARROW1(op, 2d, 2s, 32) IMM_NARROW1(op2, 2d, 4s, 1) IMM_NARROW1(op2, 2d, 4s, 20)
#define RIGHT_NARROW_SCALAR1(op, W, N, n) TEST(op##_scalar_##N##_##n, #op " " #N "0, " #W "1, #" #n)
#define RIGHT_NARROW_SCALAR(op)                                                                                        \
    RIGHT_NARROW_SCALAR1(op, h, b, 1) RIGHT_NARROW_SCALAR1(op, h, b, 8) RIGHT_NARROW_SCALAR1(op, s, h, 16)             \
    RIGHT_NARROW_SCALAR1(op, s, h, 5) RIGHT_NARROW_SCALAR1(op, d, s, 1) RIGHT_NARROW_SCALAR1(op, d, s, 32)
RIGHT_NARROW(shrn, shrn2) RIGHT_NARROW(rshrn, rshrn2) RIGHT_NARROW(sqshrn, sqshrn2) RIGHT_NARROW(sqrshrn, sqrshrn2)
RIGHT_NARROW(uqshrn, uqshrn2) RIGHT_NARROW(uqrshrn, uqrshrn2) RIGHT_NARROW(sqshrun, sqshrun2) RIGHT_NARROW(sqrshrun, sqrshrun2)
RIGHT_NARROW_SCALAR(sqshrn) RIGHT_NARROW_SCALAR(sqrshrn) RIGHT_NARROW_SCALAR(uqshrn) RIGHT_NARROW_SCALAR(uqrshrn)
RIGHT_NARROW_SCALAR(sqshrun) RIGHT_NARROW_SCALAR(sqrshrun)
#define IMM_LONG1(op, W, N, n) TEST(op##_##N##_##n, #op " v0." #W ", v1." #N ", #" #n)
#define LEFT_LONG(op, op2)                                                                                             \
    IMM_LONG1(op, 8h, 8b, 0) IMM_LONG1(op2, 8h, 16b, 7) IMM_LONG1(op, 4s, 4h, 15) IMM_LONG1(op2, 4s, 8h, 0) IMM_LONG1(op, 2d, 2s, 5) IMM_LONG1(op2, 2d, 4s, 31)
LEFT_LONG(sshll, sshll2) LEFT_LONG(ushll, ushll2)

// Permutes, copies, tables, immediates
BHSD(VVV, zip1) BHSD(VVV, zip2) BHSD(VVV, uzp1) BHSD(VVV, uzp2) BHSD(VVV, trn1) BHSD(VVV, trn2)
TEST(ext_8b_3, "ext v0.8b, v1.8b, v2.8b, #3") TEST(ext_16b_0, "ext v0.16b, v1.16b, v2.16b, #0")
TEST(ext_16b_13, "ext v0.16b, v1.16b, v2.16b, #13")
TEST(dup_8b, "dup v0.8b, v1.b[9]") TEST(dup_8h, "dup v0.8h, v1.h[5]") TEST(dup_2s, "dup v0.2s, v1.s[3]")
TEST(dup_2d, "dup v0.2d, v1.d[1]") TEST(dup_scalar_b, "mov b0, v1.b[7]") TEST(dup_scalar_h, "mov h0, v1.h[6]")
TEST(dup_scalar_s, "mov s0, v1.s[1]") TEST(dup_scalar_d, "mov d0, v1.d[1]") TEST(dup_gen_16b, "dup v0.16b, w1")
TEST(dup_gen_4h, "dup v0.4h, w1") TEST(dup_gen_2d, "dup v0.2d, x1") TEST(ins_gen_b, "mov v0.b[11], w1")
TEST(ins_gen_d, "mov v0.d[1], x1") TEST(ins_elt_h, "mov v0.h[2], v1.h[7]") TEST(ins_elt_s, "mov v0.s[3], v1.s[0]")
TEST(umov_b, "umov w0, v1.b[15]") TEST(umov_h, "umov w0, v1.h[3]") TEST(umov_s, "umov w0, v1.s[2]")
TEST(umov_d, "umov x0, v1.d[1]") TEST(smov_w_b, "smov w0, v1.b[8]") TEST(smov_x_b, "smov x0, v1.b[3]")
TEST(smov_w_h, "smov w0, v1.h[6]") TEST(smov_x_h, "smov x0, v1.h[1]") TEST(smov_x_s, "smov x0, v1.s[3]")
TEST(tbl1, "tbl v0.16b, {v1.16b}, v3.16b") TEST(tbl2, "tbl v0.8b, {v1.16b, v2.16b}, v3.8b")
TEST(tbl3, "tbl v0.16b, {v1.16b, v2.16b, v3.16b}, v0.16b") TEST(tbx1, "tbx v0.16b, {v1.16b}, v3.16b")
TEST(tbx2, "tbx v0.16b, {v1.16b, v2.16b}, v3.16b") TEST(tbx3, "tbx v0.8b, {v1.16b, v2.16b, v3.16b}, v2.8b")
TEST(movi_4s, "movi v0.4s, #0xa5, lsl #16") TEST(movi_ones, "movi v0.2s, #0x12, msl #8") TEST(movi_d, "movi d0, #0xff00ff0000ffff00")
TEST(movi_16b, "movi v0.16b, #0x81") TEST(mvni_8h, "mvni v0.8h, #0x7e, lsl #8") TEST(orr_imm, "orr v0.4s, #0x99, lsl #24")
TEST(bic_imm, "bic v0.4h, #0xf3") TEST(fmov_imm, "fmov v0.2d, #-1.25")

// FEAT_DotProd, FEAT_I8MM
#define DOT(op) TEST(op##_2s, #op " v0.2s, v1.8b, v2.8b") TEST(op##_4s, #op " v0.4s, v1.16b, v2.16b")
#define DOT_ELEMENT(op) TEST(op##_elt_2s, #op " v0.2s, v1.8b, v2.4b[3]") TEST(op##_elt_4s, #op " v0.4s, v1.16b, v2.4b[1]")
#define MATRIX(op) TEST(op, #op " v0.4s, v1.16b, v2.16b")
DOT(sdot) DOT(udot) DOT(usdot) DOT_ELEMENT(sdot) DOT_ELEMENT(udot) DOT_ELEMENT(usdot) DOT_ELEMENT(sudot)
MATRIX(smmla) MATRIX(ummla) MATRIX(usmmla)

// Cryptography
TEST(aese, "aese v0.16b, v1.16b") TEST(aesd, "aesd v0.16b, v1.16b") TEST(aesmc, "aesmc v0.16b, v1.16b")
TEST(aesimc, "aesimc v0.16b, v1.16b") TEST(aes_round, "aese v0.16b, v1.16b\naesmc v0.16b, v0.16b")
TEST(sha1c, "sha1c q0, s1, v2.4s") TEST(sha1p, "sha1p q0, s1, v2.4s") TEST(sha1m, "sha1m q0, s1, v2.4s")
TEST(sha1h, "sha1h s0, s1") TEST(sha1su0, "sha1su0 v0.4s, v1.4s, v2.4s") TEST(sha1su1, "sha1su1 v0.4s, v1.4s")
TEST(sha256h, "sha256h q0, q1, v2.4s") TEST(sha256h2, "sha256h2 q0, q1, v2.4s") TEST(sha256su0, "sha256su0 v0.4s, v1.4s")
TEST(sha256su1, "sha256su1 v0.4s, v1.4s, v2.4s")
TEST(sha512h, "sha512h q0, q1, v2.2d") TEST(sha512h2, "sha512h2 q0, q1, v2.2d") TEST(sha512su0, "sha512su0 v0.2d, v1.2d")
TEST(sha512su1, "sha512su1 v0.2d, v1.2d, v2.2d")
TEST(eor3, "eor3 v0.16b, v1.16b, v2.16b, v3.16b") TEST(bcax, "bcax v0.16b, v1.16b, v2.16b, v3.16b") VVV(rax1, 2d)
TEST(xar_0, "xar v0.2d, v1.2d, v2.2d, #0") TEST(xar_1, "xar v0.2d, v1.2d, v2.2d, #1") TEST(xar_63, "xar v0.2d, v1.2d, v2.2d, #63")
TEST(sm3ss1, "sm3ss1 v0.4s, v1.4s, v2.4s, v3.4s") TEST(sm3partw1, "sm3partw1 v0.4s, v1.4s, v2.4s")
TEST(sm3partw2, "sm3partw2 v0.4s, v1.4s, v2.4s")
TEST(sm3tt1a, "sm3tt1a v0.4s, v1.4s, v2.s[0]") TEST(sm3tt1b, "sm3tt1b v0.4s, v1.4s, v2.s[1]")
TEST(sm3tt2a, "sm3tt2a v0.4s, v1.4s, v2.s[2]") TEST(sm3tt2b, "sm3tt2b v0.4s, v1.4s, v2.s[3]")
TEST(sm4e, "sm4e v0.4s, v1.4s") TEST(sm4ekey, "sm4ekey v0.4s, v1.4s, v2.4s")

// The same register everywhere
TEST(alias_sqadd, "mov v0.16b, v1.16b\nsqadd v0.8h, v0.8h, v0.8h") TEST(alias_sqdmlal, "mov v0.16b, v1.16b\nsqdmlal v0.4s, v0.4h, v0.4h")
TEST(alias_sqxtn2, "mov v0.16b, v1.16b\nsqxtn2 v0.8h, v0.4s") TEST(alias_mla_elt, "mov v0.16b, v1.16b\nmla v0.8h, v0.8h, v0.h[3]")
TEST(alias_tbl, "mov v0.16b, v3.16b\ntbl v0.16b, {v0.16b, v1.16b}, v0.16b") TEST(alias_sha256h, "mov v0.16b, v1.16b\nsha256h q0, q0, v0.4s")
TEST(alias_sm3tt1a, "mov v0.16b, v1.16b\nsm3tt1a v0.4s, v0.4s, v0.s[3]") TEST(alias_usmmla, "mov v0.16b, v1.16b\nusmmla v0.4s, v0.16b, v0.16b")
