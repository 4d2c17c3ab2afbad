/* order.c - bodies of creates: an order that is accepted, written in its canonical form, is the same order; one that is
 * refused is told why, by pointers into the body. */
#include "base/json_text.h"
#include "fcgi/order_request.h"
#include "model/money.h"
#include "tests/fuzz/fuzz.h"

static struct text write_order(const struct order *order, struct arena *arena)
{
    struct buf buf = BUF_IN(arena);
    char id[UUID_TEXT_LEN + 1];

    uuid_format(&order->customer_id, id);
    buf_printf(&buf, "{\"customerId\":\"%s\",\"currency\":\"%s\",\"items\":", id, order->currency);
    order_append_items(&buf, order);
    buf_str(&buf, ",\"shippingAddress\":");
    order_append_address(&buf, order);
    buf_char(&buf, '}');
    return buf_view(&buf);
}

/* The sum in 128 bits, rounded half up line by line. */
static __int128 sum_of(const struct order *order)
{
    __int128 sum = 0;

    for (size_t i = 0; i < order->line_count; i++)
        sum += ((__int128)order->lines[i].quantity_milli * order->lines[i].unit_price_minor + 500) / 1000;
    return sum;
}

static void check_order(const struct order *order, struct arena *arena)
{
    struct violations violations = VIOLATIONS_IN(arena);
    struct text canonical = write_order(order, arena);
    struct order again;

    PROPERTY(order->line_count >= 1 && order->line_count <= ORDER_LINES_MAX);
    PROPERTY(order->currency_decimals == currency_decimals(text_of(order->currency)));
    for (size_t i = 0; i < order->line_count; i++)
        PROPERTY(order->lines[i].quantity_milli > 0 && order->lines[i].unit_price_minor >= 0);
    PROPERTY(order->total_minor == sum_of(order));

    PROPERTY(order_request_read(canonical, arena, &again, &violations));
    PROPERTY(again.total_minor == order->total_minor);
    PROPERTY(text_equal(write_order(&again, arena), canonical));
}

/* RFC 6901: empty, or "/..." in which '~' stands before 0 or 1 only. */
static bool is_pointer(struct text pointer)
{
    if (pointer.len > 0 && pointer.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.len; i++)
        if (pointer.ptr[i] == '~' && (i + 1 == pointer.len || !strchr("01", pointer.ptr[i + 1]) || !pointer.ptr[i + 1]))
            return false;
    return true;
}

/* What is said is fit for the answer, whatever the body held. */
static void check_violations(const struct violations *violations, struct arena *arena)
{
    PROPERTY(violations->count > 0);
    for (size_t i = 0; i < violations->count; i++) {
        const struct violation *violation = &violations->list[i];
        struct buf said = BUF_IN(arena);
        struct fault fault = { 0 };

        PROPERTY(is_pointer(violation->pointer));
        PROPERTY(violation->detail.len > 0);
        buf_char(&said, '[');
        buf_json_string(&said, violation->pointer);
        buf_char(&said, ',');
        buf_json_string(&said, violation->detail);
        buf_char(&said, ']');
        PROPERTY(json_text_check(buf_view(&said), arena, NULL, &fault));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct violations violations = VIOLATIONS_IN(&arena);
    struct order order;

    if (order_request_read(text_of_input(data, size), &arena, &order, &violations))
        check_order(&order, &arena);
    else
        check_violations(&violations, &arena);
    return 0;
}
