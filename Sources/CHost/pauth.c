// Pointer authentication: QARMA5, the algorithm that ID_AA64ISAR1_EL1.APA and GPA name, and the layout of signed pointers.
//
// QARMA5 is QARMA-64 with the S-box sigma2 and five rounds on each side of the middle (R. Avanzi, "The QARMA Block Cipher Family", 2017;
// Arm ARM, ComputePAC). Text X is the pointer, tweak Y the modifier, the key K = K0:K1 (K0 = bits 127:64). The state is 16 cells of four
// bits. With M the mix of columns, P the permutation of cells tau, S the substitution, Y[i] the tweak after i steps and
// K0' = (K0 ROR 1) EOR (K0 >> 63):
//
//     x = X ^ K0
//     for i in 0..4: x ^= K1 ^ Y[i] ^ RC[i];  if i > 0: x = M(P(x));  x = S(x)
//     x = S(M(P(x ^ K0' ^ Y[5])));  x = M(P(x)) ^ K1
//     x = P'(M(S'(P'(x)))) ^ K0 ^ Y[5]
//     for i in 4..0: x = S'(x);  if i > 0: x = P'(M(x));  x ^= RC[i] ^ K1 ^ Y[i] ^ alpha
//     PAC = x ^ K0'
//
// Here a cell is a byte of a 16-byte vector (byte i = bits 4i+3:4i), so that S, P and the tweak's step are byte shuffles, and M, a
// circulant of rotations (0, 1, 2, 1) over rows of four cells, is three shuffles of two looked-up rotations; P before or P' behind
// it costs nothing.
//
// A signed return address is authenticated with the operands that it was signed with, so each vCPU remembers results
// (nt_pac_cache): what a pair of PACIASP and RETAA costs is two look-ups.
#include "nt_pauth.h"
#include "nt_helpers.h"
#include <string.h>

typedef uint8_t cells __attribute__((vector_size(16)));

#define CELLS static const cells
CELLS sigma2 = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
CELLS sigma2_inverse = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3};
// A cell rotated left by one and by two.
CELLS rotated_1 = {0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15};
CELLS rotated_2 = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
// tau and its inverse, counted from the low end as all of these.
CELLS tau = {13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15};
CELLS tau_inverse = {3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15};
// Rows moved by one, two and three: behind tau, alone, and before its inverse.
CELLS tau_rows[3] = {{7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15, 13, 6, 11, 0},
                     {8, 3, 14, 5, 2, 9, 4, 15, 13, 6, 11, 0, 7, 12, 1, 10},
                     {2, 9, 4, 15, 13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5}};
CELLS rows_tau_inverse[3] = {{7, 10, 0, 13, 2, 15, 5, 8, 12, 1, 11, 6, 9, 4, 14, 3},
                             {11, 14, 4, 1, 6, 3, 9, 12, 0, 5, 15, 10, 13, 8, 2, 7},
                             {15, 2, 8, 5, 10, 7, 13, 0, 4, 9, 3, 14, 1, 12, 6, 11}};
// The tweak's step: a permutation, then omega in seven cells.
CELLS tweak_order = {4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9};
CELLS omega = {0, 8, 9, 1, 2, 10, 11, 3, 4, 12, 13, 5, 6, 14, 15, 7};
CELLS omega_cells = {0, 0, 255, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 0, 255, 255};

static const uint64_t round_constants[5] = {0, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89,
                                            0x452821e638d01377};
#define ALPHA 0xc0ac29b7c97c50ddull

