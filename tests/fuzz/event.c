/* event.c - messages of the broker: headers, key and payload, in any combination.
 *
 * Input: key, ce_id, ce_type, ce_dataschema and traceparent, a line each; the rest is the value. "~" is one that is missing.
 */
#include "tests/fuzz/fuzz.h"
#include "workers/runtime/delivery.h"
#include "workers/runtime/fields.h"

static const struct handles handles[] = { { "order.created", NULL },
                                          { "order.cancelled", NULL },
                                          { "payment.authorized", NULL } };

const struct service service = { .name = "fuzz", .handles = handles, .handle_count = ARRAY_LEN(handles) };

/* Members of every kind there is. */
struct payload {
    struct uuid customer_id;
    struct text currency_text;
    char currency[4];
    int64_t amount_minor;
    struct lines lines;
};

static const struct field fields[] = {
    { "customerId", FIELD_UUID, offsetof(struct payload, customer_id), false },
    { "currency", FIELD_TEXT, offsetof(struct payload, currency_text), false },
    { "currency", FIELD_CURRENCY, offsetof(struct payload, currency), false },
    { "amountMinor", FIELD_INT64, offsetof(struct payload, amount_minor), true },
    { "lines", FIELD_LINES, offsetof(struct payload, lines), true },
};

/* Lines as they go into the database and into the next event. */
static void check_lines(const struct lines *lines, struct arena *arena)
{
    struct buf text = BUF_IN(arena);
    struct fault fault = { 0 };
    struct lines again;

    if (lines->count == 0)
        return; /* the member was not there */
    lines_append(&text, lines);
    PROPERTY(lines_read(buf_view(&text), arena, &again, &fault));
    PROPERTY(again.count == lines->count);
    for (size_t i = 0; i < again.count; i++) {
        PROPERTY(text_equal(again.at[i].sku, lines->at[i].sku));
        PROPERTY(again.at[i].quantity_milli == lines->at[i].quantity_milli);
    }
}

static void check_work(struct delivery *delivery, struct arena *arena)
{
    struct work *work = &delivery->work;
    struct payload payload = { 0 };

    PROPERTY(delivery->row < service.handle_count);
    PROPERTY(delivery->has_event_id && delivery->has_order_id);
    PROPERTY(json_kind(work->doc->root) == JSON_OBJECT);
    if (work_read(work, arena, fields, ARRAY_LEN(fields), &payload))
        check_lines(&payload.lines, arena);
    else
        PROPERTY(work_is_rejected(work) && work->rejected.detail[0] != '\0');
}

static void check_delivery(struct delivery *delivery, struct arena *arena)
{
    struct traceparent again;

    if (delivery->kind == DELIVERY_UNHANDLED) {
        PROPERTY(delivery->row == service.handle_count && delivery->record->ce_type.len > 0);
        return;
    }
    PROPERTY(traceparent_parse(text_of(delivery->work.trace.text), &again));
    if (delivery->condemned.kind == FAULT_NONE)
        check_work(delivery, arena);
    else
        PROPERTY(delivery->condemned.kind == FAULT_INVALID && delivery->condemned.detail[0] != '\0');
}

static struct text take_line(struct text *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    struct text line = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };
    size_t used = line.len + (end ? 1 : 0);

    rest->ptr += used;
    rest->len -= used;
    return text_is(line, "~") ? (struct text){ 0 } : line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct text rest = text_of_input(data, size);
    struct kafka_record record = { .topic = "orders" };
    struct delivery delivery;

    record.key = take_line(&rest);
    record.ce_id = take_line(&rest);
    record.ce_type = take_line(&rest);
    record.ce_dataschema = take_line(&rest);
    record.traceparent = take_line(&rest);
    record.value = text_is(rest, "~") ? (struct text){ 0 } : rest;
    delivery_decode(&record, &arena, &delivery);
    check_delivery(&delivery, &arena);
    delivery_free(&delivery, 1);
    return 0;
}
