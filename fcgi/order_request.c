/* order_request.c - a reader of objects by tables of their members, and the tables of an order.
 *
 * A table is read in its own order, whatever the order in the body: the currency comes before the items, since it decides
 * how many decimals a price may have. */
#include "fcgi/order_request.h"
#include "io/json.h"
#include "model/decimal.h"
#include "model/money.h"

/* Where in the body a value stands, as a chain up to the root: pointers are spelt out for violations only. */
struct place {
    const struct place *parent; /* NULL: the root */
    struct text name;           /* of a member; ptr NULL: an element */
    size_t index;
};

struct reader {
    struct arena *arena;
    const struct json_doc *doc;
    struct order *order;
    struct violations *violations;
};

struct member {
    const char *name;
    bool optional;
    void (*read)(struct reader *reader, const struct place *place, const struct json_node *node, void *into);
    size_t offset; /* into the struct that the table fills */
};

/* ---- violations ---- */

/* RFC 6901: '~' is written ~0, '/' ~1. */
static void append_pointer(struct buf *buf, const struct place *place)
{
    if (!place->parent)
        return;
    append_pointer(buf, place->parent);
    buf_char(buf, '/');
    if (!place->name.ptr) {
        buf_int64(buf, (int64_t)place->index);
        return;
    }
    for (size_t i = 0; i < place->name.len; i++)
        switch (place->name.ptr[i]) {
        case '~':
            buf_str(buf, "~0");
            break;
        case '/':
            buf_str(buf, "~1");
            break;
        default:
            buf_char(buf, place->name.ptr[i]);
        }
}

static void violated(struct reader *reader, const struct place *place, const char *detail)
{
    struct buf pointer = BUF_IN(reader->arena);

    append_pointer(&pointer, place);
    violation_add(reader->violations, pointer.len ? buf_view(&pointer) : TEXT(""), text_of(detail));
}

/* ---- objects ---- */

static const struct member *member_find(const struct member *members, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_is(name, members[i].name))
            return &members[i];
    return NULL;
}

static void read_object(struct reader *reader, const struct place *place, const struct json_node *node,
                        const struct member *members, size_t count, void *into)
{
    unsigned seen = 0; /* bit i: members[i] */

    if (json_kind(node) != JSON_OBJECT) {
        violated(reader, place, "must be an object");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct json_node *value = json_get(node, members[i].name);
        struct place at = { .parent = place, .name = text_of(members[i].name) };

        if (value && json_kind(value) == JSON_NULL)
            violated(reader, &at, "must not be null");
        else if (value)
            members[i].read(reader, &at, value, (char *)into + members[i].offset);
        else if (!members[i].optional)
            violated(reader, &at, "is required");
    }
    for (const struct json_node *value = json_first(node); value; value = json_next(value)) {
        struct place at = { .parent = place, .name = json_name(value) };
        const struct member *member = member_find(members, count, at.name);
        unsigned bit = member ? 1U << (member - members) : 0;

        if (!member)
            violated(reader, &at, "is not a member of an order");
        else if (seen & bit)
            violated(reader, &at, "is given twice");
        seen |= bit;
    }
}

/* ---- values ---- */

static void read_customer_id(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    if (!json_uuid(node, into))
        violated(reader, place, "must be a UUID");
}

static void read_currency(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    struct text code = json_string(node);

    (void)into;
    reader->order->currency_decimals = code.ptr ? currency_decimals(code) : -1;
    if (reader->order->currency_decimals < 0)
        violated(reader, place, "must be an ISO 4217 code in upper case, such as USD");
    else
        memcpy(reader->order->currency, code.ptr, 3);
}

static void read_sku(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    struct text sku = json_string(node);
    bool fits = sku.len >= 1 && sku.len <= ORDER_SKU_MAX;

    for (size_t i = 0; fits && i < sku.len; i++)
        fits = sku.ptr[i] >= 0x21 && sku.ptr[i] <= 0x7e;
    if (!fits)
        violated(reader, place, "must be a string of 1 to 64 visible ASCII characters");
    else
        *(struct text *)into = arena_copy(reader->arena, sku);
}

/* The number as written, or a violation and ptr NULL. */
static struct text number_token(struct reader *reader, const struct place *place, const struct json_node *node)
{
    struct text token = json_number(reader->doc, node);

    if (!token.ptr)
        violated(reader, place, "must be a number");
    return token;
}

static void read_quantity(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    struct text token = number_token(reader, place, node);
    int64_t *quantity_milli = into;

    if (!token.ptr)
        return;
    switch (decimal_parse(token, QUANTITY_DECIMALS, quantity_milli)) {
    case DECIMAL_OK:
        if (*quantity_milli <= 0)
            violated(reader, place, "must be greater than 0");
        break;
    case DECIMAL_TOO_PRECISE:
        violated(reader, place, token.ptr[0] == '-' ? "must be greater than 0" : "must have at most 3 decimals");
        break;
    case DECIMAL_TOO_LARGE:
        violated(reader, place, token.ptr[0] == '-' ? "must be greater than 0" : "is too large");
        break;
    case DECIMAL_MALFORMED:
        violated(reader, place, "must be a number");
        break;
    }
}

