/* notification_smtp.h - the transport `smtp`: letters as mails, by the effect kind `mail`. */
#pragma once

#include "workers/runtime/effect.h"
#include "workers/runtime/service.h"
#include "workers/services/notification_letters.h"

/* As set; strings live as long as the process. */
struct smtp_settings {
    const char *url, *from, *user, *password, *tls, *letters;
    int64_t timeout_ms;
};

/* Once, before anything else: checks the settings and reads the letters. FAULT names the setting, or file and line. */
MUST_CHECK bool smtp_channel_start(const struct smtp_settings *settings, struct fault *fault);

/* Asks for the mail of KIND to TO, because of CAUSE; its Message-ID follows from CAUSE's event id. */
void smtp_channel_send(struct batch *batch, const struct work *cause, enum letter_kind kind, const struct uuid *customer_id,
                       struct text to, const struct letter_facts *facts);

/* The effect kind: smtp_settle marks the message as sent, and emits notification.sent, or as failed. */
void smtp_call(struct effect *effect);
void smtp_answered(struct effect *effect, const struct transfer_result *result);
bool smtp_settle(struct batch *batch);
