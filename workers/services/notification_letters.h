/* notification_letters.h - what customers are told, in words that can be changed without a compiler.
 *
 * A directory holds, for each kind of message, <kind>.txt: a line "Subject: ...", an empty line, the text; beside it, where
 * there is one, <kind>.html: the same for readers of HTML. reasons.txt says why an order was cancelled, a line
 * "<reason>: ..." for each. All are UTF-8 and may use {{orderId}}, {{orderedAt}}, {{total}}, {{currency}}; a confirmation
 * also
 * {{lines}}, but not in its subject; a cancel also {{reason}}. */
#pragma once

#include "model/order_state.h"
#include "workers/runtime/fields.h"
#include "workers/services/notification_template.h"

/* As in the schema: notification.message_kind. */
enum letter_kind {
    LETTER_CONFIRMATION,
    LETTER_COMPLETED,
    LETTER_CANCELLED,
    LETTER_KINDS,
};

extern const char *const letter_kind_names[LETTER_KINDS];

/* The kind called NAME; false when there is none. Pure. */
MUST_CHECK bool letter_kind_parse(struct text name, enum letter_kind *kind);

struct letter_templates {
    struct template subject, plain, html;
    bool has_html;
};

struct letters {
    struct letter_templates of[LETTER_KINDS];
    struct text reasons[CANCEL_REASONS]; /* one sentence each, without the full stop */
};

/* What a letter is about. */
struct letter_facts {
    struct uuid order_id; /* a UUIDv7: tells when it was ordered */
    char currency[4];
    int64_t total_minor;
    struct lines lines;     /* of a confirmation */
    struct text reason;     /* of a cancel: cancel_reason_name */
    struct text failed_sku; /* of a cancel for want of stock */
};

/* Adds FACTS to an event's or a call's PAYLOAD, but for the order's id, which it begins with: what is empty is left out. */
void letter_facts_append(struct buf *payload, const struct letter_facts *facts, struct arena *arena);

struct letter {
    struct text subject, plain, html; /* html.len 0: none */
};

/* Reads the directory, all of it: what is missing, unknown or left open fails here, FAULT naming file and line. Everything
 * lives in ARENA. */
MUST_CHECK bool letters_load(const char *directory, struct arena *arena, struct letters *letters, struct fault *fault);

/* Pure apart from ARENA. A reason that nobody knows stands in the letter as it is; behind it the SKU that failed, if any. */
struct letter letter_fill(const struct letters *letters, enum letter_kind kind, const struct letter_facts *facts,
                          struct arena *arena);
