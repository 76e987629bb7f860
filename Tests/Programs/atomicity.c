// What Arm promises about concurrent accesses with FEAT_LSE2: no torn values, the order of barriers and of acquire and release, no
// lost updates; and alignment faults where it promises nothing. Threads run the same bounded rounds side by side; nothing depends on
// how they meet, but what they see is checked each time.
#define _GNU_SOURCE
#include "check.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#pragma GCC target("arch=armv8.4-a,branch-protection=none")

typedef unsigned long word;
typedef struct {
    word low, high;
} pair;

static unsigned char shared[64] __attribute__((aligned(64)));
static pthread_barrier_t start;

// MARK: torn values

#define TEARING_ROUNDS 150000

#define STORE_PAIR(name, text)                                                                                         \
    static void name(void *at, pair v) { __asm__ volatile(text ::"r"(v.low), "r"(v.high), "r"(at) : "memory"); }
#define LOAD_PAIR(name, text)                                                                                          \
    static pair name(void *at) {                                                                                       \
        pair v;                                                                                                        \
        __asm__ volatile(text : "=&r"(v.low), "=&r"(v.high) : "r"(at) : "memory");                                     \
        return v;                                                                                                      \
    }
STORE_PAIR(stp_x, "stp %0, %1, [%2]") LOAD_PAIR(ldp_x, "ldp %0, %1, [%2]") LOAD_PAIR(ldnp_x, "ldnp %0, %1, [%2]")
STORE_PAIR(stnp_x, "stnp %0, %1, [%2]")
STORE_PAIR(stp_w, "stp %w0, %w1, [%2]") LOAD_PAIR(ldp_w, "ldp %w0, %w1, [%2]") LOAD_PAIR(ldxp_w, "ldxp %w0, %w1, [%2]")
LOAD_PAIR(ldpsw, "ldpsw %0, %1, [%2]")

static void stxp(void *at, pair v) {
    word a, b;
    int failed;
    __asm__ volatile("1: ldxp %0, %1, [%5]\n\tstxp %w2, %3, %4, [%5]\n\tcbnz %w2, 1b"
                     : "=&r"(a), "=&r"(b), "=&r"(failed)
                     : "r"(v.low), "r"(v.high), "r"(at)
                     : "memory");
}
/// An atomic load is an exclusive pair whose store succeeds.
static pair ldxp(void *at) {
    pair v;
    int failed;
    __asm__ volatile("1: ldaxp %0, %1, [%3]\n\tstlxp %w2, %0, %1, [%3]\n\tcbnz %w2, 1b" : "=&r"(v.low), "=&r"(v.high), "=&r"(failed) : "r"(at) : "memory");
    return v;
}
static pair casp(void *at, pair expected, pair desired) {
    register word x0 __asm__("x0") = expected.low, x1 __asm__("x1") = expected.high;
    register word x2 __asm__("x2") = desired.low, x3 __asm__("x3") = desired.high;
    __asm__ volatile("caspal x0, x1, x2, x3, [%4]" : "+r"(x0), "+r"(x1) : "r"(x2), "r"(x3), "r"(at) : "memory");
    return (pair){x0, x1};
}
static pair casp_load(void *at) { return casp(at, (pair){1, 2}, (pair){1, 2}); }
static void casp_store(void *at, pair v) {
    pair old = casp_load(at), found = casp(at, old, v);
    while (found.low != old.low || found.high != old.high) {
        old = found;
        found = casp(at, old, v);
    }
}

#define STORE(name, text)                                                                                              \
    static void name(void *at, pair v) { __asm__ volatile(text ::"r"(v.low), "r"(at) : "memory"); }
#define LOAD(name, text)                                                                                               \
    static pair name(void *at) {                                                                                       \
        word v;                                                                                                        \
        __asm__ volatile(text : "=&r"(v) : "r"(at) : "memory");                                                        \
        return (pair){v, v};                                                                                           \
    }
