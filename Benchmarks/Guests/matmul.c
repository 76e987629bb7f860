// Matrix product in single precision: 4x4 tiles of vector multiply-add by element (FMLA) over 256x256 matrices, argv[1] times. All sums
// are exact, so that it does not matter whether multiply and add are fused.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __aarch64__
#include <arm_neon.h>
typedef float32x4_t lanes;
#define MULTIPLY_ADD(sum, line, factor) vfmaq_n_f32(sum, line, factor)
#else
typedef float lanes __attribute__((vector_size(16)));
#define MULTIPLY_ADD(sum, line, factor) ((sum) + (line) * (factor))
#endif
enum { N = 256 };
static _Alignas(16) float a[N][N], b[N][N], c[N][N];
int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 2;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)((i * 7 + j * 3) % 11) * 0.25f;
            b[i][j] = (float)((i * 5 + j) % 13) * 0.125f;
        }
    double sum = 0;
    for (int round = 0; round < rounds; round++) {
        a[round % N][0] += 0.25f;
        for (int i = 0; i < N; i += 4)
            for (int j = 0; j < N; j += 4) {
                lanes row0 = {0}, row1 = row0, row2 = row0, row3 = row0;
                for (int k = 0; k < N; k++) {
                    lanes line;
                    memcpy(&line, &b[k][j], sizeof line);
                    row0 = MULTIPLY_ADD(row0, line, a[i][k]);
                    row1 = MULTIPLY_ADD(row1, line, a[i + 1][k]);
                    row2 = MULTIPLY_ADD(row2, line, a[i + 2][k]);
                    row3 = MULTIPLY_ADD(row3, line, a[i + 3][k]);
                }
                memcpy(&c[i][j], &row0, sizeof row0);
                memcpy(&c[i + 1][j], &row1, sizeof row1);
                memcpy(&c[i + 2][j], &row2, sizeof row2);
                memcpy(&c[i + 3][j], &row3, sizeof row3);
            }
        for (int i = 0; i < N; i++) sum += c[i][(i * 7 + round) % N];
    }
    printf("%.6f\n", sum);
}
