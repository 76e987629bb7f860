// Five bodies in double precision: the sun and the outer planets from their positions and velocities on 1980-01-01 or so, advanced
// argv[1] steps of 0.01 years; prints the energy, which hardly changes, without the digits that fused multiply-adds move.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
typedef struct { double at[3], v[3], mass; } body;
enum { BODIES = 5 };
static const double pi = 3.14159265358979323846, year = 365.25;
static body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 1},
    {{4.84, -1.16, -0.10}, {0.00166, 0.00770, -0.0000690}, 9.547e-4},
    {{8.34, 4.12, -0.40}, {-0.00277, 0.00500, 0.0000230}, 2.858e-4},
    {{12.89, -15.11, -0.22}, {0.00296, 0.00238, -0.0000297}, 4.366e-5},
    {{15.38, -25.92, 0.18}, {0.00268, 0.00163, -0.0000952}, 5.151e-5},
};
static void advance(double step) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            body *a = &bodies[i], *b = &bodies[j];
            double dx = a->at[0] - b->at[0], dy = a->at[1] - b->at[1], dz = a->at[2] - b->at[2];
            double square = dx * dx + dy * dy + dz * dz, pull = step / (square * sqrt(square));
            a->v[0] -= dx * b->mass * pull;
            a->v[1] -= dy * b->mass * pull;
            a->v[2] -= dz * b->mass * pull;
            b->v[0] += dx * a->mass * pull;
            b->v[1] += dy * a->mass * pull;
            b->v[2] += dz * a->mass * pull;
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++) bodies[i].at[k] += step * bodies[i].v[k];
}
static double energy(void) {
    double sum = 0;
    for (int i = 0; i < BODIES; i++) {
        body *a = &bodies[i];
        sum += a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]) / 2;
        for (int j = i + 1; j < BODIES; j++) {
            body *b = &bodies[j];
            double dx = a->at[0] - b->at[0], dy = a->at[1] - b->at[1], dz = a->at[2] - b->at[2];
            sum -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}
int main(int argc, char **argv) {
    int steps = argc > 1 ? atoi(argv[1]) : 200000;
    for (int i = 0; i < BODIES; i++) {
        bodies[i].mass *= 4 * pi * pi;
        for (int k = 0; k < 3; k++) bodies[i].v[k] *= year;
    }
    printf("%.8f\n", energy());
    for (int i = 0; i < steps; i++) advance(0.01);
    printf("%.8f\n", energy());
}