STORE(str_x, "str %0, [%1]") LOAD(ldr_x, "ldr %0, [%1]") STORE(str_w, "str %w0, [%1]") LOAD(ldrsw, "ldrsw %0, [%1]")
STORE(str_h, "strh %w0, [%1]") LOAD(ldrsh, "ldrsh %0, [%1]") STORE(stlr_x, "stlr %0, [%1]") LOAD(ldar_x, "ldar %0, [%1]")
LOAD(ldapr_x, "ldapr %0, [%1]") STORE(stlur_x, "stlur %0, [%1, #-3]") LOAD(ldapur_x, "ldapur %0, [%1, #-3]")
STORE(swp_x, "swpal %0, xzr, [%1]") STORE(stlr_w, "stlr %w0, [%1]") LOAD(ldapursw, "ldapursw %0, [%1]")

static struct tearing {
    const char *name;
    void (*store)(void *, pair);
    pair (*load)(void *);
    int offset;
} tearings[] = {
    {"stp ldp", stp_x, ldp_x, 0},        {"stnp ldnp", stnp_x, ldnp_x, 16},   {"stxp ldp", stxp, ldp_x, 0},
    {"stp ldxp", stp_x, ldxp, 0},        {"stxp ldxp", stxp, ldxp, 32},       {"casp ldp", casp_store, ldp_x, 0},
    {"stp casp", stp_x, casp_load, 0},   {"casp casp", casp_store, casp_load, 48},
    {"stp ldp w", stp_w, ldp_w, 0},      {"stp ldp w within 16", stp_w, ldp_w, 20},  {"stp w ldxp w", stp_w, ldxp_w, 8},
    {"stp w ldpsw", stp_w, ldpsw, 5},
    {"str ldr x", str_x, ldr_x, 8},      {"str ldr x within 16", str_x, ldr_x, 3},   {"str ldr w within 16", str_w, ldrsw, 6},
    {"strh ldrh within 16", str_h, ldrsh, 7}, {"stlr ldar within 16", stlr_x, ldar_x, 5}, {"stlr ldapr within 16", stlr_x, ldapr_x, 1},
    {"stlur ldapur within 16", stlur_x, ldapur_x, 7}, {"swp ldr within 16", swp_x, ldr_x, 6},
    {"stlr ldapursw within 16", stlr_w, ldapursw, 7},
};
static struct tearing *current;

static void *write_values(void *unused) {
    pthread_barrier_wait(&start);
    for (int i = 0; i < TEARING_ROUNDS; i++) current->store(shared + current->offset, i & 1 ? (pair){0, 0} : (pair){-1ul, -1ul});
    return unused;
}
static void *read_values(void *unused) {
    pthread_barrier_wait(&start);
    for (int i = 0; i < TEARING_ROUNDS; i++) {
        pair v = current->load(shared + current->offset);
        if (v.low == v.high && (v.low + 1 <= 1 || v.low == 0xffffffff)) continue;
        printf("%s: torn in round %d: %lx %lx\n", current->name, i, v.low, v.high);
        exit(99);
    }
    return unused;
}

