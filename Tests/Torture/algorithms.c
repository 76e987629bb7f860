// Small whole algorithms, in integers and in floating point.
#include "torture.h"
#include <math.h>

static void matrices(void) {
    enum { N = 24 };
    static double a[N][N], inverse[N][N], p[N][N];
    static float f[N][N], g[N][N], h[N][N];
    static int32_t x[N][N], y[N][N], z[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = 1.0 / (i + j + 1) + (i == j), inverse[i][j] = i == j;
            f[i][j] = (float)(i - j) / 3, g[i][j] = (float)(i * j % 7), x[i][j] = i * 7 - j * 3, y[i][j] = (i ^ j) - 9;
        }
    static double work[N][N];
    memcpy(work, a, sizeof a);
    for (int k = 0; k < N; k++) {
        double pivot = work[k][k];
        for (int j = 0; j < N; j++) work[k][j] /= pivot, inverse[k][j] /= pivot;
        for (int i = 0; i < N; i++) {
            if (i == k) continue;
            double factor = work[i][k];
            for (int j = 0; j < N; j++) work[i][j] -= factor * work[k][j], inverse[i][j] -= factor * inverse[k][j];
        }
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++) p[i][j] += a[i][k] * inverse[k][j], h[i][j] += f[i][k] * g[k][j], z[i][j] += x[i][k] * y[k][j];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            CHECK(fabs(p[i][j] - (i == j)) < 1e-9);
            mix_double(p[i][j]), mix_float(h[i][j]), mix((uint64_t)z[i][j]);
        }
    section("matrices");
}

static void fourier(void) {
    enum { N = 256 };
    double re[N], im[N];
    for (int i = 0; i < N; i++) re[i] = i % 17 - 8, im[i] = i % 5;
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) { double t = re[i]; re[i] = re[j], re[j] = t, t = im[i], im[i] = im[j], im[j] = t; }
    }
    for (int size = 2; size <= N; size *= 2) {
        // A root of unity by halving angles: no library function.
        double c = -1, s = 0;
        for (int k = 2; k < size; k *= 2) { double n = sqrt((1 + c) / 2); s = sqrt((1 - c) / 2), c = n; }
        for (int at = 0; at < N; at += size) {
            double wr = 1, wi = 0;
            for (int k = 0; k < size / 2; k++) {
                int i = at + k, j = i + size / 2;
                double tr = re[j] * wr - im[j] * wi, ti = re[j] * wi + im[j] * wr;
                re[j] = re[i] - tr, im[j] = im[i] - ti, re[i] += tr, im[i] += ti;
                double n = wr * c - wi * s;
                wi = wr * s + wi * c, wr = n;
            }
        }
    }
    for (int i = 0; i < N; i++) mix_double(re[i]), mix_double(im[i]);
    section("fourier");
}

static void bodies(void) {
    double p[5][3] = {{0, 0, 0}, {4.8, -1.1, -0.1}, {8.3, 4.1, -0.4}, {12.8, -15.1, -0.2}, {15.3, -25.9, 0.1}}, v[5][3] = {{0}};
    double m[5] = {39.4, 0.03, 0.01, 0.001, 0.002};
    for (int i = 1; i < 5; i++) v[i][0] = 0.6 / i, v[i][1] = 2.8 / i;
    for (int step = 0; step < 3000; step++) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                double d[3], q = 0;
                for (int k = 0; k < 3; k++) d[k] = p[i][k] - p[j][k], q += d[k] * d[k];
                double f = 0.01 / (q * sqrt(q));
                for (int k = 0; k < 3; k++) v[i][k] -= d[k] * m[j] * f, v[j][k] += d[k] * m[i] * f;
            }
        for (int i = 0; i < 5; i++) for (int k = 0; k < 3; k++) p[i][k] += 0.01 * v[i][k];
    }
    for (int i = 0; i < 5; i++) for (int k = 0; k < 3; k++) mix_double(p[i][k]), mix_double(v[i][k]);
    section("bodies");
}

