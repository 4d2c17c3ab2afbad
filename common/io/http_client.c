/* http_client.c - requests as libcurl wants them. */
#include "io/http_client.h"
#include "base/net_address.h"
#include "io/curl_transfer.h"

#include <sys/socket.h>

static bool has_part(CURLU *url, CURLUPart part)
{
    char *value = NULL;
    bool has = curl_url_get(url, part, &value, 0) == CURLUE_OK;

    curl_free(value);
    return has;
}

static bool is_http(CURLU *url)
{
    char *scheme = NULL;
    bool is = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    curl_free(scheme);
    return is;
}

static const char *fault_of_url(CURLU *parsed, const char *url)
{
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);

    if (code != CURLUE_OK)
        return curl_url_strerror(code);
    if (!is_http(parsed))
        return "it has to begin with http:// or https://";
    if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
        return "it may not have a user or password in it";
    if (has_part(parsed, CURLUPART_FRAGMENT))
        return "it may not have a fragment (#...)";
    return NULL;
}

bool http_url_check(const char *url, struct fault *fault)
{
    CURLU *parsed = curl_url();
    const char *why = parsed ? fault_of_url(parsed, url) : "out of memory";

    curl_url_cleanup(parsed);
    return !why || fault_set(fault, FAULT_INVALID, "http_url", "no URL to send to: %s", why);
}

/* Where libcurl is about to connect to, after the name was looked up. */
static curl_socket_t open_public(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;

    (void)purpose;
    if (!net_address_is_public(&address->addr)) {
        transfer->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

bool http_start(struct transfers *transfers, const struct http_request *request, void *tag, struct fault *fault)
{
    struct transfer *transfer;

    for (const char *const *line = request->headers; line && *line; line++)
        if (strpbrk(*line, "\r\n"))
            return fault_set(fault, FAULT_INVALID, "http_header", "a header has a line break in it: %.*s",
                             (int)strcspn(*line, ":\r\n"), *line);

    transfer = transfer_new(transfers, tag, request->url, "http,https", request->timeout_ms, request->connect_timeout_ms,
                            request->response_max, fault);
    if (!transfer)
        return false;
    for (const char *const *line = request->headers; line && *line; line++)
        transfer_list_add(transfer, *line);
    transfer_list_add(transfer, "Expect:"); /* or larger bodies would wait for a 100 first */
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->list);
    curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, "orderline/" ORDERLINE_VERSION);
    if (request->body.ptr) {
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(transfer->easy, CURLOPT_COPYPOSTFIELDS, request->body.ptr);
    }
    curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->public_only) {
        curl_easy_setopt(transfer->easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
        curl_easy_setopt(transfer->easy, CURLOPT_OPENSOCKETDATA, transfer);
    }
    transfer_begin(transfer);
    return true;
}
