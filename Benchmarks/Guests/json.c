// Parses a JSON text that it has made, into nodes, and writes it again; argv[1] rounds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef enum { NOTHING, TRUTH, NUMBER, STRING, ARRAY, OBJECT } kind;
typedef struct value {
    kind kind;
    double number;
    const char *text, *name;
    struct value *first, *next;
} value;
enum { SPACE = 1 << 20 };
static char source[SPACE], written[SPACE], strings[SPACE];
static value pool[SPACE / 16];
static size_t used, stringEnd, written_count;
static const char *at;

static void skip(void) {
    while (*at == ' ' || *at == '\n') at++;
}
static const char *parse_string(void) {
    char *start = strings + stringEnd, *to = start;
    for (at++; *at != '"'; at++) {
        char c = *at;
        if (c == '\\')
            switch (c = *++at) {
            case 'n': c = '\n'; break;
            case 't': c = '\t'; break;
            case 'u': c = (char)strtol((char[]){at[3], at[4], 0}, NULL, 16), at += 4; break;
            default: break;
            }
        *to++ = c;
    }
    at++;
    *to++ = 0;
    stringEnd = (size_t)(to - strings);
    return start;
}
static double parse_number(void) {
    double sign = 1, result = 0, scale = 1;
    if (*at == '-') sign = -1, at++;
    for (; *at >= '0' && *at <= '9'; at++) result = result * 10 + (*at - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++) result = result * 10 + (*at - '0'), scale *= 10;
    return sign * result / scale;
}
static value *parse(void) {
    value *result = &pool[used++];
    memset(result, 0, sizeof *result);
    skip();
    switch (*at) {
    case '{':
    case '[': {
        char end = *at == '{' ? '}' : ']';
        result->kind = end == '}' ? OBJECT : ARRAY;
        value **tail = &result->first;
        at++;
        for (skip(); *at != end; skip()) {
            const char *name = NULL;
            if (end == '}') {
                name = parse_string();
                skip();
                at++;
            }
            *tail = parse();
            (*tail)->name = name;
            tail = &(*tail)->next;
            skip();
            if (*at == ',') at++;
            skip();
        }
        at++;
        break;
    }
    case '"': result->kind = STRING, result->text = parse_string(); break;
    case 't': result->kind = TRUTH, result->number = 1, at += 4; break;
    case 'f': result->kind = TRUTH, at += 5; break;
    case 'n': at += 4; break;
    default: result->kind = NUMBER, result->number = parse_number();
    }
    return result;
}

static void put(char c) { written[written_count++] = c; }
static void put_text(const char *text) {
    put('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || *text == '\n') put('\\');
        put(*text == '\n' ? 'n' : *text);
    }
    put('"');
}
static void put_number(double number) {
    if (number < 0) put('-'), number = -number;
    uint64_t hundredths = (uint64_t)(number * 100 + 0.5), whole = hundredths / 100;
    char digits[24];
    int count = 0;
    do digits[count++] = (char)('0' + whole % 10);
    while (whole /= 10);
    while (count) put(digits[--count]);
    put('.'), put((char)('0' + hundredths / 10 % 10)), put((char)('0' + hundredths % 10));
}
static void write_value(const value *v) {
    switch (v->kind) {
    case NOTHING: memcpy(written + written_count, "null", 4), written_count += 4; break;
    case TRUTH: put(v->number != 0 ? '1' : '0'); break;
    case NUMBER: put_number(v->number); break;
    case STRING: put_text(v->text); break;
    default:
        put(v->kind == OBJECT ? '{' : '[');
        for (const value *child = v->first; child; child = child->next) {
            if (child->name) put_text(child->name), put(':');
            write_value(child);
            if (child->next) put(',');
        }
        put(v->kind == OBJECT ? '}' : ']');
    }
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    size_t length = 0;
    uint32_t random = 5;
    length += (size_t)sprintf(source, "[");
    for (int i = 0; i < 1500; i++) {
        random = random * 1664525 + 1013904223;
        length += (size_t)sprintf(
            source + length,
            "{ \"id\": %d, \"name\": \"person \\\"%u\\\"\\n\\u0041\", \"score\": -%u.%02u, \"tags\": [\"a%u\", \"long tag with words\", true, "
            "null],\n \"place\": {\"x\": %u.5, \"y\": %u, \"deep\": [[[%u]], {}]}, \"ok\": false },\n",
            i, random >> 20, random >> 24, random % 100, random >> 28, random >> 22, random >> 18, random & 15);
    }
    sprintf(source + length - 2, "]");
    uint64_t sum = 0;
    for (int round = 0; round < rounds; round++) {
        used = stringEnd = written_count = 0;
        at = source;
        write_value(parse());
        for (size_t i = 0; i < written_count; i += 3) sum = sum * 31 + (unsigned char)written[i];
    }
    printf("%zu %zu %016llx\n", used, written_count, (unsigned long long)sum);
}
