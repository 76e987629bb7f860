// The table: name (family and how its threads order their two accesses), verdict, outcome, each thread's code.
// x, y: final values; aN, bN: what thread N read. Names and verdicts are those of the published Arm model (aarch64.cat).
#define SAW_MP a1 == 1 && b1 == 0
#define SAW_SB b0 == 0 && b1 == 0
#define SAW_LB a0 == 1 && a1 == 1
#define SAW_IRIW a2 == 1 && b2 == 0 && a3 == 1 && b3 == 0
#define SAW_WRC a1 == 1 && a2 == 1 && b2 == 0
#define SAW_ISA2 a1 == 1 && a2 == 1 && b2 == 0
#define SAW_TWO_W x == 1 && y == 1
#define SAW_S a1 == 1 && x == 2
#define SAW_R y == 2 && b1 == 0

#define TESTS                                                                                                          \
    /* Message passing: data, then flag; flag, then data. */                                                           \
    TEST2(MP_po_po, allowed, SAW_MP, ST(x, 1) ST(y, 1), LD(a, y) LD(b, x))                                             \
    TEST2(MP_dmb_dmb, forbidden, SAW_MP, ST(x, 1) SY ST(y, 1), LD(a, y) SY LD(b, x))                                   \
    TEST2(MP_ish_ish, forbidden, SAW_MP, ST(x, 1) ISH ST(y, 1), LD(a, y) ISH LD(b, x))                                 \
    TEST2(MP_st_ld, forbidden, SAW_MP, ST(x, 1) FST ST(y, 1), LD(a, y) FLD LD(b, x))                                   \
    TEST2(MP_st_addr, forbidden, SAW_MP, ST(x, 1) FST ST(y, 1), LD(a, y) LD_ADDR(b, x, a))                             \
    TEST2(MP_st_ctrlisb, forbidden, SAW_MP, ST(x, 1) FST ST(y, 1), LD(a, y) LD_CTRL_ISB(b, x, a))                      \
    TEST2(MP_st_ctrl, allowed, SAW_MP, ST(x, 1) FST ST(y, 1), LD(a, y) LD_CTRL(b, x, a))                               \
    TEST2(MP_st_po, allowed, SAW_MP, ST(x, 1) FST ST(y, 1), LD(a, y) LD(b, x))                                         \
    TEST2(MP_po_ld, allowed, SAW_MP, ST(x, 1) ST(y, 1), LD(a, y) FLD LD(b, x))                                         \
    TEST2(MP_stlr_ldar, forbidden, SAW_MP, ST(x, 1) STLR(y, 1), LDAR(a, y) LD(b, x))                                   \
    TEST2(MP_stlr_ldapr, forbidden, SAW_MP, ST(x, 1) STLR(y, 1), LDAPR(a, y) LD(b, x))                                 \
    TEST2(MP_stlr_addr, forbidden, SAW_MP, ST(x, 1) STLR(y, 1), LD(a, y) LD_ADDR(b, x, a))                             \
    TEST2(MP_stlr_ld, forbidden, SAW_MP, ST(x, 1) STLR(y, 1), LD(a, y) FLD LD(b, x))                                   \
    TEST2(MP_st_ldar, forbidden, SAW_MP, ST(x, 1) FST ST(y, 1), LDAR(a, y) LD(b, x))                                   \
    TEST2(MP_swpl_ldadda, forbidden, SAW_MP, ST(x, 1) SWPL(y, 1), LDADDA(a, y) LD(b, x))                               \
    TEST2(MP_swpal_ldaddal, forbidden, SAW_MP, ST(x, 1) SWPAL(y, 1), LDADDAL(a, y) LD(b, x))                           \
    TEST2(MP_staddl_casa, forbidden, SAW_MP, ST(x, 1) STADDL(y, 1), CASA(a, y) LD(b, x))                               \
    TEST2(MP_casl_casal, forbidden, SAW_MP, ST(x, 1) CASL(y, 1), CASAL(a, y) LD(b, x))                                 \
    TEST2(MP_stlxr_ldaxr, forbidden, SAW_MP, ST(x, 1) STLXR(y, 1), LDAXR(a, y) LD(b, x))                               \
    TEST2(MP_amo_amo, forbidden, SAW_MP, ST(x, 1) AMO ST(y, 1), LD(a, y) AMO LD(b, x))                                 \
    TEST2(MP_swp_ldadd, allowed, SAW_MP, ST(x, 1) SWP(y, 1), LDADD(a, y) LD(b, x))                                     \
    /* Store buffering: each stores, then reads what the other stores. */                                              \
    TEST2(SB_po_po, allowed, SAW_SB, ST(x, 1) LD(b, y), ST(y, 1) LD(b, x))                                             \
    TEST2(SB_dmb_dmb, forbidden, SAW_SB, ST(x, 1) SY LD(b, y), ST(y, 1) SY LD(b, x))                                   \
    TEST2(SB_ish_ish, forbidden, SAW_SB, ST(x, 1) ISH LD(b, y), ST(y, 1) ISH LD(b, x))                                 \
    TEST2(SB_st_st, allowed, SAW_SB, ST(x, 1) FST LD(b, y), ST(y, 1) FST LD(b, x))                                     \
    TEST2(SB_ld_ld, allowed, SAW_SB, ST(x, 1) FLD LD(b, y), ST(y, 1) FLD LD(b, x))                                     \
    TEST2(SB_dmb_po, allowed, SAW_SB, ST(x, 1) SY LD(b, y), ST(y, 1) LD(b, x))                                         \
    TEST2(SB_stlr_ldar, forbidden, SAW_SB, STLR(x, 1) LDAR(b, y), STLR(y, 1) LDAR(b, x))                               \
    TEST2(SB_stlr_ldapr, allowed, SAW_SB, STLR(x, 1) LDAPR(b, y), STLR(y, 1) LDAPR(b, x))                              \
    TEST2(SB_stlr_dmb, forbidden, SAW_SB, STLR(x, 1) LDAR(b, y), ST(y, 1) SY LD(b, x))                                 \
    TEST2(SB_stlr_po, allowed, SAW_SB, STLR(x, 1) LD(b, y), STLR(y, 1) LD(b, x))                                       \
    TEST2(SB_swpal_ldaddal, forbidden, SAW_SB, SWPAL(x, 1) LDADDAL(b, y), SWPAL(y, 1) LDADDAL(b, x))                   \
    TEST2(SB_casl_casa, forbidden, SAW_SB, CASL(x, 1) CASA(b, y), CASL(y, 1) CASA(b, x))                               \
    TEST2(SB_stlxr_ldaxr, forbidden, SAW_SB, STLXR(x, 1) LDAXR(b, y), STLXR(y, 1) LDAXR(b, x))                         \
    TEST2(SB_stxr_ldxr, allowed, SAW_SB, STXR(x, 1) LDXR(b, y), STXR(y, 1) LDXR(b, x))                                 \
    TEST2(SB_amo_amo, forbidden, SAW_SB, ST(x, 1) AMO LD(b, y), ST(y, 1) AMO LD(b, x))                                 \
    TEST2(SB_amo_dmb, forbidden, SAW_SB, ST(x, 1) AMO LD(b, y), ST(y, 1) SY LD(b, x))                                  \
    /* Load buffering: each reads, then stores what the other reads. */                                                \
    TEST2(LB_po_po, allowed, SAW_LB, LD(a, x) ST(y, 1), LD(a, y) ST(x, 1))                                             \
    TEST2(LB_dmb_dmb, forbidden, SAW_LB, LD(a, x) SY ST(y, 1), LD(a, y) SY ST(x, 1))                                   \
    TEST2(LB_ld_ld, forbidden, SAW_LB, LD(a, x) FLD ST(y, 1), LD(a, y) FLD ST(x, 1))                                   \
    TEST2(LB_data_data, forbidden, SAW_LB, LD(a, x) ST_DATA(y, 1, a), LD(a, y) ST_DATA(x, 1, a))                       \
    TEST2(LB_addr_addr, forbidden, SAW_LB, LD(a, x) ST_ADDR(y, 1, a), LD(a, y) ST_ADDR(x, 1, a))                       \
    TEST2(LB_ctrl_ctrl, forbidden, SAW_LB, LD(a, x) ST_CTRL(y, 1, a), LD(a, y) ST_CTRL(x, 1, a))                       \
    TEST2(LB_ldar_ldar, forbidden, SAW_LB, LDAR(a, x) ST(y, 1), LDAR(a, y) ST(x, 1))                                   \
    TEST2(LB_ldapr_ldapr, forbidden, SAW_LB, LDAPR(a, x) ST(y, 1), LDAPR(a, y) ST(x, 1))                               \
    TEST2(LB_stlr_stlr, forbidden, SAW_LB, LD(a, x) STLR(y, 1), LD(a, y) STLR(x, 1))                                   \
    TEST2(LB_ldadda_swpl, forbidden, SAW_LB, LDADDA(a, x) ST(y, 1), LD(a, y) SWPL(x, 1))                               \
    TEST2(LB_ldaxr_stlxr, forbidden, SAW_LB, LDAXR(a, x) ST(y, 1), LD(a, y) STLXR(x, 1))                               \
    TEST2(LB_data_po, allowed, SAW_LB, LD(a, x) ST_DATA(y, 1, a), LD(a, y) ST(x, 1))                                   \
    /* Coherence: one variable, one order. */                                                                          \
    TEST2(CoRR, forbidden, a1 == 1 && b1 == 0, ST(x, 1), LD(a, x) LD(b, x))                                            \
    TEST2(CoRR_writes, forbidden, a1 == 2 && b1 == 1, ST(x, 1) ST(x, 2), LD(a, x) LD(b, x))                            \
    TEST2(CoRR_lse, forbidden, a1 == 2 && b1 == 1, SWP(x, 1) SWP(x, 2), LDADD(a, x) LD(b, x))                          \
    TEST2(CoRR_stxr, forbidden, a1 == 2 && b1 == 1, STXR(x, 1) STXR(x, 2), LDXR(a, x) LD(b, x))                        \
    TEST2(CoWW, forbidden, x == 1, ST(x, 1) ST(x, 2), LD(a, x))                                                        \
    TEST2(CoWW_stlr, forbidden, x == 1, STLR(x, 1) ST(x, 2), LD(a, x))                                                 \
    TEST2(CoWR, forbidden, a0 == 0, ST(x, 1) LD(a, x), ST(x, 2))                                                       \
    TEST2(CoWR_other, forbidden, a0 == 2 && x == 1, ST(x, 1) LD(a, x), ST(x, 2))                                       \
    TEST2(CoRW, forbidden, a0 == 1, LD(a, x) ST(x, 1), LD(a, x))                                                       \
    TEST2(CoRW_other, forbidden, a0 == 2 && x == 2, LD(a, x) ST(x, 1), ST(x, 2))                                       \
    TEST4(CoRR_two_readers, forbidden, (a2 == 1 && b2 == 2 && a3 == 2 && b3 == 1), ST(x, 1), ST(x, 2), LD(a, x) LD(b, x), LD(a, x) LD(b, x)) \
    /* Two writers of the same two variables in opposite order. */                                                     \
    TEST2(TwoW_po_po, allowed, SAW_TWO_W, ST(x, 1) ST(y, 2), ST(y, 1) ST(x, 2))                                        \
    TEST2(TwoW_st_st, forbidden, SAW_TWO_W, ST(x, 1) FST ST(y, 2), ST(y, 1) FST ST(x, 2))                              \
    TEST2(TwoW_dmb_dmb, forbidden, SAW_TWO_W, ST(x, 1) SY ST(y, 2), ST(y, 1) SY ST(x, 2))                              \
    TEST2(TwoW_stlr_stlr, forbidden, SAW_TWO_W, ST(x, 1) STLR(y, 2), ST(y, 1) STLR(x, 2))                              \
    TEST2(TwoW_swpal_swpl, forbidden, SAW_TWO_W, ST(x, 1) SWPAL(y, 2), ST(y, 1) SWPL(x, 2))                            \
    TEST2(TwoW_stlxr_st, forbidden, SAW_TWO_W, ST(x, 1) STLXR(y, 2), ST(y, 1) FST ST(x, 2))                            \
    TEST2(TwoW_ld_ld, allowed, SAW_TWO_W, ST(x, 1) FLD ST(y, 2), ST(y, 1) FLD ST(x, 2))                                \
    /* A read that orders two writers. */                                                                              \
    TEST2(S_po_po, allowed, SAW_S, ST(x, 2) ST(y, 1), LD(a, y) ST(x, 1))                                               \
    TEST2(S_st_data, forbidden, SAW_S, ST(x, 2) FST ST(y, 1), LD(a, y) ST_DATA(x, 1, a))                               \
    TEST2(S_stlr_ctrl, forbidden, SAW_S, ST(x, 2) STLR(y, 1), LD(a, y) ST_CTRL(x, 1, a))                               \
    TEST2(S_stlr_ldar, forbidden, SAW_S, ST(x, 2) STLR(y, 1), LDAR(a, y) ST(x, 1))                                     \
    TEST2(S_swpl_ldadda, forbidden, SAW_S, ST(x, 2) SWPL(y, 1), LDADDA(a, y) ST(x, 1))                                 \
    TEST2(S_dmb_dmb, forbidden, SAW_S, ST(x, 2) SY ST(y, 1), LD(a, y) SY ST(x, 1))                                     \
    TEST2(R_po_po, allowed, SAW_R, ST(x, 1) ST(y, 1), ST(y, 2) LD(b, x))                                               \
    TEST2(R_dmb_dmb, forbidden, SAW_R, ST(x, 1) SY ST(y, 1), ST(y, 2) SY LD(b, x))                                     \
    TEST2(R_st_dmb, forbidden, SAW_R, ST(x, 1) FST ST(y, 1), ST(y, 2) SY LD(b, x))                                     \
    TEST2(R_stlr_stlrldar, forbidden, SAW_R, ST(x, 1) STLR(y, 1), STLR(y, 2) LDAR(b, x))                               \
    TEST2(R_amo_amo, forbidden, SAW_R, ST(x, 1) AMO ST(y, 1), ST(y, 2) AMO LD(b, x))                                   \
    TEST2(R_dmb_po, allowed, SAW_R, ST(x, 1) SY ST(y, 1), ST(y, 2) LD(b, x))                                           \
    /* What one thread has seen, others must see. */                                                                   \
    TEST3(WRC_po_po, allowed, SAW_WRC, ST(x, 1), LD(a, x) ST(y, 1), LD(a, y) LD(b, x))                                 \
    TEST3(WRC_data_addr, forbidden, SAW_WRC, ST(x, 1), LD(a, x) ST_DATA(y, 1, a), LD(a, y) LD_ADDR(b, x, a))           \
    TEST3(WRC_dmb_dmb, forbidden, SAW_WRC, ST(x, 1), LD(a, x) SY ST(y, 1), LD(a, y) SY LD(b, x))                       \
    TEST3(WRC_stlr_ldar, forbidden, SAW_WRC, ST(x, 1), LD(a, x) STLR(y, 1), LDAR(a, y) LD(b, x))                       \
    TEST3(WRC_ldar_ldapr, forbidden, SAW_WRC, ST(x, 1), LDAR(a, x) ST(y, 1), LDAPR(a, y) LD(b, x))                     \
    TEST3(WRC_lse, forbidden, SAW_WRC, SWP(x, 1), LDADDA(a, x) ST(y, 1), LDADDA(a, y) LD(b, x))                        \
    TEST3(ISA2_st_data_addr, forbidden, SAW_ISA2, ST(x, 1) FST ST(y, 1), LD(a, y) ST_DATA(z, 1, a), LD(a, z) LD_ADDR(b, x, a)) \
    TEST3(ISA2_stlr_ldar, forbidden, SAW_ISA2, ST(x, 1) STLR(y, 1), LDAR(a, y) STLR(z, 1), LDAR(a, z) LD(b, x))        \
    /* Two readers of two independent writers. */                                                                      \
    TEST4(IRIW_po_po, allowed, SAW_IRIW, ST(x, 1), ST(y, 1), LD(a, x) LD(b, y), LD(a, y) LD(b, x))                     \
    TEST4(IRIW_addr_addr, forbidden, SAW_IRIW, ST(x, 1), ST(y, 1), LD(a, x) LD_ADDR(b, y, a), LD(a, y) LD_ADDR(b, x, a)) \
    TEST4(IRIW_dmb_dmb, forbidden, SAW_IRIW, ST(x, 1), ST(y, 1), LD(a, x) SY LD(b, y), LD(a, y) SY LD(b, x))           \
    TEST4(IRIW_ld_ld, forbidden, SAW_IRIW, ST(x, 1), ST(y, 1), LD(a, x) FLD LD(b, y), LD(a, y) FLD LD(b, x))           \
    TEST4(IRIW_ldar_ldar, forbidden, SAW_IRIW, STLR(x, 1), STLR(y, 1), LDAR(a, x) LDAR(b, y), LDAR(a, y) LDAR(b, x))   \
    TEST4(IRIW_ldapr_ldapr, forbidden, SAW_IRIW, STLR(x, 1), STLR(y, 1), LDAPR(a, x) LDAPR(b, y), LDAPR(a, y) LDAPR(b, x)) \
    TEST4(IRIW_lse, forbidden, SAW_IRIW, SWPAL(x, 1), SWPAL(y, 1), LDADDAL(a, x) LDADDAL(b, y), LDADDAL(a, y) LDADDAL(b, x)) \
    TEST4(IRIW_ldaxr, forbidden, SAW_IRIW, STXR(x, 1), STLXR(y, 1), LDAXR(a, x) LD(b, y), LDAXR(a, y) LD(b, x))