static int queens(int n, uint32_t columns, uint32_t left, uint32_t right) {
    if (columns == (1u << n) - 1) return 1;
    int count = 0;
    for (uint32_t free = ~(columns | left | right) & ((1u << n) - 1); free; free &= free - 1) {
        uint32_t bit = free & -free;
        count += queens(n, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}
static void counting(void) {
    CHECK(queens(8, 0, 0, 0) == 92);
    mix((uint64_t)queens(9, 0, 0, 0));
    static uint8_t composite[20000];
    int primes = 0;
    for (int i = 2; i < 20000; i++) {
        if (composite[i]) continue;
        primes++;
        for (int j = i * 2; j < 20000; j += i) composite[j] = 1;
    }
    CHECK(primes == 2262);
    uint64_t steps = 0;
    for (uint64_t n = 1; n < 3000; n++) for (uint64_t x = n; x != 1; steps++) x = x & 1 ? 3 * x + 1 : x / 2;
    mix(steps);
    section("counting");
}

static uint32_t rotated(uint32_t x, int n) { return x >> n | x << (32 - n); }
static void hashes(void) {
    // SHA-256 of "abc" in plain C, CRC-32 and Adler-32 of a pattern.
    uint32_t k[64], h[8], w[64] = {0x61626380};
    int n = 0;
    for (uint32_t candidate = 2; n < 64; candidate++) {
        int is_prime = 1;
        for (uint32_t d = 2; d * d <= candidate; d++) is_prime &= candidate % d != 0;
        if (!is_prime) continue;
        // Fractions of square and cube roots, by bisection in integers.
        unsigned __int128 lo = 0, hi = (unsigned __int128)1 << 36;
        while (hi - lo > 1) { unsigned __int128 mid = (lo + hi) / 2; if (mid * mid <= (unsigned __int128)candidate << 64) lo = mid; else hi = mid; }
        if (n < 8) h[n] = (uint32_t)lo;
        lo = 0, hi = (unsigned __int128)1 << 35;
        while (hi - lo > 1) { unsigned __int128 mid = (lo + hi) / 2; if (mid * mid * mid <= (unsigned __int128)candidate << 96) lo = mid; else hi = mid; }
        k[n++] = (uint32_t)lo;
    }
    w[15] = 24;
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] + (rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10);
    uint32_t s[8];
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        uint32_t t2 = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 28);
        s[4] += t1, s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) mix(s[i] + h[i]);
    CHECK(s[0] + h[0] == 0xba7816bf && s[7] + h[7] == 0xf20015ad);
    uint32_t crc = ~0u, x = 1, y = 0;
    for (int i = 0; i < 5000; i++) {
        uint8_t byte = (uint8_t)(i * i >> 3);
        crc ^= byte;
        for (int b = 0; b < 8; b++) crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
        x = (x + byte) % 65521, y = (y + x) % 65521;
    }
    mix(crc), mix(y << 16 | x);
    section("hashes");
}

// A simple LZ77 and back.
static void packing(void) {
    static uint8_t plain[6000], packed[12000], back[6000];
    for (int i = 0; i < 6000; i++) plain[i] = (uint8_t)("the quick brown fox "[i * i / 50 % 20] + (next_random() % 40 == 0));
    int size = 0;
    for (int at = 0; at < 6000;) {
        int best = 0, distance = 0;
        for (int d = 1; d < 256 && d <= at; d++) {
            int n = 0;
            while (n < 255 && at + n < 6000 && plain[at + n] == plain[at + n - d]) n++;
            if (n > best) best = n, distance = d;
        }
        if (best < 4) best = 0, distance = 0;
        packed[size++] = (uint8_t)best, packed[size++] = best ? (uint8_t)distance : plain[at];
        at += best ? best : 1;
    }
    int out = 0;
    for (int i = 0; i < size; i += 2) {
        if (!packed[i]) back[out++] = packed[i + 1];
        else for (int n = packed[i]; n; n--) back[out] = back[out - packed[i + 1]], out++;
    }
    CHECK(out == 6000 && !memcmp(plain, back, 6000));
    mix((uint64_t)size), mix_bytes(packed, (size_t)size);
    section("packing");
}

struct tree { struct tree *left, *right; uint64_t key; int height; };
static int height(const struct tree *t) { return t ? t->height : 0; }
static struct tree *fix(struct tree *t) {
    t->height = 1 + (height(t->left) > height(t->right) ? height(t->left) : height(t->right));
    return t;
}
static struct tree *insert(struct tree *t, struct tree *n) {
    if (!t) return fix(n);
    if (n->key < t->key) t->left = insert(t->left, n);
    else t->right = insert(t->right, n);
    int lean = height(t->left) - height(t->right);
    if (lean > 1) {
        if (height(t->left->left) < height(t->left->right)) { struct tree *l = t->left, *r = l->right; l->right = r->left, r->left = fix(l), t->left = fix(r); }
        struct tree *l = t->left;
        t->left = l->right, l->right = fix(t);
        return fix(l);
    }
    if (lean < -1) {
        if (height(t->right->right) < height(t->right->left)) { struct tree *r = t->right, *l = r->left; r->left = l->right, l->right = fix(r), t->right = fix(l); }
        struct tree *r = t->right;
        t->right = r->left, r->left = fix(t);
        return fix(r);
    }
    return fix(t);
}
static void walk(const struct tree *t, int depth) {
    if (!t) return;
    walk(t->left, depth + 1);
    mix(t->key ^ (uint64_t)depth << 56);
    walk(t->right, depth + 1);
}
static void trees(void) {
    struct tree *root = NULL;
    static struct tree nodes[3000];
    for (int i = 0; i < 3000; i++) nodes[i].key = i < 1000 ? (uint64_t)i : next_random() >> 10, root = insert(root, &nodes[i]);
    CHECK(root->height < 16);
    walk(root, 0);
    section("trees");
}

int main(void) {
    matrices();
    fourier();
    bodies();
    counting();
    hashes();
    packing();
    trees();
}
