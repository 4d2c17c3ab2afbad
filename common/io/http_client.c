/* http_client.c - requests as libcurl wants them. */
#include "io/http_client.h"
#include "io/curl_transfer.h"

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
    transfer_begin(transfer);
    return true;
}
