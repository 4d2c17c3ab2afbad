#include "ctl/provider.h"
#include "base/text.h"
#include "io/http_client.h"
#include "io/json.h"
#include "model/decimal.h"

#include <inttypes.h>

enum {
    ENTRIES_MAX = 20000000,     /* they are kept, some 100 bytes each */
    PAGE_MAX = 4 * 1024 * 1024, /* bytes of an answer */
    CONNECT_MS = 5000,
    WAIT_MS = 1000,
};

bool provider_url_check(const char *url, struct fault *fault)
{
    size_t len = strlen(url);

    if (len > 0 && url[len - 1] == '/')
        return fault_set(fault, FAULT_INVALID, "provider_url", "%s: takes no slash at its end", url);
    return http_url_check(url, fault);
}

/* ---- asking ---- */

static bool check_answer(const struct transfer_result *result, struct fault *fault)
{
    if (result->fault.kind != FAULT_NONE)
        return fault_set(fault, result->fault.kind, result->fault.code, "the payment provider: %s", result->fault.detail);
    if (result->status == 401 || result->status == 403)
        return fault_set(fault, FAULT_INVALID, "provider",
                         "the payment provider answered %d: set PAYMENT_TOKEN (or "
                         "PAYMENT_TOKEN_FILE) to its token",
                         result->status);
    if (result->status != 200)
        return fault_set(fault, FAULT_PERMANENT, "provider", "the payment provider answered %d", result->status);
    return true;
}

/* RESULT lives until TRANSFERS are used again. */
static bool ask(const struct ctl *ctl, struct transfers *transfers, const char *url, int64_t after, struct arena *arena,
                struct transfer_result *result, struct fault *fault)
{
    const char *token = ctl->settings.payment_token;
    const char *headers[] = {
        "Accept: application/json",
        *token ? arena_printf(arena, "Authorization: Bearer %s", token).ptr : NULL,
        NULL,
    };
    struct http_request request = {
        .method = "GET",
        .url = arena_printf(arena, "%s/v1/ledger?after=%" PRId64, url, after).ptr,
        .headers = headers,
        .timeout_ms = (int)ctl->settings.payment_timeout_ms,
        .connect_timeout_ms = CONNECT_MS,
        .response_max = PAGE_MAX,
    };

    if (!http_start(transfers, &request, NULL, fault))
        return false;
    do
        transfers_wait(transfers, WAIT_MS);
    while (!transfers_next(transfers, result));
    return check_answer(result, fault);
}

/* ---- reading ---- */

static bool read_int(const struct json_doc *doc, const struct json_node *object, const char *name, int64_t *value)
{
    struct text digits = json_number(doc, json_get(object, name));

    return digits.ptr && decimal_parse(digits, 0, value) == DECIMAL_OK;
}

/* NULL, or what is wrong with ENTRY. */
static const char *take_entry(const struct json_doc *doc, const struct json_node *entry, struct provider_books *books)
{
    struct text order = json_string(json_get(entry, "orderId")), kind = json_string(json_get(entry, "kind"));
    struct text currency = json_string(json_get(entry, "currency")), status = json_string(json_get(entry, "status"));
    bool charge = text_is(kind, "charge"), refund = text_is(kind, "refund");
    int64_t amount;

    if (!charge && !refund)
        return "is neither a charge nor a refund";
    if (charge && text_is(status, "declined"))
        return NULL;
    if (!text_is(status, charge ? "captured" : "refunded"))
        return "has an unknown status";
    if (!order.ptr || !currency.ptr || !read_int(doc, entry, "amountMinor", &amount))
        return "has no orderId, no currency or no amountMinor";
    books->charges += charge;
    books->refunds += refund;
    pg_array_text(books->orders, order);
    pg_array_text(books->kinds, kind);
    pg_array_text(books->currencies, currency);
    pg_array_int64(books->amounts, amount);
    return NULL;
}

/* NEXT: where the page behind this one begins; 0: there is none. */
static bool take_page(struct text body, struct arena *arena, int64_t after, struct provider_books *books, int64_t *next,
                      struct fault *fault)
{
    JSON_SCOPE doc = { 0 };
    const struct json_node *entries, *following;
    const char *wrong = NULL;
    int64_t number = 0;

    if (!json_parse(body, arena, &doc, fault))
        return fault_set(fault, FAULT_PERMANENT, "provider", "the payment provider's books are no JSON");
    entries = json_get(doc.root, "entries");
    if (!entries || json_kind(entries) != JSON_ARRAY)
        return fault_set(fault, FAULT_PERMANENT, "provider", "the payment provider's books have no \"entries\"");
    for (const struct json_node *entry = json_first(entries); entry && !wrong; entry = json_next(entry), number++)
        wrong = take_entry(&doc, entry, books);
    if (wrong)
        return fault_set(fault, FAULT_PERMANENT, "provider",
                         "the payment provider's books: entry %" PRId64 " after %" PRId64 " %s", number, after, wrong);

    *next = 0;
    following = json_get(doc.root, "next");
    if (!following || json_kind(following) == JSON_NULL)
        return true;
    if (!read_int(&doc, doc.root, "next", next) || *next <= after)
        return fault_set(fault, FAULT_PERMANENT, "provider",
                         "the payment provider's books: \"next\" leads nowhere after %" PRId64, after);
    return true;
}

static bool read_pages(const struct ctl *ctl, struct transfers *transfers, const char *url, struct provider_books *books,
                       struct fault *fault)
{
    ARENA_SCOPE scratch = { 0 };
    int64_t after = 0, next = 0;

    do {
        struct transfer_result result;

        if (!ask(ctl, transfers, url, after, &scratch, &result, fault) ||
            !take_page(result.body, &scratch, after, books, &next, fault))
            return false;
        if (books->charges + books->refunds > ENTRIES_MAX)
            return fault_set(fault, FAULT_PERMANENT, "provider", "the payment provider has more than %d entries",
                             (int)ENTRIES_MAX);
        after = next;
        arena_reset(&scratch);
    } while (next != 0);
    return true;
}

bool provider_read(const struct ctl *ctl, const char *url, struct provider_books *books, struct fault *fault)
{
    struct transfers *transfers = transfers_new(1);
    bool read;

    *books = (struct provider_books){
        .orders = pg_array_new(ctl->arena, PG_TEXT, 0),
        .kinds = pg_array_new(ctl->arena, PG_TEXT, 0),
        .currencies = pg_array_new(ctl->arena, PG_TEXT, 0),
        .amounts = pg_array_new(ctl->arena, PG_INT8, 0),
    };
    read = read_pages(ctl, transfers, url, books, fault);
    transfers_free(transfers);
    return read;
}
