// AdvSIMD floating point, as ../fp does scalar floating point. Vectors are made of the inputs in different orders.
#define TESTS "../fpvector/tests.h"
#include "../fp/main.c"
