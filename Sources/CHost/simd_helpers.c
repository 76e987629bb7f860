// AdvSIMD operations that have no IR form.
#include "nt_helpers.h"
#include <string.h>

// Shifts by register. The amount is the signed low byte: left when positive, right when negative; any distance is allowed.
static uint64_t shift_element(uint64_t value, int8_t amount, unsigned width, int is_unsigned, int rounds) {
    if (amount >= 0) return (unsigned)amount >= width ? 0 : value << amount;
    unsigned right = (unsigned)-amount;
    // The element, zero- or sign-extended to 64 bits.
    int64_t extended = (int64_t)(value << (64 - width)) >> (64 - width);
    if (is_unsigned) extended = (int64_t)((uint64_t)(value << (64 - width)) >> (64 - width));
    uint64_t sign = !is_unsigned && extended < 0 ? ~(uint64_t)0 : 0;
    uint64_t shifted = right > 63 ? sign : is_unsigned ? (uint64_t)extended >> right : (uint64_t)(extended >> right);
    // Rounding adds the last bit shifted out; past the top that bit is the sign.
    uint64_t last = right > 64 ? sign & 1 : ((uint64_t)extended >> (right - 1)) & 1;
    return shifted + (rounds ? last : 0);
}

nt_vec nt_helper_vshl_register(nt_cpu *cpu, nt_vec value, nt_vec amounts, uint32_t mode) {
    (void)cpu;
    unsigned bytes = 1u << (mode & 3);
    nt_vec result = {0, 0};
    for (unsigned at = 0; at < 16; at += bytes) {
        uint64_t element = 0;
        int8_t amount;
        memcpy(&element, (char *)&value + at, bytes);
        memcpy(&amount, (char *)&amounts + at, 1);
        element = shift_element(element, amount, bytes * 8, mode & 4, mode & 8);
        memcpy((char *)&result + at, &element, bytes);
    }
    return result;
}

#define FPSR_QC (1u << 27)

// As shift_element; a shift to the left that loses bits gives the end of the range and sets *saturated.
static uint64_t shift_element_saturating(
    uint64_t value, int8_t amount, unsigned width, int is_unsigned, int rounds, int *saturated) {
    if (amount <= 0 || value == 0) return amount == 0 ? value : shift_element(value, amount, width, is_unsigned, rounds);
    uint64_t all = ~(uint64_t)0 >> (64 - width), maximum = is_unsigned ? all : all >> 1;
    int negative = !is_unsigned && (value >> (width - 1) & 1);
    if ((unsigned)amount < width) {
        uint64_t shifted = value << amount & all;
        int64_t back = (int64_t)(shifted << (64 - width)) >> (64 - width) >> amount;
        if (((is_unsigned ? shifted >> amount : (uint64_t)back) & all) == value) return shifted;
    }
    *saturated = 1;
    return negative ? maximum + 1 : maximum;
}

nt_vec nt_helper_vshl_saturating(nt_cpu *cpu, nt_vec value, nt_vec amounts, uint32_t mode) {
    unsigned bytes = 1u << (mode & 3);
    nt_vec result = {0, 0};
    int saturated = 0;
    for (unsigned at = 0; at < 16; at += bytes) {
        uint64_t element = 0;
        int8_t amount;
        memcpy(&element, (char *)&value + at, bytes);
        memcpy(&amount, (char *)&amounts + at, 1);
        element = shift_element_saturating(element, amount, bytes * 8, mode & 4, mode & 8, &saturated);
        memcpy((char *)&result + at, &element, bytes);
    }
    if (saturated) cpu->fpsr |= FPSR_QC;
    return result;
}

nt_vec nt_helper_table_lookup(nt_cpu *cpu, nt_vec indices, nt_vec outside, uint32_t table) {
    uint8_t index[16], result[16];
    unsigned first = table & 31, bytes = ((table >> 5) + 1) * 16;
    memcpy(index, &indices, 16);
    memcpy(result, &outside, 16);
    for (int i = 0; i < 16; i++) {
        if (index[i] >= bytes) continue;
        const nt_v128 *source = &cpu->v[(first + index[i] / 16) & 31];
        result[i] = (uint8_t)((index[i] & 8 ? source->hi : source->lo) >> (index[i] & 7) * 8);
    }
    memcpy(&outside, result, 16);
    return outside;
}