typedef void *(*routine)(void *);
static void together(int count, routine routines[]) {
    pthread_t threads[4];
    CHECK(pthread_barrier_init(&start, NULL, (unsigned)count) == 0);
    for (long i = 0; i < count; i++) CHECK(pthread_create(&threads[i], NULL, routines[i], (void *)i) == 0);
    for (int i = 0; i < count; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    pthread_barrier_destroy(&start);
}

static void torn_values(int hasLSE2) {
    for (unsigned i = 0; i < sizeof tearings / sizeof tearings[0]; i++) {
        current = tearings + i;
        if (!hasLSE2 && i != 4 && i != 7 && i != 12) continue;
        memset(shared, 0, sizeof shared);
        together(2, (routine[]){write_values, read_values});
    }
    printf("torn values\n");
}

// MARK: order

#define CELLS 20000
/// Cells lie in lines of their own, so that accesses to two of them are two transactions.
typedef struct {
    volatile word x __attribute__((aligned(64)));
    volatile word y __attribute__((aligned(64)));
} cell;
static cell cells[CELLS];
static word seen[4][CELLS][2];

#define DMB(kind) __asm__ volatile("dmb " #kind ::: "memory")
static void store_release(volatile word *at, word v) { __asm__ volatile("stlr %0, [%1]" ::"r"(v), "r"(at) : "memory"); }
static word load_acquire(volatile word *at) {
    word v;
    __asm__ volatile("ldar %0, [%1]" : "=r"(v) : "r"(at) : "memory");
    return v;
}
static word load_acquire_pc(volatile word *at) {
    word v;
    __asm__ volatile("ldapr %0, [%1]" : "=r"(v) : "r"(at) : "memory");
    return v;
}
#define THREAD(name, body)                                                                                             \
    static void *name(void *argument) {                                                                                \
        word(*r)[2] = seen[(long)argument];                                                                            \
        pthread_barrier_wait(&start);                                                                                  \
        for (int i = 0; i < CELLS; i++) {                                                                              \
            cell *c = cells + i;                                                                                       \
            body                                                                                                       \
        }                                                                                                              \
        (void)r;                                                                                                       \
        return NULL;                                                                                                   \
    }
THREAD(mp_write, c->x = 1; DMB(ishst); c->y = 1;)
THREAD(mp_read, r[i][0] = c->y; DMB(ishld); r[i][1] = c->x;)
THREAD(mp_write_release, c->x = 1; store_release(&c->y, 1);)
THREAD(mp_read_acquire, r[i][0] = load_acquire(&c->y); r[i][1] = c->x;)
THREAD(mp_read_acquire_pc, r[i][0] = load_acquire_pc(&c->y); r[i][1] = c->x;)
THREAD(sb_x, c->x = 1; DMB(ish); r[i][0] = c->y;)
THREAD(sb_y, c->y = 1; DMB(ish); r[i][0] = c->x;)
THREAD(sb_x_release, store_release(&c->x, 1); r[i][0] = load_acquire(&c->y);)
THREAD(sb_y_release, store_release(&c->y, 1); r[i][0] = load_acquire(&c->x);)
THREAD(lb_x, r[i][0] = c->x; DMB(ish); c->y = 1;)
THREAD(lb_y, r[i][0] = load_acquire(&c->y); c->x = 1;)
THREAD(write_x, c->x = 1;)
THREAD(write_y, c->y = 1;)
THREAD(iriw_xy, r[i][0] = load_acquire(&c->x); r[i][1] = load_acquire(&c->y);)
THREAD(iriw_yx, r[i][0] = c->y; DMB(ish); r[i][1] = c->x;)
THREAD(corr, r[i][0] = c->x; r[i][1] = c->x;)

static void ordered(const char *name, int count, routine routines[], int (*forbidden)(int)) {
    for (int repeat = 0; repeat < 3; repeat++) {
        for (int i = 0; i < CELLS; i++) cells[i].x = cells[i].y = 0;
        memset(seen, 0, sizeof seen);
        together(count, routines);
        for (int i = 0; i < CELLS; i++)
            if (forbidden(i)) {
                printf("%s: forbidden in round %d\n", name, i);
                exit(99);
            }
    }
    printf("%s\n", name);
}
static int mp_forbidden(int i) { return seen[1][i][0] == 1 && seen[1][i][1] == 0; }
static int sb_forbidden(int i) { return seen[0][i][0] == 0 && seen[1][i][0] == 0; }
static int lb_forbidden(int i) { return seen[0][i][0] == 1 && seen[1][i][0] == 1; }
static int iriw_forbidden(int i) {
    return seen[2][i][0] == 1 && seen[2][i][1] == 0 && seen[3][i][0] == 1 && seen[3][i][1] == 0;
}
static int corr_forbidden(int i) { return seen[1][i][0] == 1 && seen[1][i][1] == 0; }

static void order(void) {
    ordered("MP barriers", 2, (routine[]){mp_write, mp_read}, mp_forbidden);
    ordered("MP release acquire", 2, (routine[]){mp_write_release, mp_read_acquire}, mp_forbidden);
    ordered("MP release acquirePC", 2, (routine[]){mp_write_release, mp_read_acquire_pc}, mp_forbidden);
    ordered("SB barriers", 2, (routine[]){sb_x, sb_y}, sb_forbidden);
    ordered("SB release acquire", 2, (routine[]){sb_x_release, sb_y_release}, sb_forbidden);
    ordered("SB mixed", 2, (routine[]){sb_x, sb_y_release}, sb_forbidden);
    ordered("LB", 2, (routine[]){lb_x, lb_y}, lb_forbidden);
    ordered("IRIW", 4, (routine[]){write_x, write_y, iriw_xy, iriw_yx}, iriw_forbidden);
    ordered("CoRR", 2, (routine[]){write_x, corr}, corr_forbidden);
}

// MARK: lost updates

#define ADDITIONS 50000
static pair wide_exclusive __attribute__((aligned(16))), wide_swapped __attribute__((aligned(16)));
static volatile uint8_t exclusive_byte;
static volatile word exclusive_word, added;
static volatile uint32_t exclusive_pair[2] __attribute__((aligned(8)));
static unsigned char odd[16] __attribute__((aligned(16)));

static void *add(void *argument) {
    pthread_barrier_wait(&start);
    for (int i = 0; i < ADDITIONS; i++) {
        word a, b;
        int failed;
        __asm__ volatile("1: ldxr %0, [%2]\n\tadd %0, %0, #3\n\tstxr %w1, %0, [%2]\n\tcbnz %w1, 1b"
                         : "=&r"(a), "=&r"(failed) : "r"(&exclusive_word) : "memory");
        __asm__ volatile("1: ldaxrb %w0, [%2]\n\tadd %w0, %w0, #1\n\tstlxrb %w1, %w0, [%2]\n\tcbnz %w1, 1b"
                         : "=&r"(a), "=&r"(failed) : "r"(&exclusive_byte) : "memory");
        __asm__ volatile("1: ldxp %w0, %w1, [%3]\n\tadd %w0, %w0, #1\n\tsub %w1, %w1, #1\n\tstxp %w2, %w0, %w1, [%3]\n\tcbnz %w2, 1b"
                         : "=&r"(a), "=&r"(b), "=&r"(failed) : "r"(exclusive_pair) : "memory");
        // A counter of 128 bits whose low half overflows at each second addition.
        __asm__ volatile("1: ldxp %0, %1, [%3]\n\tadds %0, %0, %4\n\tadc %1, %1, xzr\n\tstxp %w2, %0, %1, [%3]\n\tcbnz %w2, 1b"
                         : "=&r"(a), "=&r"(b), "=&r"(failed) : "r"(&wide_exclusive), "r"(1ul << 63) : "memory", "cc");
        pair old = {0, 0}, new, found;
        for (;; old = found) {
            new.low = old.low + (1ul << 63);
            new.high = old.high + (new.low < old.low);
            found = casp(&wide_swapped, old, new);
            if (found.low == old.low && found.high == old.high) break;
        }
        __asm__ volatile("ldaddal %1, xzr, [%0]" ::"r"(&added), "r"(5ul) : "memory");
    }
    return argument;
}
static void *add_odd(void *argument) {
    pthread_barrier_wait(&start);
    // Misaligned, inside 16 bytes.
    for (int i = 0; i < ADDITIONS; i++) {
        __asm__ volatile("stadd %1, [%0]" ::"r"(odd + 3), "r"(0x100000001ul) : "memory");
        word old = 0, found;
        for (;; old = found) {
            found = old;
            __asm__ volatile("casal %w0, %w2, [%1]" : "+r"(found) : "r"(odd + 11), "r"(old + 1) : "memory");
            if ((uint32_t)found == (uint32_t)old) break;
        }
    }
    return argument;
}

static void lost_updates(int hasLSE2) {
    together(3, (routine[]){add, add, add});
    CHECK(exclusive_word == 9 * ADDITIONS && exclusive_byte == (uint8_t)(3 * ADDITIONS) && added == 15 * ADDITIONS);
    CHECK(exclusive_pair[0] == 3 * ADDITIONS && exclusive_pair[1] == (uint32_t)(-3 * ADDITIONS));
    CHECK(wide_exclusive.low == (3 * ADDITIONS & 1ul) << 63 && wide_exclusive.high == 3 * ADDITIONS / 2);
    CHECK(wide_swapped.low == wide_exclusive.low && wide_swapped.high == wide_exclusive.high);
    if (hasLSE2) {
        together(3, (routine[]){add_odd, add_odd, add_odd});
        word sum;
        uint32_t count;
        memcpy(&sum, odd + 3, 8);
        memcpy(&count, odd + 11, 4);
        CHECK(sum == 3 * ADDITIONS * 0x100000001ul && count == 3 * ADDITIONS);
    }
    printf("lost updates\n");
}

// MARK: alignment

static sigjmp_buf unaligned;
static void *unaligned_address;
static void on_sigbus(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)context;
    CHECK(info->si_code == BUS_ADRALN);
    unaligned_address = info->si_addr;
    siglongjmp(unaligned, 1);
}

