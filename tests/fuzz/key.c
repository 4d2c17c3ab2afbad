/* key.c - Idempotency-Key: bare or quoted, the same key is the same. */
#include "model/idempotency_key.h"
#include "tests/fuzz/fuzz.h"

static struct text quote(struct text key, struct arena *arena)
{
    struct buf buf = BUF_IN(arena);

    buf_char(&buf, '"');
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '"' || key.ptr[i] == '\\')
            buf_char(&buf, '\\');
        buf_char(&buf, key.ptr[i]);
    }
    buf_char(&buf, '"');
    return buf_view(&buf);
}

static void check_key(struct text key, struct arena *arena)
{
    struct fault fault = { 0 };
    struct text again;

    PROPERTY(key.len >= 1 && key.len <= IDEMPOTENCY_KEY_MAX);
    for (size_t i = 0; i < key.len; i++)
        PROPERTY(key.ptr[i] > ' ' && key.ptr[i] < 0x7F);
    PROPERTY(idempotency_key_parse(quote(key, arena), arena, &again, &fault));
    PROPERTY(text_equal(again, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct text header = text_of_input(data, size), key;
    struct fault fault = { 0 };

    if (!idempotency_key_parse(header, &arena, &key, &fault)) {
        PROPERTY(fault.kind == FAULT_INVALID && fault.detail[0] != '\0');
        return 0;
    }
    check_key(key, &arena);
    if (header.ptr[0] != '"')
        PROPERTY(text_equal(key, header));
    return 0;
}
