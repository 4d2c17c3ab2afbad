/* smtp.c - mails as libcurl wants them. */
#include "io/smtp.h"
#include "io/curl_transfer.h"

enum { ANSWER_MAX = 64 * 1024 };

/* The message while it is read by libcurl; lives in the transfer's arena. */
struct upload {
    struct text message;
    size_t at;
};

static size_t read_message(char *into, size_t size, size_t count, void *context)
{
    struct upload *upload = context;
    size_t left = upload->message.len - upload->at;
    size_t len = size * count < left ? size * count : left;

    memcpy(into, upload->message.ptr + upload->at, len);
    upload->at += len;
    return len;
}

/* libcurl starts over on a new connection where a kept one turns out to be dead. */
static int seek_message(void *context, curl_off_t offset, int origin)
{
    struct upload *upload = context;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > upload->message.len)
        return CURL_SEEKFUNC_CANTSEEK;
    upload->at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void set_upload(struct transfer *transfer, struct text message)
{
    struct upload *upload = arena_alloc(&transfer->arena, sizeof *upload);

    upload->message = arena_copy(&transfer->arena, message);
    curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)message.len);
    curl_easy_setopt(transfer->easy, CURLOPT_READFUNCTION, read_message);
    curl_easy_setopt(transfer->easy, CURLOPT_READDATA, upload);
    curl_easy_setopt(transfer->easy, CURLOPT_SEEKFUNCTION, seek_message);
    curl_easy_setopt(transfer->easy, CURLOPT_SEEKDATA, upload);
}

bool smtp_start(struct transfers *transfers, const struct smtp_mail *mail, void *tag, struct fault *fault)
{
    static const long tls[] = {
        [SMTP_TLS_IF_OFFERED] = CURLUSESSL_TRY,
        [SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
        [SMTP_TLS_OFF] = CURLUSESSL_NONE,
    };
    struct transfer *transfer;

    if (strpbrk(mail->from, "\r\n<>") || strpbrk(mail->to, "\r\n<>"))
        return fault_set(fault, FAULT_INVALID, "smtp_address", "an address has a line break or a bracket in it");

    transfer =
        transfer_new(transfers, tag, mail->url, "smtp,smtps", mail->timeout_ms, mail->connect_timeout_ms, ANSWER_MAX, fault);
    if (!transfer)
        return false;
    curl_easy_setopt(transfer->easy, CURLOPT_USE_SSL, tls[mail->tls]);
    if (mail->user) {
        curl_easy_setopt(transfer->easy, CURLOPT_USERNAME, mail->user);
        curl_easy_setopt(transfer->easy, CURLOPT_PASSWORD, mail->password);
    }
    curl_easy_setopt(transfer->easy, CURLOPT_MAIL_FROM, arena_printf(&transfer->arena, "<%s>", mail->from).ptr);
    transfer_list_add(transfer, arena_printf(&transfer->arena, "<%s>", mail->to).ptr);
    curl_easy_setopt(transfer->easy, CURLOPT_MAIL_RCPT, transfer->list);
    set_upload(transfer, mail->message);
    transfer_begin(transfer);
    return true;
}

/* What the server says of our name and password (RFC 4954) is no word about this mail. */
static bool is_about_us(int status)
{
    return status == 530 || status == 534 || status == 535 || status == 538;
}

enum smtp_verdict smtp_verdict(const struct transfer_result *result)
{
    if (result->fault.kind == FAULT_NONE)
        return SMTP_ACCEPTED;
    return result->status >= 500 && result->status < 600 && !is_about_us(result->status) ? SMTP_REFUSED : SMTP_LATER;
}
