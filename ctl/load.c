/* load.c - orderctl load: orders at a fixed rate, whatever the system makes of them, and how long each answer took. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "io/http_client.h"
#include "io/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ORDERS_MAX = 20000000, /* latencies are kept, 4 bytes each */
    TIMEOUT_MS = 15000,    /* longer than nginx's own */
    CONNECT_MS = 5000,
    ANSWER_MAX = 65536,
    LINE_EVERY_MS = 1000,
    WAIT_MAX_MS = 50,
    UNIT_PRICE_MINOR = 1000,
};

static struct {
    int64_t rate, seconds, connections, spoiled_percent, seed;
    const char *journal;
} options;

#define AT(member) offsetof(__typeof__(options), member)

static const struct setting load_options[] = {
    { "--rate", SETTING_INT, AT(rate), "50", 1, 100000, "orders a second" },
    { "--seconds", SETTING_INT, AT(seconds), "10", 1, 86400, "for how long" },
    { "--connections", SETTING_INT, AT(connections), "64", 1, 4096, "the most orders that are being answered at once" },
    { "--spoiled", SETTING_INT, AT(spoiled_percent), "0", 0, 100,
      "per cent of orders that cannot complete: declined, sold out, or not shipped" },
    { "--seed", SETTING_INT, AT(seed), "1", 0, INT64_MAX, "the same seed places the same orders" },
    { "--journal", SETTING_TEXT, AT(journal), "", 0, 0,
      "what was sent and answered goes to this file, on disk before it is sent" },
};

/* One order on its way. */
struct sending {
    struct sending *next; /* free ones */
    int64_t number;
    int64_t due_us;
};

struct load {
    const struct ctl *ctl;
    struct transfers *transfers;
    const char *url;
    FILE *journal; /* or NULL */
    struct sending *sendings, *free;
    int64_t begun_us, total, started, ended;
    int64_t created, limited, refused, unanswered; /* 201; 429 and 503; any other status; no answer */
    int first_status;                              /* of those refused */
    int64_t limited_for_ever;                      /* of those limited, without Retry-After */
    uint32_t *latencies_us; /* of each that was answered, from when it was due; of those limited, from its end on */
    size_t answered;        /* all others */
    size_t room;            /* in that array */
    int64_t line_at_ms, line_created;
};

/* splitmix64: a good number from any seed. */
static uint64_t mixed(uint64_t seed)
{
    seed += 0x9e3779b97f4a7c15u;
    seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9u;
    seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebu;
    return seed ^ (seed >> 31);
}

/* ---- one order ---- */

static int64_t body_append(struct buf *body, const char *customer, uint64_t dice)
{
    static const char *const spoiled[][3] = {
        { "SKU-1", "1000000.01", "USA" }, /* the simulated gateway declines more than a million */
        { "SKU-SOLDOUT", "10.00", "USA" },
        { "SKU-1", "10.00", "Antarctica" }, /* no carrier goes there */
    };
    bool spoil = (int64_t)(dice % 100) < options.spoiled_percent;
    const char *const *kind = spoiled[dice / 100 % ARRAY_LEN(spoiled)];
    int64_t quantity = (int64_t)(dice / 1000 % 9) + 1;
    int64_t price = spoil && kind == spoiled[0] ? 100000001 : UNIT_PRICE_MINOR;

    buf_printf(body, "{\"customerId\":\"%s\",\"items\":[{\"sku\":\"", customer);
    if (spoil)
        buf_printf(body, "%s", kind[0]);
    else
        buf_printf(body, "SKU-%" PRIu64, dice / 10000 % 1002 + 1);
    buf_printf(body, "\",\"quantity\":%" PRId64 ",\"unitPrice\":%s}],\"currency\":\"USD\",\"shippingAddress\":", quantity,
               spoil ? kind[1] : "10.00");
    buf_printf(body, "{\"country\":\"%s\",\"city\":\"Austin\",\"addressLine1\":\"Lincoln, 65\"}}", spoil ? kind[2] : "USA");
    return quantity * price;
}

