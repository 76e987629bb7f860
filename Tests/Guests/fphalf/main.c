// BFloat16, as ../fp does scalar floating point.
#define TESTS "../fphalf/tests.h"
#define ARCHITECTURE "armv8.5-a+fp+bf16"
#include "../fp/main.c"
