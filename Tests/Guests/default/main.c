// The guest that `make run` runs: a prime sieve, a sort, and SHA-256 over what they made, each checked by the next reader of
// the printed lines. Integer code only; about 500 million guest instructions.
#include "guest.h"

enum { SIEVE_LIMIT = 2000000, SIEVE_ROUNDS = 4, SORT_COUNT = 300000, HASH_ROUNDS = 4 };

static uint8_t composite[SIEVE_LIMIT + 1];
static uint32_t primes[160000];
static uint32_t numbers[SORT_COUNT];

static uint32_t sieve(void) {
    for (uint32_t i = 0; i <= SIEVE_LIMIT; i++) composite[i] = 0;
    uint32_t count = 0;
    for (uint32_t i = 2; i <= SIEVE_LIMIT; i++) {
        if (composite[i]) continue;
        primes[count++] = i;
        if ((uint64_t)i * i > SIEVE_LIMIT) continue;
        for (uint32_t k = i * i; k <= SIEVE_LIMIT; k += i) composite[k] = 1;
    }
    return count;
}

// Numerical Recipes' linear congruential generator.
static uint32_t next_random(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

static void sort(uint32_t *a, int64_t low, int64_t high) {
    while (low < high) {
        uint32_t pivot = a[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) {
                uint32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        if (j - low < high - i) {
            sort(a, low, j);
            low = i;
        } else {
            sort(a, i, high);
            high = j;
        }
    }
}

// SHA-256 as FIPS 180-4 defines it. The constants are the first 32 bits of the fractional parts of the cube roots of the first 64
// primes, computed here by integer search, so that no table has to be trusted.
static uint32_t round_constants[64];

static uint32_t fractional_root(uint32_t prime, int cube) {
    // The largest x with (x / 2^32)^n <= prime, its low 32 bits: bit by bit from above.
    uint64_t x = 0;
    for (int bit = 36; bit >= 0; bit--) {
        uint64_t trial = x | (uint64_t)1 << bit;
        unsigned __int128 square = (unsigned __int128)trial * trial;
        int fits;
        if (cube) {
            // trial^3 <= prime * 2^96, compared as trial^2 / 2^32 * trial with the remainder kept.
            unsigned __int128 high = square >> 64, low = (uint64_t)square;
            unsigned __int128 c0 = low * trial, c1 = high * trial + (c0 >> 64);
            fits = (c1 < (unsigned __int128)prime << 32) || (c1 == (unsigned __int128)prime << 32 && (uint64_t)c0 == 0);
        } else {
            fits = square <= (unsigned __int128)prime << 64;
        }
        if (fits) x = trial;
    }
    return (uint32_t)x;
}

static inline uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_block(uint32_t h[8], const uint8_t *data) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 | (uint32_t)data[4 * i + 2] << 8 | data[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = k + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        k = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += k;
}

static void sha256(uint32_t h[8], const uint8_t *data, uint64_t length) {
    for (int i = 0; i < 8; i++) h[i] = fractional_root(primes[i], 0);
    uint64_t rest = length;
    for (; rest >= 64; rest -= 64, data += 64) sha256_block(h, data);
    uint8_t tail[128];
    uint64_t n = 0;
    for (; n < rest; n++) tail[n] = data[n];
    tail[n++] = 0x80;
    while (n % 64 != 56) tail[n++] = 0;
    for (int i = 7; i >= 0; i--) tail[n++] = (uint8_t)(length * 8 >> (8 * i));
    for (uint64_t i = 0; i < n; i += 64) sha256_block(h, tail + i);
}

static void print_hash(const char *name, const uint32_t h[8]) {
    guest_print(name);
    for (int i = 0; i < 8; i++) guest_print_hex(h[i], 8);
    guest_print("\n");
}

int guest_main(void) {
    uint32_t count = 0;
    for (int i = 0; i < SIEVE_ROUNDS; i++) count = sieve();
    guest_print("primes below 2000000: ");
    guest_print_number(count);
    guest_print(", the last ");
    guest_print_number(primes[count - 1]);
    guest_print("\n");

    uint32_t state = 42;
    for (int i = 0; i < SORT_COUNT; i++) numbers[i] = next_random(&state);
    sort(numbers, 0, SORT_COUNT - 1);
    int sorted = 1;
    for (int i = 1; i < SORT_COUNT; i++) sorted &= numbers[i - 1] <= numbers[i];
    guest_print(sorted ? "300000 numbers sorted: " : "300000 numbers NOT sorted: ");
    guest_print_number(numbers[0]);
    guest_print(" ... ");
    guest_print_number(numbers[SORT_COUNT - 1]);
    guest_print("\n");

    for (int i = 0; i < 64; i++) round_constants[i] = fractional_root(primes[i], 1);
    uint32_t h[8];
    sha256(h, (const uint8_t *)"abc", 3);
    print_hash("SHA-256(\"abc\"):          ", h);
    for (int i = 0; i < HASH_ROUNDS; i++) sha256(h, (const uint8_t *)numbers, sizeof numbers);
    print_hash("SHA-256(sorted numbers): ", h);
    return 0;
}