static bool journal_sync(struct load *load, struct fault *fault)
{
    if (fflush(load->journal) == 0 && fdatasync(fileno(load->journal)) == 0)
        return true;
    return fault_set(fault, FAULT_PERMANENT, "journal", "%s: %m", options.journal);
}

/* The key and the customer follow from seed and number, so that the same run again repeats what the first one sent. */
static bool send_order(struct load *load, struct sending *sending, struct fault *fault)
{
    ARENA_SCOPE arena = { 0 };
    struct buf body = BUF_IN(&arena);
    uint64_t dice = mixed((uint64_t)options.seed ^ mixed((uint64_t)sending->number));
    struct uuid customer = { 0 };
    char customer_text[UUID_TEXT_LEN + 1];
    const char *key = arena_printf(&arena, "load-%" PRId64 "-%" PRId64, options.seed, sending->number).ptr;
    const char *headers[] = {
        "Content-Type: application/json",
        arena_printf(&arena, "Idempotency-Key: %s", key).ptr,
        NULL,
    };
    uint64_t halves[2] = { mixed(dice), mixed(dice + 1) };
    int64_t total;

    memcpy(customer.bytes, halves, sizeof customer.bytes);
    uuid_format(&customer, customer_text);
    total = body_append(&body, customer_text, dice);
    if (load->journal) {
        fprintf(load->journal, "{\"n\":%" PRId64 ",\"key\":\"%s\",\"customer\":\"%s\",\"total\":%" PRId64 "}\n",
                sending->number, key, customer_text, total);
        if (!journal_sync(load, fault))
            return false;
    }
    return http_start(load->transfers,
                      &(struct http_request){
                          .method = "POST",
                          .url = load->url,
                          .headers = headers,
                          .body = buf_view(&body),
                          .timeout_ms = TIMEOUT_MS,
                          .connect_timeout_ms = CONNECT_MS,
                          .response_max = ANSWER_MAX,
                      },
                      sending, fault);
}

static void journal_answer(const struct load *load, int64_t number, const struct transfer_result *result)
{
    ARENA_SCOPE arena = { 0 };
    struct json_doc doc = { 0 };
    struct fault fault = { 0 };
    struct uuid order;
    char order_text[UUID_TEXT_LEN + 1];

    if (result->status == 201 && json_parse(result->body, &arena, &doc, &fault) &&
        json_uuid(json_get(doc.root, "orderId"), &order)) {
        uuid_format(&order, order_text);
        fprintf(load->journal, "{\"n\":%" PRId64 ",\"status\":201,\"order\":\"%s\"}\n", number, order_text);
    } else if (result->status != 201) {
        fprintf(load->journal, "{\"n\":%" PRId64 ",\"status\":%d}\n", number, result->status);
    }
    json_free(&doc);
}

static void end_one(struct load *load, const struct transfer_result *result)
{
    struct sending *sending = result->tag;
    bool answered = result->fault.kind == FAULT_NONE;

    load->ended++;
    if (!answered) {
        load->unanswered++;
    } else {
        int64_t took_us = clock_mono_us() - sending->due_us;
        bool limited = result->status == 429 || result->status == 503;
        size_t at = limited ? load->room - 1 - (size_t)load->limited : load->answered;

        load->latencies_us[at] = (uint32_t)(took_us < UINT32_MAX ? took_us : UINT32_MAX);
        if (load->journal)
            journal_answer(load, sending->number, result);
        if (limited) {
            load->limited++;
            load->limited_for_ever += result->retry_after_ms == 0;
        } else {
            load->answered++;
            if (result->status == 201)
                load->created++;
            else
                load->first_status = load->refused++ == 0 ? result->status : load->first_status;
        }
    }
    sending->next = load->free;
    load->free = sending;
}

