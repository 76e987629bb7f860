// A hash map with strings as keys: insertions, look-ups that hit and miss, removals, growth; argv[1] rounds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct entry {
    struct entry *next;
    uint64_t hash, value;
    char key[];
} entry;
static entry **buckets;
static size_t bucketCount, entryCount;

static uint64_t hash_of(const char *key) {
    uint64_t hash = 0xcbf29ce484222325;
    for (; *key; key++) hash = (hash ^ (unsigned char)*key) * 0x100000001b3;
    return hash ^ hash >> 29;
}
static entry **place(const char *key, uint64_t hash) {
    entry **at = &buckets[hash & (bucketCount - 1)];
    while (*at && ((*at)->hash != hash || strcmp((*at)->key, key))) at = &(*at)->next;
    return at;
}
static void grow(void) {
    entry **old = buckets;
    size_t count = bucketCount;
    bucketCount = count ? count * 2 : 64;
    buckets = calloc(bucketCount, sizeof *buckets);
    for (size_t i = 0; i < count; i++)
        for (entry *at = old[i], *next; at; at = next) {
            next = at->next;
            entry **head = &buckets[at->hash & (bucketCount - 1)];
            at->next = *head;
            *head = at;
        }
    free(old);
}
static void add(const char *key, uint64_t value) {
    if (entryCount >= bucketCount) grow();
    uint64_t hash = hash_of(key);
    entry **at = place(key, hash);
    if (!*at) {
        size_t size = strlen(key) + 1;
        entry *made = malloc(sizeof *made + size);
        *made = (entry){.hash = hash};
        memcpy(made->key, key, size);
        *at = made;
        entryCount++;
    }
    (*at)->value += value;
}
static uint64_t take(const char *key) {
    entry **at = place(key, hash_of(key)), *found = *at;
    if (!found) return 0;
    uint64_t value = found->value;
    *at = found->next;
    free(found);
    entryCount--;
    return value;
}
static void write_key(char *key, uint32_t number) {
    key += 4;
    do *key++ = (char)('a' + number % 23), number /= 23;
    while (number);
    *key = 0;
}
int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint64_t sum = 0;
    uint32_t random = 1;
    char key[32] = "key-";
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < 60000; i++) {
            random = random * 1664525 + 1013904223;
            write_key(key, random >> 17);
            add(key, random >> 8 & 0xff);
        }
        for (uint32_t i = 0; i < 100000; i++) {
            write_key(key, i * 7 % 50000);
            entry *found = *place(key, hash_of(key));
            sum = sum * 31 + (found ? found->value : 1);
        }
        for (uint32_t i = (uint32_t)round; i < 32768; i += 2) {
            write_key(key, i);
            sum ^= take(key);
        }
        sum += entryCount;
    }
    printf("%016llx\n", (unsigned long long)sum);
}
