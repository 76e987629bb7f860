// Integer work of the kind that embedded benchmarks have: a linked list that is searched, reversed and sorted, products of small
// matrices, a state machine over text, and a CRC over the results. argv[1] rounds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct node {
    struct node *next;
    int16_t key, value;
} node;
enum { NODES = 200, SIZE = 16, TEXT = 512 };
static node nodes[NODES];
static int16_t left[SIZE][SIZE], right[SIZE][SIZE];
static int32_t product[SIZE][SIZE];
static char text[TEXT];

static uint16_t crc(uint16_t sum, uint32_t value) {
    for (int i = 0; i < 32; i++, value >>= 1) sum = (uint16_t)(sum >> 1 ^ ((sum ^ value) & 1 ? 0xa001 : 0));
    return sum;
}

static uint32_t seed;
static uint32_t next_random(void) { return (seed = seed * 1664525 + 1013904223) >> 16; }

static node *reversed(node *list) {
    node *result = NULL;
    while (list) {
        node *rest = list->next;
        list->next = result;
        result = list;
        list = rest;
    }
    return result;
}
static int by_key(const node *a, const node *b) { return a->key - b->key; }
static int by_value(const node *a, const node *b) { return (a->value & 0xff) - (b->value & 0xff); }
// Merges runs of doubling length; the order comes in as a function.
static node *sorted(node *list, int (*order)(const node *, const node *)) {
    for (int length = 1;; length *= 2) {
        node *rest = list, *head = NULL, **tail = &head;
        int merges = 0;
        while (rest) {
            node *other = rest;
            int a = 0, b = length;
            for (merges++; a < length && other; a++) other = other->next;
            while (a > 0 || (b > 0 && other)) {
                node **from = a == 0 || (b > 0 && other && order(rest, other) > 0) ? &other : &rest;
                if (from == &rest) a--; else b--;
                *tail = *from;
                *from = (*from)->next;
                tail = &(*tail)->next;
            }
            rest = other;
        }
        *tail = NULL;
        list = head;
        if (merges <= 1) return list;
    }
}
static uint16_t lists(uint16_t sum) {
    for (int i = 0; i < NODES; i++) {
        nodes[i].key = (int16_t)next_random();
        nodes[i].value = (int16_t)next_random();
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
    }
    node *list = reversed(nodes);
    int found = 0;
    for (int wanted = 0; wanted < 24; wanted++)
        for (const node *at = list; at; at = at->next)
            if ((at->value & 31) == wanted) {
                found += at->key & 15;
                break;
            }
    list = sorted(list, by_value);
    for (const node *at = list; at; at = at->next) found = found * 3 + (at->value & 0xff);
    list = sorted(list, by_key);
    for (int i = 0; i < 10 && list; i++, list = list->next) sum = crc(sum, (uint32_t)list->key);
    return crc(sum, (uint32_t)found);
}

static uint16_t matrices(uint16_t sum) {
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            left[i][j] = (int16_t)next_random();
            right[i][j] = (int16_t)(next_random() & 0xff);
        }
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            int32_t cell = 0;
            for (int k = 0; k < SIZE; k++) cell += left[i][k] * right[k][j];
            product[i][j] = cell;
        }
    int32_t total = 0, last = 0;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            int32_t bits = (product[i][j] >> 2 & 15) * (product[i][j] >> 5 & 127);
            total += bits > last ? 10 : bits;
            if (total > 5000) total -= 5000;
            last = bits;
        }
    return crc(sum, (uint32_t)total);
}

enum state { START, INTEGER, SIGN, DECIMAL, MARK, EXPONENT, INVALID, STATES };
static enum state word(const char **at, uint32_t *moves) {
    enum state state = START;
    for (; **at && state != INVALID; (*at)++) {
        char c = **at;
        if (c == ',') {
            (*at)++;
            break;
        }
        int digit = c >= '0' && c <= '9';
        moves[state]++;
        switch (state) {
        case START: state = digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? DECIMAL : INVALID; break;
        case SIGN: state = digit ? INTEGER : c == '.' ? DECIMAL : INVALID; break;
        case INTEGER: state = digit ? INTEGER : c == '.' ? DECIMAL : INVALID; break;
        case DECIMAL: state = digit ? DECIMAL : c == 'e' || c == 'E' ? MARK : INVALID; break;
        case MARK: state = digit || c == '+' || c == '-' ? EXPONENT : INVALID; break;
        case EXPONENT: state = digit ? EXPONENT : INVALID; break;
        default: break;
        }
    }
    return state;
}
static uint16_t machine(uint16_t sum) {
    static const char *const words[] = {"5012", "-874", "+122", "35.54400", ".123450", "-110.70", "+0.64400", "5.500e+3", "-.123e-2",
                                        "-87e+832", "+0.6e-12", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^"};
    uint32_t moves[STATES] = {0}, ends[STATES] = {0};
    size_t length = 0;
    for (;;) {
        const char *add = words[next_random() % 15];
        size_t size = strlen(add);
        if (length + size + 2 > TEXT) break;
        memcpy(text + length, add, size);
        length += size;
        text[length++] = ',';
    }
    text[length] = 0;
    for (const char *at = text; *at;) ends[word(&at, moves)]++;
    for (size_t i = 0; i < length; i += 7)
        if (text[i] != ',') text[i] ^= 5;
    for (const char *at = text; *at;) ends[word(&at, moves)]++;
    for (int i = 0; i < STATES; i++) sum = crc(crc(sum, moves[i]), ends[i]);
    return sum;
}

int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 100;
    uint16_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        seed = (uint32_t)i * 2654435761u + 1;
        sum = machine(matrices(lists(sum)));
    }
    printf("%04x\n", sum);
}
