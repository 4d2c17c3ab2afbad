/* audit.c - orderctl audit: what must hold after any fault, asked of databases, broker, payment provider and journal. SQL:
 * sql/ops/audit.sql. */
#include "base/clock.h"
#include "ctl/consumers.h"
#include "ctl/groups.h"
#include "ctl/journal.h"
#include "ctl/provider.h"
#include "ctl/table.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { LOOK_EVERY_US = 200000 };

static struct {
    const char *journal;
    const char *provider, *provider_since;
    int64_t wait_s;
} options;

/* An audit under way: for people each line is written as it is known, for programs all at the end. */
struct audit {
    const struct ctl *ctl;
    struct pg *pg;
    struct buf json; /* the invariants so far, with commas */
    size_t count, broken;
};

/* ---- coming to rest ---- */

struct under_way {
    int64_t orders, events, effects, replays, messages;
};

static bool look(struct audit *audit, struct under_way *now, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };
    struct consumers consumers = { 0 };

    if (!pg_call(audit->pg, "SELECT * FROM under_way()", NULL, &rows, fault))
        return false;
    *now =
        (struct under_way){ pg_int64(&rows, 0, 0), pg_int64(&rows, 0, 1), pg_int64(&rows, 0, 2), pg_int64(&rows, 0, 3), 0 };
    if (*audit->ctl->settings.brokers == '\0')
        return true;
    if (!consumers_read(audit->ctl, &consumers, fault))
        return false;
    now->messages = consumers.behind;
    return true;
}

static void tell_progress(const struct under_way *now, const char *end)
{
    fprintf(stderr,
            "%" PRId64 " orders, %" PRId64 " events to be sent, %" PRId64 " calls, %" PRId64 " replays, %" PRId64
            " messages under way%s",
            now->orders, now->events, now->effects, now->replays, now->messages, end);
}

/* Waits until nothing is under way, for as long as was asked. A server that does not answer yet is asked again. */
static bool wait_for_rest(struct audit *audit, struct fault *fault)
{
    int64_t deadline_ms = clock_mono_ms() + options.wait_s * 1000;

    for (;;) {
        struct under_way now = { 0 };
        bool told = look(audit, &now, fault);

        if (told && now.orders + now.events + now.effects + now.replays + now.messages == 0)
            return true;
        if (!told && !fault_is_retryable(fault))
            return false;
        if (clock_left_ms(deadline_ms) == 0) {
            if (!told)
                return false;
            fprintf(stderr, "orderctl: not at rest after %" PRId64 " s: ", options.wait_s);
            tell_progress(&now, "\n");
            return true; /* the audit tells the rest */
        }
        if (told && isatty(STDERR_FILENO))
            tell_progress(&now, " \r");
        usleep(LOOK_EVERY_US);
    }
}

/* ---- reporting ---- */

static void report(struct audit *audit, const char *name, const char *title, int64_t broken, const struct text *examples,
                   size_t example_count)
{
    struct buf *json = &audit->json;

    audit->count++;
    audit->broken += broken != 0;
    if (!audit->ctl->json) {
        printf("%-7s %-22s %s\n", broken ? "BROKEN" : "ok", name, title);
        for (size_t i = 0; i < example_count; i++)
            printf("          %.*s\n", TEXT_FMT(examples[i]));
        if (broken > (int64_t)example_count)
            printf("          %" PRId64 " in all\n", broken);
        fflush(stdout);
        return;
    }
    buf_printf(json, "%s{\"name\":", audit->count > 1 ? "," : "");
    buf_json_string(json, text_of(name));
    buf_str(json, ",\"title\":");
    buf_json_string(json, text_of(title));
    buf_printf(json, ",\"broken\":%" PRId64 ",\"examples\":[", broken);
    for (size_t i = 0; i < example_count; i++) {
        if (i > 0)
            buf_char(json, ',');
        buf_json_string(json, examples[i]);
    }
    buf_str(json, "]}");
}

/* ---- databases and broker ---- */

enum { EXAMPLES = 3 };

