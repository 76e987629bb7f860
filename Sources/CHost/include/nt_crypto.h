// The cryptographic helpers' forms without special host instructions, which tests compare with the others, and what the host has.
#ifndef NT_CRYPTO_H
#define NT_CRYPTO_H

#include "nt_helpers.h"

/// Bits of nt_host_instructions.
#define NT_HOST_AES 1u
#define NT_HOST_CARRYLESS_PRODUCT 2u
#define NT_HOST_SHA256 4u
#define NT_HOST_FMA 8u
/// F16C with AVX2 and FMA.
#define NT_HOST_F16C 16u
/// What baseline code uses: AVX2, BMI1, BMI2, FMA, LZCNT (x86-64-v3).
#define NT_HOST_BASELINE 32u
#define NT_HOST_AVX 64u
/// Which special instructions this host has. Any thread.
uint32_t nt_host_instructions(void);

/// The forms that use no special host instructions, parameters as the helpers'.
nt_vec nt_portable_aes(nt_vec state, nt_vec key, uint32_t mode);
nt_vec nt_portable_polynomial_multiply(nt_vec a, nt_vec b, uint32_t mode);
nt_vec nt_portable_sha256(nt_vec abcd, nt_vec efgh, nt_vec schedule, int second);

#endif
