// The cryptographic helpers' two forms, for tests: both give the same results.
#ifndef NT_CRYPTO_H
#define NT_CRYPTO_H

#include "nt_helpers.h"

/// The forms that use no special host instructions, parameters as the helpers'.
nt_vec nt_portable_aes(nt_vec state, nt_vec key, uint32_t mode);
nt_vec nt_portable_polynomial_multiply(nt_vec a, nt_vec b, uint32_t mode);
nt_vec nt_portable_sha256(nt_vec abcd, nt_vec efgh, nt_vec schedule, int second);

#endif
