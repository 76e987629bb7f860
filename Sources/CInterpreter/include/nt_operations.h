// The list of tier-0 operations. `_r` takes its second operand from a register or temporary, `_i` from the cell.
//
// A value operation hands its result to the next handler in a host register as well (`acc`): without that every dependent pair
// would wait for the store to be forwarded to the load. The `_f` forms take their first operand from there, the `_s` forms the
// second, the `_v` forms of stores the value. The predecoder's last step chooses them.
#ifndef NT_OPERATIONS_H
#define NT_OPERATIONS_H

#define NT_INTERP_BINARY(X, name)                                                                                      \
    X(name##_r32) X(name##_i32) X(name##_r64) X(name##_i64) X(name##_f_r32) X(name##_f_i32) X(name##_f_r64)            \
    X(name##_f_i64) X(name##_s_r32) X(name##_s_r64)
#define NT_INTERP_UNARY(X, name) X(name##_32) X(name##_64) X(name##_f_32) X(name##_f_64)
#define NT_INTERP_SIZED(X, name) X(name##_32) X(name##_64)
#define NT_INTERP_LOAD(X, name) X(name) X(name##_f)
#define NT_INTERP_STORE(X, name) X(name) X(name##_f) X(name##_v)
#define NT_INTERP_LANES(X, name) X(name##_b) X(name##_h) X(name##_s) X(name##_d)
#define NT_INTERP_CONDITIONS(X, name)                                                                                  \
    X(name##_eq) X(name##_ne) X(name##_cs) X(name##_cc) X(name##_mi) X(name##_pl) X(name##_vs) X(name##_vc)            \
    X(name##_hi) X(name##_ls) X(name##_ge) X(name##_lt) X(name##_gt) X(name##_le)
// A comparison and the branch on it, in one cell: by operand form, then by condition.
#define NT_INTERP_COMPARE_BRANCH(X, name)                                                                              \
    NT_INTERP_CONDITIONS(X, name##_r32) NT_INTERP_CONDITIONS(X, name##_i32) NT_INTERP_CONDITIONS(X, name##_r64)        \
    NT_INTERP_CONDITIONS(X, name##_i64) NT_INTERP_CONDITIONS(X, name##_f_r32) NT_INTERP_CONDITIONS(X, name##_f_i32)    \
    NT_INTERP_CONDITIONS(X, name##_f_r64) NT_INTERP_CONDITIONS(X, name##_f_i64)

// Families: F(X, name) for each.
#define NT_INTERP_VALUE_FAMILIES(F, X)                                                                                 \
    F(X, add) F(X, sub) F(X, mul) F(X, and) F(X, or) F(X, xor) F(X, and_not) F(X, shl) F(X, lshr) F(X, ashr) F(X, ror) \
    F(X, adds) F(X, subs) F(X, ands) F(X, icmp_eq) F(X, icmp_ne) F(X, icmp_ult) F(X, icmp_ule) F(X, icmp_slt)          \
    F(X, icmp_sle)
#define NT_INTERP_TEST_FAMILIES(F, X) F(X, cmp) F(X, cmn) F(X, branch_eq) F(X, branch_ne)
#define NT_INTERP_UNARY_FAMILIES(F, X)                                                                                 \
    F(X, not) F(X, clz) F(X, cls) F(X, rbit) F(X, bswap) F(X, rev16) F(X, ubfx) F(X, sbfx)
#define NT_INTERP_LOAD_FAMILIES(F, X)                                                                                  \
    F(X, load_u8) F(X, load_u16) F(X, load_u32) F(X, load_u64) F(X, load_s8_32) F(X, load_s8_64) F(X, load_s16_32)     \
    F(X, load_s16_64) F(X, load_s32_64)
#define NT_INTERP_STORE_FAMILIES(F, X) F(X, store_8) F(X, store_16) F(X, store_32) F(X, store_64)
#define NT_INTERP_COMPARE_BRANCH_FAMILIES(F, X) F(X, subs_branch) F(X, cmp_branch) F(X, ands_branch)

/// Operations that leave what they write to `d` in `acc`.
#define NT_INTERP_VALUE_OPERATIONS(X)                                                                                  \
    X(mov32) X(mov64) X(movi) NT_INTERP_VALUE_FAMILIES(NT_INTERP_BINARY, X)                                            \
    NT_INTERP_UNARY_FAMILIES(NT_INTERP_UNARY, X) NT_INTERP_LOAD_FAMILIES(NT_INTERP_LOAD, X) X(load_x_u8) X(load_x_u16) \
    X(load_x_u32) X(load_x_u64) X(umulh) X(smulh) X(udiv_32) X(udiv_64) X(sdiv_32) X(sdiv_64) X(adc_32) X(adc_64)      \
    X(sbc_32) X(sbc_64) X(add_shl32) X(add_shl64) X(mul_add64) X(mul_add32) NT_INTERP_SIZED(X, bfi)                    \
    NT_INTERP_SIZED(X, extr) X(sext_1_32) X(sext_1_64) X(sext_32_64) X(and_bit) X(flags_get)                           \
    NT_INTERP_CONDITIONS(X, csel) X(select64) X(crc32) X(crc32c)

#define NT_INTERP_OPERATIONS(X)                                                                                        \
    NT_INTERP_VALUE_OPERATIONS(X) NT_INTERP_TEST_FAMILIES(NT_INTERP_BINARY, X) X(mov128) X(vconst) X(zext128)          \
    NT_INTERP_SIZED(X, flags_adc) NT_INTERP_SIZED(X, flags_sbc) NT_INTERP_SIZED(X, flags_logic)                        \
    NT_INTERP_SIZED(X, ccmp_sub) NT_INTERP_SIZED(X, ccmp_add) X(flags_set) NT_INTERP_CONDITIONS(X, cond)               \
    NT_INTERP_CONDITIONS(X, branch) X(select128) X(load_128) X(load_zext128_8) X(load_zext128_16) X(load_zext128_32)   \
    X(load_zext128_64) NT_INTERP_STORE_FAMILIES(NT_INTERP_STORE, X) X(store_128) X(store_x_8) X(store_x_16)            \
    X(store_x_32) X(store_x_64) X(load_pair_64) X(store_pair_64) X(load_acquire) X(load_acquire_signed)                \
    X(load_acquire_128) X(store_release) X(store_release_128) X(load_exclusive) X(load_exclusive_128)                  \
    X(store_exclusive) X(store_exclusive_128) X(clear_exclusive) X(atomic_rmw) X(compare_and_swap)                     \
    X(compare_and_swap_128) X(fence) X(zero_block) X(pack128) X(vand) X(vor) X(vxor) X(vand_not) X(vnot) X(vselect)    \
    NT_INTERP_LANES(X, vadd) NT_INTERP_LANES(X, vsub) NT_INTERP_LANES(X, vmul) NT_INTERP_LANES(X, vneg)                \
    NT_INTERP_LANES(X, vabs) NT_INTERP_LANES(X, vsmax) NT_INTERP_LANES(X, vsmin) NT_INTERP_LANES(X, vumax)             \
    NT_INTERP_LANES(X, vumin) NT_INTERP_LANES(X, vsqadd) NT_INTERP_LANES(X, vuqadd) NT_INTERP_LANES(X, vsqsub)               \
    NT_INTERP_LANES(X, vuqsub) X(vsqdmulh_h) X(vsqdmulh_s) X(vsqrdmulh_h) X(vsqrdmulh_s)                               \
    NT_INTERP_LANES(X, vcmp_eq) NT_INTERP_LANES(X, vcmp_sgt) NT_INTERP_LANES(X, vcmp_sge)    \
    NT_INTERP_LANES(X, vcmp_ugt) NT_INTERP_LANES(X, vcmp_uge) NT_INTERP_LANES(X, vshl) NT_INTERP_LANES(X, vlshr)       \
    NT_INTERP_LANES(X, vashr) NT_INTERP_LANES(X, vdup) NT_INTERP_LANES(X, vinsert) NT_INTERP_LANES(X, vextract)        \
    X(vext) NT_INTERP_LANES(X, vzip1) NT_INTERP_LANES(X, vzip2) NT_INTERP_LANES(X, vuzp1) NT_INTERP_LANES(X, vuzp2)    \
    NT_INTERP_LANES(X, vtrn1) NT_INTERP_LANES(X, vtrn2) NT_INTERP_LANES(X, vrev) NT_INTERP_LANES(X, vnarrow)           \
    NT_INTERP_LANES(X, vsext_low) NT_INTERP_LANES(X, vzext_low) X(vcnt) X(fp_binary) X(fp_unary) X(fp_fma)              \
    X(fp_convert) X(fp_to_int) X(fp_from_int) X(fp_to_general) X(fp_from_general) X(flags_fp_compare) X(fp_collect)     \
    X(call) X(plugin_add) X(plugin_store)                                                                              \
    X(plugin_load) X(plugin_call) X(plugin_call_if) X(plugin_mem_call) X(plugin_mem_call_128) X(plugin_only_if)        \
    X(chain) X(chain_poll)                                                                                             \
    X(branch_if) X(branch_indirect) X(leave_indirect) X(leave_branch_if) X(raise) X(exit_to)                           \
    NT_INTERP_COMPARE_BRANCH_FAMILIES(NT_INTERP_COMPARE_BRANCH, X)

#endif