/* Reports ROWS, one row: how many break it, and the first of them, as many as there are. */
static void report_row(struct audit *audit, const char *name, const char *title, const struct pg_rows *rows)
{
    struct text examples[EXAMPLES] = { 0 };
    size_t count = 0;

    for (int i = 0; i < EXAMPLES && !pg_is_null(rows, 0, i + 1); i++)
        examples[count++] = pg_text(rows, 0, i + 1);
    report(audit, name, title, pg_int64(rows, 0, 0), examples, count);
}

static bool audit_one(struct audit *audit, const char *name, const char *title, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(audit->ctl->arena);
    PG_ROWS_SCOPE rows = { 0 };

    pg_arg_text(&args, text_of(name));
    if (!pg_call(audit->pg, "SELECT * FROM audit_one($1)", &args, &rows, fault))
        return false;
    report_row(audit, name, title, &rows);
    return true;
}

static bool audit_databases(struct audit *audit, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };

    if (!pg_call(audit->pg, "SELECT * FROM invariants()", NULL, &rows, fault))
        return false;
    for (int i = 0; i < rows.count; i++) {
        struct text name = arena_copy(audit->ctl->arena, pg_text(&rows, i, 0));
        struct text title = arena_copy(audit->ctl->arena, pg_text(&rows, i, 1));

        if (!audit_one(audit, name.ptr, title.ptr, fault))
            return false;
    }
    return true;
}

static bool audit_broker(struct audit *audit, struct fault *fault)
{
    struct consumers consumers;

    if (*audit->ctl->settings.brokers == '\0')
        return true;
    if (!consumers_read(audit->ctl, &consumers, fault))
        return false;
    report(audit, "consumers_done", "every consumer group has come to the end of its topics", consumers.behind,
           consumers.examples, consumers.count);
    return true;
}

/* ---- the payment provider ---- */

/* BOOKS against ours; their counts go to OUT as JSON. */
static bool audit_provider(struct audit *audit, const struct provider_books *books, int64_t since_ms, struct buf *out,
                           struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(audit->ctl->arena);
    PG_ROWS_SCOPE rows = { 0 };

    pg_arg_array(&args, books->orders);
    pg_arg_array(&args, books->kinds);
    pg_arg_array(&args, books->currencies);
    pg_arg_array(&args, books->amounts);
    pg_arg_int64(&args, since_ms);
    if (!pg_call(audit->pg, "SELECT * FROM audit_provider($1, $2, $3, $4, $5)", &args, &rows, fault))
        return false;
    report_row(audit, "provider", "the payment provider's books have of each order what ours have", &rows);
    if (!audit->ctl->json)
        printf("          %" PRId64 " charges and %" PRId64 " refunds in the provider's books\n", books->charges,
               books->refunds);
    buf_printf(out, ",\"provider\":{\"charges\":%" PRId64 ",\"refunds\":%" PRId64 "}", books->charges, books->refunds);
    return true;
}

/* ---- the journal ---- */

struct counts {
    int64_t sent, attempts, acknowledged, lost, duplicated, mismatched, unknown;
};

static bool ask_journal(struct audit *audit, const struct journal *journal, struct pg_rows *rows, struct fault *fault)
{
    struct arena *arena = audit->ctl->arena;
    struct pg_args args = PG_ARGS_IN(arena);
    struct pg_array *numbers = pg_array_new(arena, PG_INT8, journal->count);
    struct pg_array *customers = pg_array_new(arena, PG_UUID, journal->count);
    struct pg_array *totals = pg_array_new(arena, PG_INT8, journal->count);
    struct pg_array *orders = pg_array_new(arena, PG_UUID, journal->count);
    struct pg_array *others = pg_array_new(arena, PG_BOOL, journal->count);

    for (size_t i = 0; i < journal->count; i++) {
        const struct journal_order *order = &journal->orders[i];

        pg_array_int64(numbers, order->number);
        pg_array_uuid(customers, &order->customer);
        pg_array_int64(totals, order->total_minor);
        if (order->acknowledged)
            pg_array_uuid(orders, &order->order);
        else
            pg_array_null(orders);
        pg_array_bool(others, order->contradicted);
    }
    pg_arg_array(&args, numbers);
    pg_arg_array(&args, customers);
    pg_arg_array(&args, totals);
    pg_arg_array(&args, orders);
    pg_arg_array(&args, others);
    return pg_call(audit->pg, "SELECT * FROM audit_journal($1, $2, $3, $4, $5)", &args, rows, fault);
}

