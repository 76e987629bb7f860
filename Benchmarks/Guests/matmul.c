// Matrix product in single precision with NEON: 4x4 tiles of FMLA by element over 256x256 matrices, argv[1] times.
#include <arm_neon.h>
#include <stdio.h>
#include <stdlib.h>
enum { N = 256 };
static float a[N][N], b[N][N], c[N][N];
int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 2;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)((i * 7 + j * 3) % 11) * 0.25f;
            b[i][j] = (float)((i * 5 + j) % 13) * 0.125f;
        }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < N; i += 4)
            for (int j = 0; j < N; j += 4) {
                float32x4_t row0 = vdupq_n_f32(0), row1 = row0, row2 = row0, row3 = row0;
                for (int k = 0; k < N; k++) {
                    float32x4_t line = vld1q_f32(&b[k][j]);
                    row0 = vfmaq_n_f32(row0, line, a[i][k]);
                    row1 = vfmaq_n_f32(row1, line, a[i + 1][k]);
                    row2 = vfmaq_n_f32(row2, line, a[i + 2][k]);
                    row3 = vfmaq_n_f32(row3, line, a[i + 3][k]);
                }
                vst1q_f32(&c[i][j], row0);
                vst1q_f32(&c[i + 1][j], row1);
                vst1q_f32(&c[i + 2][j], row2);
                vst1q_f32(&c[i + 3][j], row3);
            }
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) sum += c[i][j];
    printf("%.6f\n", sum);
}
