#include "base/json_text.h"
#include "base/hex.h"
#include "base/json_names.h"
#include "base/utf8.h"
#include <stdint.h>

/* What the grammar allows next. */
enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* right behind '[' */
    EXPECT_NAME,
    EXPECT_NAME_OR_END, /* right behind '{' */
    EXPECT_COMMA_OR_END,
};

struct scan {
    const char *start, *at, *end;
    struct arena *arena;
    struct fault *fault;
    struct json_numbers *numbers; /* NULL: not wanted */
    size_t number_cap;
    bool any_names; /* an object may have a name twice */
    struct json_names names;
    size_t objects;              /* opened so far; the ids of objects */
    size_t open[JSON_DEPTH_MAX]; /* the open containers: id of an object, 0 for an array */
    size_t depth;
};

static bool fail(struct scan *scan, const char *what)
{
    fault_set(scan->fault, FAULT_INVALID, "json_invalid", "%s at byte %zu", what, (size_t)(scan->at - scan->start));
    return false;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

/* Whether any of 8 bytes is a quote, a backslash, a control or not ASCII. False alarms are possible, misses are not. */
static bool has_special(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    uint64_t quote = bytes ^ (ones * '"');
    uint64_t backslash = bytes ^ (ones * '\\');

    return ((bytes | (bytes - ones * 0x20) | (quote - ones) | (backslash - ones)) & highs) != 0;
}

static void skip_plain(struct scan *scan)
{
    uint64_t bytes;

    while (scan->end - scan->at >= 8) {
        memcpy(&bytes, scan->at, sizeof bytes);
        if (has_special(bytes))
            return;
        scan->at += sizeof bytes;
    }
}

/* Four hexadecimal digits at AT as a number, or -1. */
static int32_t read_hex4(const char *at, const char *end)
{
    int32_t value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The code point of the \u escape whose 'u' is at AT, a surrogate pair as one; *USED is its length from the 'u' on. 0 for
 * anything malformed, a lone surrogate, and NUL, which C strings behind this gate cannot hold. */
static uint32_t read_unicode(const char *at, const char *end, size_t *used)
{
    int32_t high = read_hex4(at + 1, end), low;

    *used = 5;
    if (high <= 0 || (high >= 0xDC00 && high <= 0xDFFF))
        return 0;
    if (high < 0xD800 || high > 0xDFFF)
        return (uint32_t)high;
    if (end - at < 11 || at[5] != '\\' || at[6] != 'u')
        return 0;
    low = read_hex4(at + 7, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    *used = 11;
    return 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
}

/* Passes the escape behind a backslash. */
static bool skip_escape(struct scan *scan)
{
    static const struct text letters = TEXT("\"\\/bfnrt");
    size_t used = 1;

    if (scan->at == scan->end)
        return fail(scan, "string without an end");
    if (*scan->at == 'u') {
        if (read_unicode(scan->at, scan->end, &used) == 0)
            return fail(scan, "\\u escape that is malformed, NUL or half a surrogate pair");
    } else if (!memchr(letters.ptr, *scan->at, letters.len)) {
        return fail(scan, "unknown escape");
    }
    scan->at += used;
    return true;
}

/* Passes a string whose quote is at AT; RAW is what stands between the quotes. */
static bool scan_string(struct scan *scan, struct text *raw, bool *escaped)
{
    size_t len;

    raw->ptr = ++scan->at;
    *escaped = false;
    for (;;) {
        skip_plain(scan);
        if (scan->at == scan->end)
            return fail(scan, "string without an end");
        if (*scan->at == '"')
            break;
        if (*scan->at == '\\') {
            *escaped = true;
            scan->at++;
            if (!skip_escape(scan))
                return false;
            continue;
        }
        if ((unsigned char)*scan->at < 0x20)
            return fail(scan, "control character in a string");
        len = utf8_char_len((struct text){ scan->at, (size_t)(scan->end - scan->at) });
        if (len == 0)
            return fail(scan, "invalid UTF-8");
        scan->at += len;
    }
    raw->len = (size_t)(scan->at - raw->ptr);
    scan->at++;
    return true;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

/* RAW, checked already, with its escapes resolved; never longer than before. */
static struct text unescape(struct arena *arena, struct text raw)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *at = raw.ptr, *end = raw.ptr + raw.len;
    char *text = arena_alloc(arena, raw.len), *out = text;

    while (at < end) {
        const char *letter;
        size_t used = 1;

        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        at++;
        letter = strchr(from, *at);
        if (*at == 'u')
            out = put_utf8(out, read_unicode(at, end, &used));
        else
            *out++ = letter ? to[letter - from] : *at;
        at += used;
    }
    return (struct text){ text, (size_t)(out - text) };
}

/* A member name and its colon. */
static bool scan_name(struct scan *scan)
{
    const char *start = scan->at;
    struct text raw;
    bool escaped;

    if (scan->at == scan->end || *scan->at != '"')
        return fail(scan, "a member name in quotes is missing");
    if (!scan_string(scan, &raw, &escaped))
        return false;
    if (!scan->any_names && !json_names_add(&scan->names, scan->arena, scan->open[scan->depth - 1],
                                            escaped ? unescape(scan->arena, raw) : raw)) {
        scan->at = start;
        return fail(scan, "duplicate member name");
    }
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != ':')
        return fail(scan, "':' is missing");
    scan->at++;
    return true;
}

static size_t skip_digits(struct scan *scan)
{
    const char *start = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - start);
}

static bool skip_char(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static void keep_number(struct scan *scan, struct text token)
{
    struct json_numbers *numbers = scan->numbers;

    if (numbers->count == scan->number_cap) {
        size_t cap = scan->number_cap ? 2 * scan->number_cap : 64;
        struct text *tokens = arena_array(scan->arena, cap, sizeof *tokens);

        if (numbers->count > 0)
            memcpy(tokens, numbers->tokens, numbers->count * sizeof *tokens);
        numbers->tokens = tokens;
        scan->number_cap = cap;
    }
    numbers->tokens[numbers->count++] = token;
}

static bool scan_number(struct scan *scan)
{
    const char *start = scan->at;

    skip_char(scan, '-');
    if (!skip_char(scan, '0') && skip_digits(scan) == 0)
        return fail(scan, "a digit is missing");
    if (skip_char(scan, '.') && skip_digits(scan) == 0)
        return fail(scan, "a digit is missing");
    if (skip_char(scan, 'e') || skip_char(scan, 'E')) {
        if (!skip_char(scan, '+'))
            skip_char(scan, '-');
        if (skip_digits(scan) == 0)
            return fail(scan, "a digit is missing");
    }
    if (scan->numbers)
        keep_number(scan, (struct text){ start, (size_t)(scan->at - start) });
    return true;
}

static bool scan_word(struct scan *scan, struct text word)
{
    if ((size_t)(scan->end - scan->at) < word.len || memcmp(scan->at, word.ptr, word.len) != 0)
        return fail(scan, "a value is missing");
    scan->at += word.len;
    return true;
}

static bool open_container(struct scan *scan, size_t id)
{
    if (scan->depth == JSON_DEPTH_MAX)
        return fail(scan, "nested too deeply");
    scan->open[scan->depth++] = id;
    scan->at++;
    return true;
}

/* A whole scalar, or the opening of a container. */
static bool scan_value(struct scan *scan, enum expect *expect)
{
    struct text raw;
    bool escaped;

    *expect = EXPECT_COMMA_OR_END;
    if (scan->at == scan->end)
        return fail(scan, "a value is missing");
    switch (*scan->at) {
    case '{':
        *expect = EXPECT_NAME_OR_END;
        return open_container(scan, ++scan->objects);
    case '[':
        *expect = EXPECT_VALUE_OR_END;
        return open_container(scan, 0);
    case '"':
        return scan_string(scan, &raw, &escaped);
    case 't':
        return scan_word(scan, TEXT("true"));
    case 'f':
        return scan_word(scan, TEXT("false"));
    case 'n':
        return scan_word(scan, TEXT("null"));
    case '-':
    case '0' ... '9':
        return scan_number(scan);
    default:
        return fail(scan, "a value is missing");
    }
}

/* Behind a value inside a container: a comma, or the container's end. */
static bool scan_comma_or_end(struct scan *scan, enum expect *expect)
{
    bool object = scan->open[scan->depth - 1] != 0;

    if (skip_char(scan, ',')) {
        *expect = object ? EXPECT_NAME : EXPECT_VALUE;
        return true;
    }
    if (!skip_char(scan, object ? '}' : ']'))
        return fail(scan, object ? "',' or '}' is missing" : "',' or ']' is missing");
    scan->depth--;
    return true;
}

/* Takes what EXPECT allows at AT and says what is allowed behind it. */
static bool scan_next(struct scan *scan, enum expect *expect)
{
    switch (*expect) {
    case EXPECT_VALUE_OR_END:
        if (scan->at < scan->end && *scan->at == ']') {
            *expect = EXPECT_COMMA_OR_END;
            return scan_comma_or_end(scan, expect);
        }
        return scan_value(scan, expect);
    case EXPECT_VALUE:
        return scan_value(scan, expect);
    case EXPECT_NAME_OR_END:
        if (scan->at < scan->end && *scan->at == '}') {
            *expect = EXPECT_COMMA_OR_END;
            return scan_comma_or_end(scan, expect);
        }
        *expect = EXPECT_VALUE;
        return scan_name(scan);
    case EXPECT_NAME:
        *expect = EXPECT_VALUE;
        return scan_name(scan);
    case EXPECT_COMMA_OR_END:
        return scan_comma_or_end(scan, expect);
    }
    return false;
}

static bool scan_text(struct scan *scan, struct text text)
{
    enum expect expect = EXPECT_VALUE;

    scan->start = scan->at = text.ptr;
    scan->end = text.len > 0 ? text.ptr + text.len : text.ptr;
    if (scan->numbers)
        *scan->numbers = (struct json_numbers){ 0 };
    do {
        skip_space(scan);
        if (!scan_next(scan, &expect))
            return false;
    } while (scan->depth > 0 || expect != EXPECT_COMMA_OR_END);
    skip_space(scan);
    if (scan->at < scan->end)
        return fail(scan, "text behind the value");
    return true;
}

bool json_text_check(struct text text, struct arena *arena, struct json_numbers *numbers, struct fault *fault)
{
    return scan_text(&(struct scan){ .arena = arena, .fault = fault, .numbers = numbers }, text);
}

bool json_text_check_grammar(struct text text, struct arena *arena, struct json_numbers *numbers, struct fault *fault)
{
    return scan_text(&(struct scan){ .arena = arena, .fault = fault, .numbers = numbers, .any_names = true }, text);
}
