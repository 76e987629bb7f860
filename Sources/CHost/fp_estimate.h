// The tables of the reciprocal estimates, as the Arm ARM's shared pseudocode computes them; all precisions share them.
#ifndef NT_FP_ESTIMATE_H
#define NT_FP_ESTIMATE_H

#include <stdint.h>

/// RecipEstimate: a has 9 bits, 256...511; so has the result.
static inline uint32_t nt_reciprocal_estimate(uint32_t a) { return ((1u << 19) / (a * 2 + 1) + 1) / 2; }

/// RecipSqrtEstimate: a is 128...511; the result 256...511.
static inline uint32_t nt_square_root_estimate(uint32_t a) {
    a = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
    uint32_t b = 512;
    while (a * (b + 1) * (b + 1) < 1u << 28) b++;
    return (b + 1) / 2;
}

#endif