/* Counts ROWS by verdict and keeps the first bad ones as EXAMPLES. */
static size_t count_verdicts(const struct pg_rows *rows, struct arena *arena, struct counts *counts, struct text *examples)
{
    size_t kept = 0;

    for (int i = 0; i < rows->count; i++) {
        struct text verdict = pg_text(rows, i, 1), detail = pg_text(rows, i, 2);

        if (text_is(verdict, "unknown")) {
            counts->unknown++;
            continue;
        }
        counts->lost += text_is(verdict, "lost");
        counts->duplicated += text_is(verdict, "duplicated");
        counts->mismatched += text_is(verdict, "mismatched");
        if (kept < EXAMPLES)
            examples[kept++] = arena_printf(arena, "entry %" PRId64 " %.*s: %.*s", pg_int64(rows, i, 0), TEXT_FMT(verdict),
                                            TEXT_FMT(detail));
    }
    return kept;
}

/* JOURNAL against the orders; its counts go to OUT as JSON. */
static bool audit_journal(struct audit *audit, const struct journal *journal, struct buf *out, struct fault *fault)
{
    struct counts counts = { .sent = (int64_t)journal->count };
    struct text examples[EXAMPLES] = { 0 };
    PG_ROWS_SCOPE rows = { 0 };
    size_t kept;

    if (!ask_journal(audit, journal, &rows, fault))
        return false;
    for (size_t i = 0; i < journal->count; i++) {
        counts.attempts += journal->orders[i].attempts;
        counts.acknowledged += journal->orders[i].acknowledged;
    }
    kept = count_verdicts(&rows, audit->ctl->arena, &counts, examples);
    report(audit, "journal", "every acknowledged order is there once, as it was sent",
           counts.lost + counts.duplicated + counts.mismatched, examples, kept);
    if (!audit->ctl->json) {
        printf("          %" PRId64 " orders sent in %" PRId64 " attempts, %" PRId64 " acknowledged, %" PRId64
               " of them found, %" PRId64 " lost, %" PRId64 " duplicated, %" PRId64 " mismatched; %" PRId64
               " found that nobody was told of\n",
               counts.sent, counts.attempts, counts.acknowledged, counts.acknowledged - counts.lost, counts.lost,
               counts.duplicated, counts.mismatched, counts.unknown);
        return true;
    }
    buf_printf(out,
               ",\"journal\":{\"sent\":%" PRId64 ",\"attempts\":%" PRId64 ",\"acknowledged\":%" PRId64 ",\"found\":%" PRId64
               ",\"lost\":%" PRId64 ",\"duplicated\":%" PRId64 ",\"mismatched\":%" PRId64 ",\"unknown\":%" PRId64
               ",\"examples\":[",
               counts.sent, counts.attempts, counts.acknowledged, counts.acknowledged - counts.lost, counts.lost,
               counts.duplicated, counts.mismatched, counts.unknown);
    for (size_t i = 0; i < kept; i++) {
        if (i > 0)
            buf_char(out, ',');
        buf_json_string(out, examples[i]);
    }
    buf_str(out, "]}");
    return true;
}

/* ---- the whole ---- */

static bool conclude(struct audit *audit, const struct buf *told, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };
    struct buf out = BUF_IN(audit->ctl->arena);
    int64_t orders, completed, cancelled;

    if (!pg_call(audit->pg, "SELECT * FROM audit_scope()", NULL, &rows, fault))
        return false;
    orders = pg_int64(&rows, 0, 0);
    completed = pg_int64(&rows, 0, 1);
    cancelled = pg_int64(&rows, 0, 2);
    if (!audit->ctl->json) {
        printf("\n%" PRId64 " orders (%" PRId64 " completed, %" PRId64 " cancelled): ", orders, completed, cancelled);
        if (audit->broken)
            printf("%zu of %zu invariants are BROKEN\n", audit->broken, audit->count);
        else
            printf("all %zu invariants hold\n", audit->count);
        return true;
    }
    buf_printf(&out,
               "{\"clean\":%s,\"orders\":%" PRId64 ",\"completed\":%" PRId64 ",\"cancelled\":%" PRId64 ",\"invariants\":[",
               audit->broken ? "false" : "true", orders, completed, cancelled);
    buf_text(&out, buf_view(&audit->json));
    buf_char(&out, ']');
    buf_text(&out, buf_view(told));
    buf_char(&out, '}');
    print_line(&out);
    return true;
}

