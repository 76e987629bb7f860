// The C library's qsort and bsearch with callbacks: argv[1] rounds over 100,000 records.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { uint32_t key; char name[12]; } record;
enum { COUNT = 100000 };
static record records[COUNT];
static uint32_t numbers[COUNT];
static int by_key(const void *a, const void *b) {
    uint32_t x = ((const record *)a)->key, y = ((const record *)b)->key;
    return (x > y) - (x < y);
}
static int by_name(const void *a, const void *b) {
    int order = strcmp(((const record *)a)->name, ((const record *)b)->name);
    return order ? order : by_key(a, b);
}
static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}
int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint32_t random = 1;
    uint64_t sum = 0;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < COUNT; i++) {
            random = random * 1664525 + 1013904223;
            numbers[i] = records[i].key = random;
            for (int k = 0; k < 11; k++) records[i].name[k] = (char)('a' + (random >> (k + 8)) % 26);
        }
        qsort(numbers, COUNT, sizeof *numbers, by_number);
        qsort(records, COUNT, sizeof *records, by_name);
        sum = sum * 31 + records[COUNT / 3].key;
        qsort(records, COUNT, sizeof *records, by_key);
        for (int i = 0; i < COUNT; i += 3) {
            const record *found = bsearch(&(record){.key = numbers[i]}, records, COUNT, sizeof *records, by_key);
            sum = sum * 31 + (uint64_t)(found - records);
        }
    }
    printf("%016llx\n", (unsigned long long)sum);
}
