/* transfers.c - the loop that libcurl's transfers run in. */
#include "base/log.h"
#include "io/curl_transfer.h"

#include <pthread.h>
#include <stdlib.h>

struct transfers {
    CURLM *multi;
    struct transfer *ended; /* the one returned last; kept for its body */
    struct transfer **running;
    size_t count, max;
};

/* libcurl fails here for want of memory, or when it is called wrongly: nothing sensible is left to do. */
static void must(bool ok)
{
    if (!ok) {
        log_error("libcurl: out of memory");
        abort();
    }
}

static void *must_have(void *memory)
{
    must(memory != NULL);
    return memory;
}

/* ---- one transfer ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;

    if (size * count > transfer->body_max - transfer->body.len) {
        transfer->too_large = true;
        return 0;
    }
    buf_add(&transfer->body, bytes, size * count);
    return size * count;
}

static void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->list);
    arena_free(&transfer->arena);
    free(transfer);
}

struct transfer *transfer_new(struct transfers *owner, void *tag, const char *url, const char *protocols, int timeout_ms,
                              int connect_timeout_ms, size_t body_max, struct fault *fault)
{
    struct transfer *transfer;
    CURL *easy;

    if (owner->count == owner->max) {
        fault_set(fault, FAULT_BUSY, "transfers", "all %zu transfers are under way", owner->max);
        return NULL;
    }
    transfer = must_have(calloc(1, sizeof *transfer));
    *transfer = (struct transfer){ .owner = owner, .tag = tag, .body_max = body_max };
    transfer->body = BUF_IN(&transfer->arena);
    transfer->easy = easy = must_have(curl_easy_init());
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    return transfer;
}

void transfer_list_add(struct transfer *transfer, const char *line)
{
    transfer->list = must_have(curl_slist_append(transfer->list, line));
}

void transfer_begin(struct transfer *transfer)
{
    struct transfers *owner = transfer->owner;

    owner->running[owner->count++] = transfer;
    must(curl_multi_add_handle(owner->multi, transfer->easy) == CURLM_OK);
}

/* ---- how it ended ---- */

static void tell_fault(const struct transfer *transfer, CURLcode code, struct fault *fault)
{
    const char *why = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
    bool timeout = code == CURLE_OPERATION_TIMEDOUT;
    enum fault_kind kind = timeout ? FAULT_TIMEOUT : FAULT_TRANSIENT;
    long sent = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (sent > 0)
        kind = FAULT_UNKNOWN;
    else if (transfer->forbidden || code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        kind = FAULT_PERMANENT;
    if (transfer->forbidden && sent == 0)
        fault_set(fault, kind, "transfer_forbidden", "it leads to an address that is not public");
    else if (transfer->too_large)
        fault_set(fault, kind, "transfer_too_large", "the answer is larger than %zu bytes", transfer->body_max);
    else
        fault_set(fault, kind, timeout ? "transfer_timeout" : "transfer_failed", "%s", why);
}

static void tell(const struct transfer *transfer, CURLcode code, struct transfer_result *result)
{
    long status = 0;
    curl_off_t retry_after_s = 0;

    *result = (struct transfer_result){ .tag = transfer->tag, .body = buf_view(&transfer->body) };
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    result->status = (int)status;
    result->retry_after_ms = (int64_t)retry_after_s * 1000;
    if (code != CURLE_OK)
        tell_fault(transfer, code, &result->fault);
}

/* ---- all of them ---- */

static void global_init(void)
{
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct transfers *transfers_new(size_t max)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct transfers *transfers = must_have(calloc(1, sizeof *transfers));

    pthread_once(&once, global_init);
    transfers->multi = must_have(curl_multi_init());
    transfers->running = must_have(calloc(max, sizeof(struct transfer *)));
    transfers->max = max;
    curl_multi_setopt(transfers->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max);
    curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)max);
    return transfers;
}

/* Takes it out of the loop, without freeing it. */
static struct transfer *detach(struct transfers *transfers, size_t at)
{
    struct transfer *transfer = transfers->running[at];

    curl_multi_remove_handle(transfers->multi, transfer->easy);
    transfers->running[at] = transfers->running[--transfers->count];
    return transfer;
}

static size_t place_of(const struct transfers *transfers, CURL *easy)
{
    size_t at = 0;

    while (transfers->running[at]->easy != easy)
        at++;
    return at;
}

void transfers_free(struct transfers *transfers)
{
    if (!transfers)
        return;
    while (transfers->count > 0)
        transfer_free(detach(transfers, 0));
    transfer_free(transfers->ended);
    curl_multi_cleanup(transfers->multi);
    free(transfers->running);
    free(transfers);
}

size_t transfers_running(const struct transfers *transfers)
{
    return transfers->count;
}

void transfers_wait(struct transfers *transfers, int wait_ms)
{
    int unfinished = 0;

    must(curl_multi_perform(transfers->multi, &unfinished) == CURLM_OK);
    if ((size_t)unfinished < transfers->count) /* some have ended already */
        return;
    must(curl_multi_poll(transfers->multi, NULL, 0, wait_ms, NULL) == CURLM_OK);
    must(curl_multi_perform(transfers->multi, &unfinished) == CURLM_OK);
}

bool transfers_next(struct transfers *transfers, struct transfer_result *result)
{
    int left;
    CURLMsg *message = curl_multi_info_read(transfers->multi, &left); /* CURLMSG_DONE is the only kind there is */
    CURLcode code;

    if (!message)
        return false;
    code = message->data.result; /* gone with the handle */
    transfer_free(transfers->ended);
    transfers->ended = detach(transfers, place_of(transfers, message->easy_handle));
    tell(transfers->ended, code, result);
    return true;
}

void transfers_cancel(struct transfers *transfers, const void *tag)
{
    for (size_t i = transfers->count; i-- > 0;)
        if (transfers->running[i]->tag == tag)
            transfer_free(detach(transfers, i));
}

void transfers_wake(struct transfers *transfers)
{
    curl_multi_wakeup(transfers->multi);
}