/* ---- the loop ---- */

static int64_t due_us(const struct load *load, int64_t number)
{
    return load->begun_us + number * 1000000 / options.rate;
}

/* Starts what is due. Where all connections are taken it waits, and its latency counts from when it was due all the same. */
static bool start_due(struct load *load, struct fault *fault)
{
    while (load->started < load->total && load->free && due_us(load, load->started) <= clock_mono_us()) {
        struct sending *sending = load->free;

        load->free = sending->next;
        sending->number = load->started++;
        sending->due_us = due_us(load, sending->number);
        if (!send_order(load, sending, fault))
            return false;
    }
    return true;
}

static int by_size(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

struct percentiles {
    double p50, p90, p99, most; /* ms; 0 where there is nothing */
};

static double share_ms(const uint32_t *sorted_us, size_t count, double share)
{
    size_t at = (size_t)(share * (double)count);

    return sorted_us[at < count ? at : count - 1] / 1e3;
}

/* Sorts COUNT latencies for it. */
static struct percentiles percentiles_of(uint32_t *us, size_t count)
{
    if (count == 0)
        return (struct percentiles){ 0 };
    qsort(us, count, sizeof *us, by_size);
    return (struct percentiles){
        .p50 = share_ms(us, count, 0.5),
        .p90 = share_ms(us, count, 0.9),
        .p99 = share_ms(us, count, 0.99),
        .most = share_ms(us, count, 1),
    };
}

static void show_line(struct load *load)
{
    if (load->ctl->json || !isatty(STDERR_FILENO) || clock_left_ms(load->line_at_ms) > 0)
        return;
    fprintf(stderr,
            "\r\033[K%5" PRId64 " s  %" PRId64 " sent, %" PRId64 " created (%" PRId64 "/s), %" PRId64 " limited, %" PRId64
            " refused, %" PRId64 " unanswered, %zu under way",
            (clock_mono_us() - load->begun_us) / 1000000, load->started, load->created, load->created - load->line_created,
            load->limited, load->refused, load->unanswered, transfers_running(load->transfers));
    load->line_created = load->created;
    load->line_at_ms = clock_mono_ms() + LINE_EVERY_MS;
}

static bool run(struct load *load, struct fault *fault)
{
    struct transfer_result result;

    load->begun_us = clock_mono_us();
    while (load->ended < load->started || (load->started < load->total && !stop_requested())) {
        int64_t left_us = due_us(load, load->started) - clock_mono_us();
        int wait_ms = load->started < load->total && load->free ? (int)(left_us / 1000) : WAIT_MAX_MS;

        if (stop_requested())
            load->total = load->started;
        if (!start_due(load, fault))
            return false;
        transfers_wait(load->transfers, wait_ms < 0 ? 0 : wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
        while (transfers_next(load->transfers, &result))
            end_one(load, &result);
        show_line(load);
    }
    if (isatty(STDERR_FILENO) && !load->ctl->json)
        fputs("\r\033[K", stderr);
    return !load->journal || journal_sync(load, fault);
}

static void report(struct load *load)
{
    double seconds = (double)(clock_mono_us() - load->begun_us) / 1e6;
    double rate = (double)load->created / seconds;
    size_t limited_count = (size_t)load->limited;
    uint32_t *limited_us = load->latencies_us + (load->room - limited_count);
    struct percentiles taken = percentiles_of(load->latencies_us, load->answered);
    struct percentiles limited = percentiles_of(limited_us, limited_count), all;

    memmove(load->latencies_us + load->answered, limited_us, limited_count * sizeof *limited_us);
    all = percentiles_of(load->latencies_us, load->answered + limited_count);
    if (load->ctl->json)
        printf("{\"sent\":%" PRId64 ",\"seconds\":%.3f,\"created\":%" PRId64
               ",\"createdPerSecond\":%.1f,\"limited\":%" PRId64 ",\"limitedWithoutRetryAfter\":%" PRId64
               ",\"refused\":%" PRId64 ",\"unanswered\":%" PRId64
               ",\"p50Ms\":%.3f,\"p90Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f"
               ",\"notLimited\":{\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f}"
               ",\"ofLimited\":{\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f}}\n",
               load->started, seconds, load->created, rate, load->limited, load->limited_for_ever, load->refused,
               load->unanswered, all.p50, all.p90, all.p99, all.most, taken.p50, taken.p99, taken.most, limited.p50,
               limited.p99, limited.most);
    else
        printf("%" PRId64 " orders sent in %.1f s: %" PRId64 " created (%.1f/s), %" PRId64 " limited (429, 503), %" PRId64
               " refused, %" PRId64 " unanswered\n"
               "from when each was due to its answer: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, most %.1f ms\n",
               load->started, seconds, load->created, rate, load->limited, load->refused, load->unanswered, all.p50, all.p90,
               all.p99, all.most);
    if (!load->ctl->json && load->limited > 0)
        printf("those limited: p50 %.1f ms, p99 %.1f ms; %" PRId64 " were not told when to come again\n", limited.p50,
               limited.p99, load->limited_for_ever);
}

static bool open_journal(struct load *load, struct fault *fault)
{
    if (!*options.journal)
        return true;
    load->journal = fopen(options.journal, "ae");
    return load->journal || fault_set(fault, FAULT_INVALID, "journal", "%s: %m", options.journal);
}

static enum ctl_exit load_run(const struct ctl *ctl)
{
    struct load load = { .ctl = ctl, .total = options.rate * options.seconds };
    size_t connections = (size_t)options.connections;
    struct fault fault = { 0 };
    bool whole;

    if (load.total > ORDERS_MAX) {
        fprintf(stderr, "orderctl: --rate times --seconds: no more than %d orders at once\n", (int)ORDERS_MAX);
        return CTL_USAGE;
    }
    load.room = (size_t)load.total; /* an interrupt makes the total smaller */
    load.url = arena_printf(ctl->arena, "%s/api/v1/orders/create", ctl->settings.api_url).ptr;
    if (!http_url_check(load.url, &fault) || !open_journal(&load, &fault))
        return ctl_fail(&fault);
    stop_init();
    load.transfers = transfers_new(connections);
    load.sendings = arena_array(ctl->arena, connections, sizeof *load.sendings);
    load.latencies_us = arena_array(ctl->arena, load.room, sizeof *load.latencies_us);
    for (size_t i = 0; i < connections; i++) {
        load.sendings[i].next = load.free;
        load.free = &load.sendings[i];
    }
    whole = run(&load, &fault);
    transfers_free(load.transfers);
    if (load.journal)
        (void)fclose(load.journal);
    if (!whole)
        return ctl_fail(&fault);
    report(&load);
    if (load.refused > 0)
        fprintf(stderr, "orderctl: the first refusal was a %d: see %s/docs\n", load.first_status, ctl->settings.api_url);
    return load.created == load.started ? CTL_OK : CTL_NO;
}

static const struct command commands[] = {
    {
        .arguments = "",
        .summary = "places orders at a fixed rate and tells how long the answers took",
        .details =
            "Open loop: an order is sent when its time has come, whether or not those before it were answered, and its "
            "latency counts from then, so that a system that stands still shows. An interrupt ends it in order. The exit "
            "code is 1 where an order was not created. With a journal, `orderctl audit --journal FILE` compares what was "
            "answered with what there is; take another --seed, or another file, for another run.",
        .examples =
            "orderctl load --rate 200 --seconds 60\norderctl load --rate 50 --spoiled 20 --seed 7 --journal run.jsonl\n",
        .options = load_options,
        .option_count = ARRAY_LEN(load_options),
        .into = &options,
        .run = load_run,
    },
};

const struct group load_group = { "load", "orders at a fixed rate", commands, ARRAY_LEN(commands) };
