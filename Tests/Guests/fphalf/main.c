// Half precision and BFloat16, as ../fp does scalar floating point.
#define TESTS "../fphalf/tests.h"
#define ARCHITECTURE "armv8.5-a+fp+bf16+fp16+fp16fml"
#define HALF
#include "../fp/main.c"
