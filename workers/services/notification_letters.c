/* notification_letters.c - the directory of templates, and the values that go into them. */
#include "workers/services/notification_letters.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "model/decimal.h"
#include "model/money.h"
#include "workers/services/payload.h"

#include <errno.h>
#include <stdio.h>

enum { FILE_MAX = 64 * 1024 };

const char *const letter_kind_names[LETTER_KINDS] = { "confirmation", "completed", "cancelled" };

/* Places of the values; what only some letters have comes last, so that the others' names end before it. */
enum { VALUE_ORDER_ID, VALUE_ORDERED_AT, VALUE_TOTAL, VALUE_CURRENCY, VALUE_COMMON, VALUE_OWN = VALUE_COMMON, VALUES };

static const char *const confirmation_names[VALUES] = { "orderId", "orderedAt", "total", "currency", "lines" };
static const char *const cancelled_names[VALUES] = { "orderId", "orderedAt", "total", "currency", "reason" };

static const struct {
    struct template_names subject, body;
} names_of[LETTER_KINDS] = {
    [LETTER_CONFIRMATION] = { { confirmation_names, VALUE_COMMON }, { confirmation_names, VALUES } },
    [LETTER_COMPLETED] = { { confirmation_names, VALUE_COMMON }, { confirmation_names, VALUE_COMMON } },
    [LETTER_CANCELLED] = { { cancelled_names, VALUES }, { cancelled_names, VALUES } },
};

bool letter_kind_parse(struct text name, enum letter_kind *kind)
{
    for (size_t i = 0; i < LETTER_KINDS; i++)
        if (text_is(name, letter_kind_names[i])) {
            *kind = (enum letter_kind)i;
            return true;
        }
    return false;
}

/* ---- files ---- */

static bool read_file(const char *path, struct arena *arena, struct text *content, struct fault *fault)
{
    char *bytes = arena_alloc(arena, FILE_MAX + 1);
    FILE *file = fopen(path, "re");
    size_t len;
    bool failed;

    *content = (struct text){ 0 };
    if (!file)
        return fault_set(fault, errno == ENOENT ? FAULT_NOT_FOUND : FAULT_INVALID, "letters", "%s: %m", path);
    len = fread(bytes, 1, FILE_MAX + 1, file);
    failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return fault_set(fault, FAULT_INVALID, "letters", "%s: can't be read", path);
    if (len > FILE_MAX)
        return fault_set(fault, FAULT_INVALID, "letters", "%s: is longer than 64 KiB", path);
    *content = (struct text){ bytes, len };
    return true;
}

/* The next line of REST without its end; false at the end. */
static bool take_line(struct text *rest, struct text *line)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;

    if (rest->len == 0)
        return false;
    *line = (struct text){ rest->ptr, len };
    *rest = (struct text){ rest->ptr + len, rest->len - len };
    if (end)
        *rest = (struct text){ rest->ptr + 1, rest->len - 1 };
    return true;
}

/* What follows PREFIX in LINE. */
static bool take_prefix(struct text line, const char *prefix, struct text *value)
{
    size_t len = strlen(prefix);

    if (line.len <= len || memcmp(line.ptr, prefix, len) != 0)
        return false;
    *value = (struct text){ line.ptr + len, line.len - len };
    return true;
}

static bool load_plain(const char *path, enum letter_kind kind, struct arena *arena, struct letter_templates *into,
                       struct fault *fault)
{
    struct text rest, line, subject;

    if (!read_file(path, arena, &rest, fault))
        return false;
    if (!take_line(&rest, &line) || !take_prefix(line, "Subject: ", &subject))
        return fault_set(fault, FAULT_INVALID, "letters", "%s:1: the first line has to be \"Subject: ...\"", path);
    if (!take_line(&rest, &line) || line.len > 0)
        return fault_set(fault, FAULT_INVALID, "letters", "%s:2: an empty line has to follow the subject", path);
    return template_parse(subject, path, 1, &names_of[kind].subject, arena, &into->subject, fault) &&
           template_parse(rest, path, 3, &names_of[kind].body, arena, &into->plain, fault);
}

static bool load_html(const char *path, enum letter_kind kind, struct arena *arena, struct letter_templates *into,
                      struct fault *fault)
{
    struct text source;

    if (!read_file(path, arena, &source, fault)) {
        if (fault->kind != FAULT_NOT_FOUND)
            return false;
        *fault = (struct fault){ 0 };
        return true;
    }
    into->has_html = true;
    return template_parse(source, path, 1, &names_of[kind].body, arena, &into->html, fault);
}

/* ---- reasons ---- */

static bool add_reason(struct text line, struct letters *letters)
{
    for (size_t i = 0; i < CANCEL_REASONS; i++) {
        const char *name = cancel_reason_name((enum cancel_reason)i);
        struct text sentence;

        if (take_prefix(line, name, &sentence) && !letters->reasons[i].ptr)
            return take_prefix(sentence, ": ", &letters->reasons[i]);
    }
    return false;
}