// table[x], x as index; both forms below are compiled with their own.
#define ALGORITHM(name, LOOK_UP, ATTRIBUTES)                                                                           \
    ATTRIBUTES static inline cells name##_unpacked(uint64_t word) {                                                    \
        typedef uint64_t pair __attribute__((vector_size(16)));                                                        \
        pair both = {word & 0x0f0f0f0f0f0f0f0f, word >> 4 & 0x0f0f0f0f0f0f0f0f};                                       \
        return __builtin_shufflevector((cells)both, (cells)both, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15); \
    }                                                                                                                  \
    ATTRIBUTES static inline cells name##_mixed(cells x, const cells rows[3]) {                                        \
        cells one = LOOK_UP(rotated_1, x), two = LOOK_UP(rotated_2, x);                                                \
        return LOOK_UP(one, rows[0]) ^ LOOK_UP(two, rows[1]) ^ LOOK_UP(one, rows[2]);                                  \
    }                                                                                                                  \
    ATTRIBUTES static uint64_t name(uint64_t text, uint64_t tweak, uint64_t k0, uint64_t k1) {                         \
        cells tweaks[6], constants[5];                                                                                 \
        tweaks[0] = name##_unpacked(tweak);                                                                            \
        for (int i = 0; i < 5; i++) {                                                                                  \
            cells moved = LOOK_UP(tweaks[i], tweak_order);                                                             \
            tweaks[i + 1] = (moved & ~omega_cells) | (LOOK_UP(omega, moved) & omega_cells);                            \
            constants[i] = name##_unpacked(round_constants[i]);                                                        \
        }                                                                                                              \
        cells key0 = name##_unpacked(k0), key1 = name##_unpacked(k1), alpha = name##_unpacked(ALPHA);                  \
        cells whitening = name##_unpacked((k0 >> 1 | k0 << 63) ^ k0 >> 63);                                            \
        cells x = name##_unpacked(text) ^ key0;                                                                        \
        for (int i = 0; i < 5; i++) {                                                                                  \
            x ^= key1 ^ tweaks[i] ^ constants[i];                                                                      \
            if (i > 0) x = name##_mixed(x, tau_rows);                                                                  \
            x = LOOK_UP(sigma2, x);                                                                                    \
        }                                                                                                              \
        x = LOOK_UP(sigma2, name##_mixed(x ^ whitening ^ tweaks[5], tau_rows));                                        \
        x = name##_mixed(x, tau_rows) ^ key1;                                                                          \
        x = LOOK_UP(sigma2_inverse, LOOK_UP(x, tau_inverse));                                                          \
        x = name##_mixed(x, rows_tau_inverse) ^ key0 ^ tweaks[5];                                                      \
        for (int i = 4; i >= 0; i--) {                                                                                 \
            x = LOOK_UP(sigma2_inverse, x);                                                                            \
            if (i > 0) x = name##_mixed(x, rows_tau_inverse);                                                          \
            x ^= constants[i] ^ key1 ^ tweaks[i] ^ alpha;                                                              \
        }                                                                                                              \
        x ^= whitening;                                                                                                \
        uint64_t result = 0;                                                                                           \
        for (int i = 0; i < 8; i++) result |= (uint64_t)(uint8_t)(x[2 * i] | x[2 * i + 1] << 4) << (8 * i);            \
        return result;                                                                                                 \
    }

static inline cells look_up(cells table, cells index) {
    cells result;
    for (int i = 0; i < 16; i++) result[i] = table[index[i] & 15];
    return result;
}
ALGORITHM(portable, look_up, )

uint64_t nt_portable_qarma5(uint64_t text, uint64_t tweak, uint64_t k0, uint64_t k1) {
    return portable(text, tweak, k0, k1);
}

#if defined(__x86_64__)
#include <tmmintrin.h>
#define SHUFFLE(table, index) ((cells)_mm_shuffle_epi8((__m128i)(table), (__m128i)(index)))
ALGORITHM(shuffled, SHUFFLE, __attribute__((target("ssse3"))))

uint64_t nt_qarma5(uint64_t text, uint64_t tweak, uint64_t k0, uint64_t k1) {
    return __builtin_cpu_supports("ssse3") ? shuffled(text, tweak, k0, k1) : portable(text, tweak, k0, k1);
}
#else
uint64_t nt_qarma5(uint64_t text, uint64_t tweak, uint64_t k0, uint64_t k1) { return portable(text, tweak, k0, k1); }
#endif

// MARK: Keys

static nt_pac_cache_entry *cache(nt_cpu *cpu) { return (nt_pac_cache_entry *)((char *)cpu + NT_PAC_CACHE_OFFSET); }

void nt_pac_keys_changed(nt_cpu *cpu) { memset(cache(cpu), 0, sizeof(nt_pac_cache_entry) * NT_PAC_CACHE_SIZE); }

static uint64_t compute_pac(nt_cpu *cpu, uint64_t pointer, uint64_t modifier, uint32_t key) {
    // Pointers are to instructions or words, modifiers often stack pointers: their low bits say little.
    uint32_t mixed = (uint32_t)(pointer >> 2) * 0x9e3779b1u + (uint32_t)(modifier >> 4) * 0x85ebca77u + key;
    nt_pac_cache_entry *entry = cache(cpu) + (mixed >> (32 - NT_PAC_CACHE_BITS));
    if (__builtin_expect(entry->pointer != pointer || entry->modifier != modifier || entry->key != key + 1, 0)) {
        entry->pointer = pointer;
        entry->modifier = modifier;
        entry->key = key + 1;
        entry->pac = nt_qarma5(pointer, modifier, cpu->pac_keys[key].hi, cpu->pac_keys[key].lo);
    }
    return entry->pac;
}

// MARK: Signed pointers
//
// Linux gives EL0 48 bits of address and TBI0 without TBID0, for the lower half of the address space alone: bit 55 says which
// half, and the code's field is bits 54:48 of a lower pointer, 63:56 and 54:48 of an upper one. Instruction and data pointers are
// alike. With FEAT_PAuth2 the code is added by exclusive or. (QEMU 10 extends bit 63, not 55, of a pointer to be signed whose
// bits 63 and 55 are 0 and 1; the manual's AddPAC has bit 55.) A wrong code faults, in combined instructions, too: FEAT_FPACCOMBINE.

#define UPPER(pointer) ((pointer) >> 55 & 1)
#define FIELD_LOWER 0x007f000000000000ull
#define FIELD_UPPER 0xff7f000000000000ull

static inline uint64_t field_of(uint64_t pointer) { return UPPER(pointer) ? FIELD_UPPER : FIELD_LOWER; }
/// The pointer with its field as bit 55 extends.
static inline uint64_t stripped(uint64_t pointer) {
    return UPPER(pointer) ? pointer | FIELD_UPPER : pointer & ~FIELD_LOWER;
}

uint64_t nt_helper_pac_sign(nt_cpu *cpu, uint64_t pointer, uint64_t modifier, uint32_t key) {
    if (cpu->pac_disabled >> key & 1) return pointer;
    return pointer ^ (compute_pac(cpu, stripped(pointer), modifier, key) & field_of(pointer));
}

uint64_t nt_helper_pac_authenticate(nt_cpu *cpu, uint64_t pointer, uint64_t modifier, uint32_t key) {
    if (cpu->pac_disabled >> key & 1) return pointer;
    uint64_t original = stripped(pointer);
    uint64_t result = pointer ^ (compute_pac(cpu, original, modifier, key) & field_of(pointer));
    if (__builtin_expect(result != original, 0)) {
        cpu->exception = NT_EXCEPTION_PAC_FAIL;
        cpu->exception_info = key;
        nt_leave(cpu, NT_EXIT_EXCEPTION);
    }
    return result;
}

uint64_t nt_helper_pac_generic(nt_cpu *cpu, uint64_t value, uint64_t modifier) {
    return compute_pac(cpu, value, modifier, NT_PAC_KEY_GA) & 0xffffffff00000000;
}
