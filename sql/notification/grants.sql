-- What the service may not do to its own tables: contacts and webhooks are the operators'.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON notification.contact, notification.webhook FROM orderline_notification;