/* What was asked for; SINCE_MS: 0 where all orders were. */
static bool options_fit(int64_t *since_ms, struct fault *fault)
{
    *since_ms = 0;
    if (*options.provider && !provider_url_check(options.provider, fault))
        return false;
    if (*options.provider_since && !clock_parse_rfc3339(text_of(options.provider_since), since_ms))
        return fault_set(fault, FAULT_INVALID, "time", "--provider-since=%s: takes a time such as 2026-11-22T17:17:57Z",
                         options.provider_since);
    return true;
}

static enum ctl_exit run_audit(const struct ctl *ctl)
{
    struct fault fault = { 0 };
    struct journal journal = { 0 };
    struct provider_books books = { 0 };
    int64_t since_ms;
    struct buf told = BUF_IN(ctl->arena);
    PG_SCOPE pg = ctl_database(ctl, "ops", &fault);
    struct audit audit = { .ctl = ctl, .pg = pg, .json = BUF_IN(ctl->arena) };

    if (!options_fit(&since_ms, &fault))
        return ctl_fail(&fault);
    if (!pg || (*options.journal && !journal_read(options.journal, ctl->arena, &journal, &fault)))
        return ctl_fail(&fault);
    if (options.wait_s && !wait_for_rest(&audit, &fault))
        return ctl_fail(&fault);
    if (*options.provider && !provider_read(ctl, options.provider, &books, &fault))
        return ctl_fail(&fault);
    if (!audit_databases(&audit, &fault) || !audit_broker(&audit, &fault) ||
        (*options.provider && !audit_provider(&audit, &books, since_ms, &told, &fault)) ||
        (*options.journal && !audit_journal(&audit, &journal, &told, &fault)) || !conclude(&audit, &told, &fault))
        return ctl_fail(&fault);
    return audit.broken ? CTL_NO : CTL_OK;
}

static const struct setting option_table[] = {
    { "--journal", SETTING_TEXT, offsetof(__typeof__(options), journal), "", 0, 0,
      "also hold what clients were told against the orders: a file as `orderctl load --journal` writes it" },
    { "--provider", SETTING_TEXT, offsetof(__typeof__(options), provider), "", 0, 0,
      "also hold the books of the payment provider at this URL against ours, order by order" },
    { "--provider-since", SETTING_TEXT, offsetof(__typeof__(options), provider_since), "", 0, 0,
      "of orders placed since this time only; for charges that another provider, or none, had before" },
    { "--wait", SETTING_INT, offsetof(__typeof__(options), wait_s), "0", 0, 86400,
      "first wait up to so many seconds until nothing is under way" },
};

static const struct command commands[] = {
    {
        .name = NULL,
        .arguments = "",
        .summary = "checks every invariant of the data: nothing lost, nothing repeated, money and stock add up",
        .details = "Reads the databases, and the lags of the consumer groups where KAFKA_BROKERS is set. What is under way "
                   "while it "
                   "looks shows as broken, so let the system come to rest first (--wait). Each invariant is a line; of what "
                   "breaks one the first three are named. With --provider one more compares captures and refunds, to the "
                   "minor unit, with GET /v1/ledger of the provider (PAYMENT_TOKEN). It changes nothing.",
        .examples = "orderctl audit --wait 60\norderctl audit --journal load.jsonl --json\n"
                    "orderctl audit --wait 60 --provider https://payments.example --provider-since 2026-11-22\n",
        .options = option_table,
        .option_count = ARRAY_LEN(option_table),
        .into = &options,
        .run = run_audit,
    },
};

const struct group audit_group = { "audit", "the invariants", commands, ARRAY_LEN(commands) };