#define ACCESS(name, text)                                                                                             \
    static void name(void *at) { __asm__ volatile(text ::"r"(at) : "x4", "x5", "x6", "x7", "x8", "memory"); }
ACCESS(a_ldadd, "ldadd x4, x5, [%0]") ACCESS(a_swp_w, "swp w4, w5, [%0]") ACCESS(a_cas, "cas x4, x5, [%0]")
ACCESS(a_ldar, "ldar x4, [%0]") ACCESS(a_ldar_h, "ldarh w4, [%0]") ACCESS(a_stlr, "stlr x4, [%0]") ACCESS(a_stlr_w, "stlr w4, [%0]")
ACCESS(a_ldapr, "ldapr x4, [%0]") ACCESS(a_ldapur, "ldapur w4, [%0]") ACCESS(a_stlur, "stlurh w4, [%0]")
ACCESS(a_ldxr, "ldxr x4, [%0]") ACCESS(a_ldaxr_w, "ldaxr w4, [%0]") ACCESS(a_stxr, "mov x4, #0\n\tstxr w5, x4, [%0]")
ACCESS(a_ldxp_w, "ldxp w4, w5, [%0]") ACCESS(a_casp_w, "casp w4, w5, w6, w7, [%0]")
ACCESS(a_ldxp, "ldxp x4, x5, [%0]") ACCESS(a_casp, "casp x4, x5, x6, x7, [%0]") ACCESS(a_stxp, "stxp w8, x4, x5, [%0]")
ACCESS(a_ldr, "ldr x4, [%0]") ACCESS(a_ldp, "ldp x4, x5, [%0]") ACCESS(a_stp, "stp xzr, xzr, [%0]") ACCESS(a_ldr_q, "ldr q0, [%0]")