static void read_unit_price(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    struct text token = number_token(reader, place, node);
    int decimals = reader->order->currency_decimals;
    int64_t *unit_price_minor = into;
    enum decimal_result result;

    if (!token.ptr)
        return;
    result = decimal_parse(token, decimals < 0 ? 0 : decimals, unit_price_minor);
    if (result == DECIMAL_OK ? *unit_price_minor < 0 : token.ptr[0] == '-')
        violated(reader, place, "must not be negative");
    else if (decimals < 0)
        return; /* without a currency nobody knows how many decimals would do */
    else if (result == DECIMAL_TOO_PRECISE)
        violated(reader, place,
                 arena_printf(reader->arena, "must have at most %d decimals in %s", decimals, reader->order->currency).ptr);
    else if (result == DECIMAL_TOO_LARGE)
        violated(reader, place, "is too large");
}

/* The next character of valid UTF-8; *AT moves behind it. */
static uint32_t next_character(struct text text, size_t *at)
{
    uint8_t lead = (uint8_t)text.ptr[(*at)++];
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    uint32_t character = more ? lead & (0x3fU >> more) : lead;

    while (more-- > 0 && *at < text.len)
        character = character << 6 | ((uint8_t)text.ptr[(*at)++] & 0x3fU);
    return character;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

/* Unicode's White_Space, controls left out: those are refused anyway. */
static bool is_space(uint32_t c)
{
    return c == 0x20 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

static void read_address_text(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    struct text text = json_string(node);
    size_t characters = 0;
    bool blank = true;
    bool controls = false;

    if (!text.ptr) {
        violated(reader, place, "must be a string");
        return;
    }
    for (size_t at = 0; at < text.len; characters++) {
        uint32_t c = next_character(text, &at);

        blank = blank && is_space(c);
        controls = controls || is_control(c);
    }
    if (blank)
        violated(reader, place, "must not be blank");
    else if (controls)
        violated(reader, place, "must not contain control characters");
    else if (characters > ORDER_ADDRESS_MAX)
        violated(reader, place, "must have at most 256 characters");
    else
        *(struct text *)into = arena_copy(reader->arena, text);
}

/* ---- the tables ---- */

static void read_address(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    static const struct member members[] = {
        { "country", false, read_address_text, offsetof(struct address, country) },
        { "city", false, read_address_text, offsetof(struct address, city) },
        { "addressLine1", false, read_address_text, offsetof(struct address, line1) },
        { "addressLine2", true, read_address_text, offsetof(struct address, line2) },
        { "postalCode", true, read_address_text, offsetof(struct address, postal_code) },
        { "region", true, read_address_text, offsetof(struct address, region) },
    };

    read_object(reader, place, node, members, ARRAY_LEN(members), into);
}

static void read_line(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    static const struct member members[] = {
        { "sku", false, read_sku, offsetof(struct order_line, sku) },
        { "quantity", false, read_quantity, offsetof(struct order_line, quantity_milli) },
        { "unitPrice", false, read_unit_price, offsetof(struct order_line, unit_price_minor) },
    };

    read_object(reader, place, node, members, ARRAY_LEN(members), into);
}

static void read_items(struct reader *reader, const struct place *place, const struct json_node *node, void *into)
{
    struct order *order = reader->order;
    size_t count = 0;

    (void)into;
    if (json_kind(node) != JSON_ARRAY) {
        violated(reader, place, "must be an array");
        return;
    }
    for (const struct json_node *line = json_first(node); line; line = json_next(line))
        count++;
    if (count < 1 || count > ORDER_LINES_MAX) {
        violated(reader, place, "must have 1 to 200 elements");
        return;
    }
    order->lines = arena_array(reader->arena, count, sizeof *order->lines);
    for (const struct json_node *line = json_first(node); line; line = json_next(line)) {
        struct place at = { .parent = place, .index = order->line_count };

        read_line(reader, &at, line, &order->lines[order->line_count++]);
    }
}

static void read_order(struct reader *reader, const struct place *place, const struct json_node *node)
{
    static const struct member members[] = {
        { "customerId", false, read_customer_id, offsetof(struct order, customer_id) },
        { "currency", false, read_currency, 0 },
        { "items", false, read_items, 0 },
        { "shippingAddress", false, read_address, offsetof(struct order, address) },
    };

    read_object(reader, place, node, members, ARRAY_LEN(members), reader->order);
}

/* The sum makes sense of valid lines only. */
static void read_total(struct reader *reader, const struct place *root)
{
    struct place items = { .parent = root, .name = TEXT("items") };
    struct place line = { .parent = &items };

    if (!order_total(reader->order, &line.index))
        violated(reader, &line, "makes the total too large");
}

bool order_request_read(struct text body, struct arena *arena, struct order *order, struct violations *violations)
{
    static const struct place root = { 0 };
    JSON_SCOPE doc = { 0 };
    struct fault fault = { 0 };
    struct reader reader = { .arena = arena, .doc = &doc, .order = order, .violations = violations };
    size_t before = violations->count;

    *order = (struct order){ .currency_decimals = -1 };
    if (!json_parse_with_repeats(body, arena, &doc, &fault)) {
        violation_add(violations, TEXT(""), arena_copy(arena, text_of(fault.detail)));
        return false;
    }
    read_order(&reader, &root, doc.root);
    if (violations->count == before)
        read_total(&reader, &root);
    return violations->count == before;
}
