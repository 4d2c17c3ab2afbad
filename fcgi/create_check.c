/* create_check.c - what a create has to bring: media type, Idempotency-Key and a valid order. */
#include "fcgi/create_check.h"
#include "fcgi/order_request.h"
#include "model/idempotency_key.h"
#include <strings.h>

/* "application/json", perhaps with the charset that JSON has anyway. */
static bool media_type_fits(struct text type)
{
    static const struct text json = TEXT("application/json");
    char rest[32] = "";
    size_t len = 0;

    if (type.len < json.len || strncasecmp(type.ptr, json.ptr, json.len) != 0)
        return false;
    for (size_t i = json.len; i < type.len; i++) {
        if (type.ptr[i] == ' ' || type.ptr[i] == '\t')
            continue;
        if (len == sizeof rest - 1)
            return false;
        rest[len++] = type.ptr[i];
    }
    return len == 0 || strcasecmp(rest, ";charset=utf-8") == 0 || strcasecmp(rest, ";charset=\"utf-8\"") == 0;
}

static bool refuse(struct call *call, enum problem problem, struct text detail)
{
    call_refuse(call, problem, detail, NULL);
    return false;
}

static bool body_fits(struct call *call)
{
    struct text type, encoding;

    switch (call->request->body_state) {
    case BODY_TOO_LONG:
        return refuse(call, PROBLEM_PAYLOAD_TOO_LARGE, TEXT("A body may have 65536 bytes."));
    case BODY_CUT:
        return refuse(call, PROBLEM_BAD_REQUEST, TEXT("The body has another length than Content-Length says."));
    case BODY_WHOLE:
        break;
    }
    request_param(call->request, "CONTENT_TYPE", &type);
    request_param(call->request, "HTTP_CONTENT_ENCODING", &encoding);
    if (!media_type_fits(type))
        return refuse(call, PROBLEM_MEDIA_TYPE, TEXT("Send the order with Content-Type application/json."));
    if (encoding.len > 0 && strcasecmp(encoding.ptr, "identity") != 0)
        return refuse(call, PROBLEM_MEDIA_TYPE, TEXT("Send the order without Content-Encoding."));
    return true;
}

/* What is wrong with the header Idempotency-Key. */
struct key_refusal {
    enum problem problem;
    struct text detail;
};

static bool key_fits(struct call *call, struct text *key, struct key_refusal *refusal)
{
    struct text header;
    struct fault fault;

    switch (request_param(call->request, "HTTP_IDEMPOTENCY_KEY", &header)) {
    case 0:
        *refusal = (struct key_refusal){
            PROBLEM_KEY_MISSING,
            TEXT("Send the header Idempotency-Key with a value of your choice, such as a UUID, and the same one when you "
                 "send this order again."),
        };
        return false;
    case 1:
        if (idempotency_key_parse(header, call->arena, key, &fault))
            return true;
        *refusal = (struct key_refusal){ PROBLEM_KEY_INVALID, arena_copy(call->arena, text_of(fault.detail)) };
        return false;
    default:
        *refusal = (struct key_refusal){ PROBLEM_KEY_INVALID, TEXT("The header Idempotency-Key was sent more than once.") };
        return false;
    }
}

static struct text count_places(struct call *call, size_t count)
{
    return count == 1 ? TEXT("1 place of the body is not valid.")
                      : arena_printf(call->arena, "%zu places of the body are not valid.", count);
}

/* Header and body are looked at together: a client learns everything at once. The key's problem is the one that is named. */
static bool key_and_order_fit(struct call *call, struct text *key, struct order *order)
{
    struct violations violations = VIOLATIONS_IN(call->arena);
    struct key_refusal refusal;
    bool key_ok = key_fits(call, key, &refusal);
    bool order_ok;

    if (!key_ok)
        violation_add(&violations, TEXT("Idempotency-Key"), refusal.detail);
    order_ok = order_request_read(call->request->body, call->arena, order, &violations);
    if (!key_ok)
        call_refuse(call, refusal.problem, refusal.detail, &violations);
    else if (!order_ok)
        call_refuse(call, PROBLEM_VALIDATION_FAILED, count_places(call, violations.count), &violations);
    return key_ok && order_ok;
}

bool create_check(struct call *call, struct text *key, struct order *order)
{
    return body_fits(call) && key_and_order_fit(call, key, order);
}
