// The list of tier-0 operations. `_r` takes its second operand from a register or temporary, `_i` from the cell.
#define NT_INTERP_BINARY(X, name) X(name##_r32) X(name##_i32) X(name##_r64) X(name##_i64)
#define NT_INTERP_UNARY(X, name) X(name##_32) X(name##_64)
#define NT_INTERP_LANES(X, name) X(name##_b) X(name##_h) X(name##_s) X(name##_d)
#define NT_INTERP_CONDITIONS(X, name)                                                                                  \
    X(name##_eq) X(name##_ne) X(name##_cs) X(name##_cc) X(name##_mi) X(name##_pl) X(name##_vs) X(name##_vc)            \
    X(name##_hi) X(name##_ls) X(name##_ge) X(name##_lt) X(name##_gt) X(name##_le)

#define NT_INTERP_OPERATIONS(X)                                                                                        \
    X(mov32) X(mov64) X(mov128) X(movi) X(vconst)                                                                      \
    NT_INTERP_BINARY(X, add) NT_INTERP_BINARY(X, sub) NT_INTERP_BINARY(X, mul) NT_INTERP_BINARY(X, and)                \
    NT_INTERP_BINARY(X, or) NT_INTERP_BINARY(X, xor) NT_INTERP_BINARY(X, and_not) NT_INTERP_BINARY(X, shl)             \
    NT_INTERP_BINARY(X, lshr) NT_INTERP_BINARY(X, ashr) NT_INTERP_BINARY(X, ror) NT_INTERP_BINARY(X, adds)             \
    NT_INTERP_BINARY(X, subs) NT_INTERP_BINARY(X, ands) NT_INTERP_BINARY(X, cmp) NT_INTERP_BINARY(X, cmn)              \
    NT_INTERP_BINARY(X, icmp_eq) NT_INTERP_BINARY(X, icmp_ne) NT_INTERP_BINARY(X, icmp_ult)                            \
    NT_INTERP_BINARY(X, icmp_ule) NT_INTERP_BINARY(X, icmp_slt) NT_INTERP_BINARY(X, icmp_sle)                          \
    NT_INTERP_BINARY(X, branch_eq) NT_INTERP_BINARY(X, branch_ne)                                                      \
    X(umulh) X(smulh) X(udiv_32) X(udiv_64) X(sdiv_32) X(sdiv_64) X(adc_32) X(adc_64) X(sbc_32) X(sbc_64)              \
    X(add_shl32) X(add_shl64) X(mul_add64) X(mul_add32) NT_INTERP_UNARY(X, not) NT_INTERP_UNARY(X, clz)                \
    NT_INTERP_UNARY(X, cls) NT_INTERP_UNARY(X, rbit) NT_INTERP_UNARY(X, bswap) NT_INTERP_UNARY(X, rev16)               \
    NT_INTERP_UNARY(X, ubfx) NT_INTERP_UNARY(X, sbfx) NT_INTERP_UNARY(X, bfi) NT_INTERP_UNARY(X, extr)                 \
    X(zext128) X(sext_1_32) X(sext_1_64) X(sext_32_64) X(and_bit) NT_INTERP_UNARY(X, flags_adc)                        \
    NT_INTERP_UNARY(X, flags_sbc) NT_INTERP_UNARY(X, flags_logic) NT_INTERP_UNARY(X, ccmp_sub)                         \
    NT_INTERP_UNARY(X, ccmp_add) X(flags_set) X(flags_get) NT_INTERP_CONDITIONS(X, cond)                               \
    NT_INTERP_CONDITIONS(X, branch) NT_INTERP_CONDITIONS(X, csel) X(select64) X(select128) X(crc32) X(crc32c)          \
    X(load_u8) X(load_u16) X(load_u32) X(load_u64) X(load_s8_32) X(load_s8_64) X(load_s16_32) X(load_s16_64)           \
    X(load_s32_64) X(load_128) X(load_zext128_8) X(load_zext128_16) X(load_zext128_32) X(load_zext128_64)              \
    X(load_x_u8) X(load_x_u16) X(load_x_u32) X(load_x_u64) X(store_8) X(store_16) X(store_32) X(store_64)              \
    X(store_128) X(store_x_8) X(store_x_16) X(store_x_32) X(store_x_64) X(load_pair_64) X(store_pair_64)               \
    X(load_acquire) X(load_acquire_signed) X(load_acquire_128) X(store_release) X(store_release_128)                   \
    X(load_exclusive) X(load_exclusive_128) X(store_exclusive) X(store_exclusive_128) X(clear_exclusive)               \
    X(atomic_rmw) X(compare_and_swap) X(compare_and_swap_128) X(fence) X(zero_block) X(pack128) X(vand) X(vor)         \
    X(vxor) X(vand_not) X(vnot) X(vselect) NT_INTERP_LANES(X, vadd) NT_INTERP_LANES(X, vsub)                           \
    NT_INTERP_LANES(X, vmul) NT_INTERP_LANES(X, vneg) NT_INTERP_LANES(X, vabs) NT_INTERP_LANES(X, vsmax)               \
    NT_INTERP_LANES(X, vsmin) NT_INTERP_LANES(X, vumax) NT_INTERP_LANES(X, vumin) NT_INTERP_LANES(X, vcmp_eq)          \
    NT_INTERP_LANES(X, vcmp_sgt) NT_INTERP_LANES(X, vcmp_sge) NT_INTERP_LANES(X, vcmp_ugt)                             \
    NT_INTERP_LANES(X, vcmp_uge) NT_INTERP_LANES(X, vshl) NT_INTERP_LANES(X, vlshr) NT_INTERP_LANES(X, vashr)          \
    NT_INTERP_LANES(X, vdup) NT_INTERP_LANES(X, vinsert) NT_INTERP_LANES(X, vextract) X(vext)                          \
    NT_INTERP_LANES(X, vzip1) NT_INTERP_LANES(X, vzip2) NT_INTERP_LANES(X, vuzp1) NT_INTERP_LANES(X, vuzp2)            \
    NT_INTERP_LANES(X, vtrn1) NT_INTERP_LANES(X, vtrn2) NT_INTERP_LANES(X, vrev) NT_INTERP_LANES(X, vnarrow)           \
    NT_INTERP_LANES(X, vsext_low) NT_INTERP_LANES(X, vzext_low) X(vcnt) X(call) X(plugin_add) X(plugin_store)          \
    X(plugin_load) X(plugin_call) X(plugin_call_if) X(plugin_mem_call) X(plugin_mem_call_128) X(chain) X(chain_poll)   \
    X(branch_if) X(branch_indirect) X(leave_indirect) X(leave_branch_if) X(raise) X(exit_to)