static const struct {
    const char *name;
    void (*access)(void *);
    int size;
    /// 0: any alignment; 1: within 16 bytes; 2: a multiple of the size.
    int rule;
} accesses[] = {
    {"ldadd", a_ldadd, 8, 1}, {"swp", a_swp_w, 4, 1},   {"cas", a_cas, 8, 1},       {"ldar", a_ldar, 8, 1},     {"ldarh", a_ldar_h, 2, 1},
    {"stlr", a_stlr, 8, 1},   {"stlr w", a_stlr_w, 4, 1}, {"ldapr", a_ldapr, 8, 1},   {"ldapur", a_ldapur, 4, 1}, {"stlurh", a_stlur, 2, 1},
    {"ldxr", a_ldxr, 8, 1},   {"ldaxr w", a_ldaxr_w, 4, 1}, {"stxr", a_stxr, 8, 1}, {"ldxp w", a_ldxp_w, 8, 1}, {"casp w", a_casp_w, 8, 1},
    {"ldxp", a_ldxp, 16, 2},  {"casp", a_casp, 16, 2},  {"stxp", a_stxp, 16, 2},    {"ldr", a_ldr, 8, 0},       {"ldp", a_ldp, 16, 0},
    {"stp", a_stp, 16, 0},    {"ldr q", a_ldr_q, 16, 0},
};

static void alignment(int hasLSE2) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
    for (unsigned k = 0; k < sizeof accesses / sizeof accesses[0]; k++) {
        for (int offset = 0; offset < 32; offset++) {
            int rule = accesses[k].rule == 1 && !hasLSE2 ? 2 : accesses[k].rule, size = accesses[k].size;
            int allowed = rule == 0 || (rule == 1 ? offset % 16 + size <= 16 : offset % size == 0);
            int faulted = sigsetjmp(unaligned, 1);
            if (faulted == 0) accesses[k].access(shared + offset);
            // Whether a store-exclusive checks the address before the monitor is for the implementation to say.
            if (!allowed && (accesses[k].access == a_stxr || accesses[k].access == a_stxp)) continue;
            if (faulted == allowed) printf("%s at %d: %s\n", accesses[k].name, offset, faulted ? "fault" : "no fault");
            CHECK(faulted != allowed && (!faulted || unaligned_address == shared + offset));
        }
    }
    printf("alignment\n");
}

int main(void) {
    int hasLSE2 = (getauxval(AT_HWCAP) & HWCAP_USCAT) != 0;
    torn_values(hasLSE2);
    order();
    lost_updates(hasLSE2);
    alignment(hasLSE2);
    return 0;
}