static bool load_reasons(const char *path, struct arena *arena, struct letters *letters, struct fault *fault)
{
    struct text rest, line;

    if (!read_file(path, arena, &rest, fault))
        return false;
    for (int number = 1; take_line(&rest, &line); number++)
        if (!utf8_is_valid(line) || !add_reason(line, letters))
            return fault_set(fault, FAULT_INVALID, "letters",
                             "%s:%d: a line is \"<reason>: ...\", with a reason of a cancel that has none yet", path,
                             number);
    for (size_t i = 0; i < CANCEL_REASONS; i++)
        if (!letters->reasons[i].ptr)
            return fault_set(fault, FAULT_INVALID, "letters", "%s: there is no line for %s", path,
                             cancel_reason_name((enum cancel_reason)i));
    return true;
}

bool letters_load(const char *directory, struct arena *arena, struct letters *letters, struct fault *fault)
{
    *letters = (struct letters){ 0 };
    *fault = (struct fault){ 0 };
    for (size_t i = 0; i < LETTER_KINDS; i++) {
        const char *plain = arena_printf(arena, "%s/%s.txt", directory, letter_kind_names[i]).ptr;
        const char *html = arena_printf(arena, "%s/%s.html", directory, letter_kind_names[i]).ptr;

        if (!load_plain(plain, (enum letter_kind)i, arena, &letters->of[i], fault) ||
            !load_html(html, (enum letter_kind)i, arena, &letters->of[i], fault))
            return false;
    }
    return load_reasons(arena_printf(arena, "%s/reasons.txt", directory).ptr, arena, letters, fault);
}

/* ---- values ---- */

static struct text amount(int64_t minor, const char *currency, struct arena *arena)
{
    struct buf text = BUF_IN(arena);

    decimal_append(&text, minor, currency_decimals(text_of(currency)));
    return buf_view(&text);
}

/* "2026-04-01 06:01 UTC": out of the order's id. */
static struct text ordered_at(const struct uuid *order_id, struct arena *arena)
{
    char time[CLOCK_RFC3339_LEN + 1];

    clock_rfc3339(uuid_unix_ms(order_id), time);
    return arena_printf(arena, "%.10s %.5s UTC", time, time + 11);
}

static struct text list(const struct lines *lines, struct arena *arena)
{
    struct buf text = BUF_IN(arena);

    for (size_t i = 0; i < lines->count; i++) {
        buf_str(&text, i > 0 ? "\n" : "");
        decimal_append_short(&text, lines->at[i].quantity_milli, QUANTITY_DECIMALS);
        buf_printf(&text, " x %.*s", TEXT_FMT(lines->at[i].sku));
    }
    return buf_view(&text);
}

void letter_facts_append(struct buf *payload, const struct letter_facts *facts, struct arena *arena)
{
    payload_text(payload, "currency", text_of(facts->currency));
    payload_int64(payload, "totalMinor", facts->total_minor);
    if (facts->lines.count > 0) {
        struct buf lines = BUF_IN(arena);

        lines_append(&lines, &facts->lines);
        payload_json(payload, "lines", buf_view(&lines));
    }
    if (facts->reason.len > 0)
        payload_text(payload, "reason", facts->reason);
    if (facts->failed_sku.len > 0)
        payload_text(payload, "failedSku", facts->failed_sku);
}

static struct text sentence(const struct letters *letters, struct text reason)
{
    for (size_t i = 0; i < CANCEL_REASONS; i++)
        if (text_is(reason, cancel_reason_name((enum cancel_reason)i)))
            return letters->reasons[i];
    return reason;
}

static struct text why(const struct letters *letters, const struct letter_facts *facts, struct arena *arena)
{
    struct text text = sentence(letters, facts->reason);

    if (facts->failed_sku.len == 0)
        return text;
    return arena_printf(arena, "%.*s: %.*s", TEXT_FMT(text), TEXT_FMT(facts->failed_sku));
}

static struct text fill(const struct template *template, const struct text *values, enum template_escape escape,
                        struct arena *arena)
{
    struct buf text = BUF_IN(arena);

    template_fill(template, values, escape, &text);
    return buf_view(&text);
}

struct letter letter_fill(const struct letters *letters, enum letter_kind kind, const struct letter_facts *facts,
                          struct arena *arena)
{
    const struct letter_templates *templates = &letters->of[kind];
    struct text values[VALUES];
    char order_id[UUID_TEXT_LEN + 1];

    uuid_format(&facts->order_id, order_id);
    values[VALUE_ORDER_ID] = text_of(order_id);
    values[VALUE_ORDERED_AT] = ordered_at(&facts->order_id, arena);
    values[VALUE_TOTAL] = amount(facts->total_minor, facts->currency, arena);
    values[VALUE_CURRENCY] = text_of(facts->currency);
    values[VALUE_OWN] = kind == LETTER_CANCELLED ? why(letters, facts, arena) : list(&facts->lines, arena);
    return (struct letter){
        .subject = fill(&templates->subject, values, TEMPLATE_PLAIN, arena),
        .plain = fill(&templates->plain, values, TEMPLATE_PLAIN, arena),
        .html = templates->has_html ? fill(&templates->html, values, TEMPLATE_HTML, arena) : (struct text){ 0 },
    };
}
