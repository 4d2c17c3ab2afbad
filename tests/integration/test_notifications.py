"""Customers are told by mail and others by webhooks: what arrives, how often, and when the other side misbehaves."""
import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import types
import uuid

import pytest

pytest.importorskip("aiosmtpd", reason="needs python3-aiosmtpd")

from harness.receivers import MailServer, WebhookServer  # noqa: E402
from harness.stack import TOPICS, headers_of, order, wait_for  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/test/bin"
WORKER = "worker-notification"
LONG = 120


@pytest.fixture(scope="module")
def servers(request, stack):
    if request.config.getoption("--compose"):
        pytest.skip("containers do not reach servers inside the tests")
    mails, hooks = MailServer(), WebhookServer()
    yield mails, hooks
    mails.stop()
    hooks.stop()


@pytest.fixture(scope="module")
def settings(servers):
    return {"NOTIFY": "smtp", "SMTP_URL": servers[0].url, "SMTP_FROM": "Orders, Ltd. <orders@shop.example>",
            "SMTP_TIMEOUT_MS": 30000, "EFFECT_RETRY_FIRST_MS": 20, "EFFECT_RETRY_MAX_MS": 300,
            "EFFECT_ATTEMPTS": 1000, "WEBHOOK_PRIVATE_ADDRESSES": "allow"}


@pytest.fixture(scope="module")
def running(stack, settings):
    """The worker with the settings above, and as before behind the tests."""
    with stack.with_lasting_settings(WORKER, **settings):
        yield stack


@pytest.fixture
def mails(servers, running):
    return servers[0]


@pytest.fixture
def hooks(servers, running):
    return servers[1]


def ctl(stack, *words):
    return subprocess.run([BIN / "orderctl", *words], env={**os.environ, "DATABASE_URL": stack.database_url},
                          capture_output=True, text=True, timeout=LONG, check=False)


def ctl_json(stack, *words):
    done = ctl(stack, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def customer(running):
    """A customer of the test's own, with an address: (customer id, address)."""
    customer_id, address = str(uuid.uuid4()), f"ann.{uuid.uuid4().hex}@example.com"
    done = ctl(running, "contact", "set", customer_id, address)
    assert done.returncode == 0, done.stderr
    return customer_id, address


def kept(mails, address, count):
    wait_for(f"{count} mails to {address}", lambda: len(mails.kept[address]) >= count, LONG)
    return [email.message_from_bytes(envelope.content, policy=email.policy.default) for envelope in mails.kept[address]]


def text_of(mail, kind):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def states(stack, order_id):
    return dict(stack.query("SELECT kind::text, state::text FROM notification.message WHERE order_id = %s", order_id))


def wait_states(stack, order_id, expected):
    wait_for(f"messages of {order_id} are {expected}", lambda: states(stack, order_id) == expected, LONG)


def event_ids(stack, order_id):
    """The ids of the order's own events, by type."""
    found = {}
    for message in stack.messages("orders", order_id):
        headers = dict(message.headers())
        found[headers["ce_type"].decode()] = headers["ce_id"].decode()
    return found


# ---- mails ----


def test_an_order_is_confirmed_and_its_end_told_by_mail(running, mails, customer):
    customer_id, address = customer
    order_id = running.place(customerId=customer_id)
    by_subject = {mail["Subject"]: mail for mail in kept(mails, address, 2)}
    confirmation = by_subject.pop(f"Your order {order_id}")
    completed = by_subject.pop(f"Your order {order_id} is on its way")
    assert not by_subject

    ids = event_ids(running, order_id)
    assert confirmation["Message-ID"] == f"<{ids['order.created']}@shop.example>"
    assert completed["Message-ID"] == f"<{ids['order.completed']}@shop.example>"
    assert confirmation["From"].addresses[0].display_name == "Orders, Ltd."
    assert confirmation["To"].addresses[0].addr_spec == address
    text = text_of(confirmation, "plain")
    assert "33 x SKU-1\n14.5 x SKU-2\n" in text and "Total: 1022.17 USD" in text
    assert "<pre>33 x SKU-1\n14.5 x SKU-2</pre>" in text_of(confirmation, "html")
    assert not confirmation.defects and not completed.defects

    wait_states(running, order_id, {"confirmation": "sent", "completed": "sent"})
    sent = wait_for("both told in Kafka", lambda: len(found := running.messages("notifications", order_id)) == 2 and found,
                    LONG)
    assert {(m["kind"], m["channel"]) for m in (json.loads(message.value()) for message in sent)} == {
        ("confirmation", "smtp"), ("completed", "smtp")}


def test_a_cancel_says_why(running, mails, customer):
    customer_id, address = customer
    order_id = running.place(customerId=customer_id, shippingAddress={"country": "Antarctica", "city": "x",
                                                                      "addressLine1": "y"})
    cancelled = [mail for mail in kept(mails, address, 2) if "cancelled" in mail["Subject"]]
    assert len(cancelled) == 1
    assert "can't be shipped to the address given" in text_of(cancelled[0], "plain")
    wait_states(running, order_id, {"confirmation": "sent", "cancelled": "sent"})


def test_a_4xx_is_tried_again_until_exactly_one_mail_is_kept(running, mails, customer):
    customer_id, address = customer
    mails.plan[address] += ["451 later", "rcpt 450 busy", "421 closing", "452 full"]
    order_id = running.place(customerId=customer_id)
    wait_states(running, order_id, {"confirmation": "sent", "completed": "sent"})
    assert mails.refused[address] == 4
    assert len(mails.kept[address]) == 2 == len({mail["Message-ID"] for mail in kept(mails, address, 2)})


def assert_repeats_are_the_same_bytes(mails, address):
    """The first mail came more than once, and of each Message-ID all copies are the same."""
    contents = [envelope.content for envelope in mails.kept[address]]
    assert contents.count(contents[0]) >= 2
    assert len(set(contents)) == 2 == len({mail["Message-ID"] for mail in kept(mails, address, 3)})


def test_a_mail_whose_answer_is_lost_comes_again(running, mails, customer):
    customer_id, address = customer
    mails.plan[address] += ["cut"]
    order_id = running.place(customerId=customer_id)
    wait_states(running, order_id, {"confirmation": "sent", "completed": "sent"})
    assert_repeats_are_the_same_bytes(mails, address)


def test_a_server_that_falls_silent_is_not_waited_for_for_ever(running, mails, customer):
    customer_id, address = customer
    mails.plan[address] += ["hang"]
    with running.with_settings(WORKER, SMTP_TIMEOUT_MS=2000):
        order_id = running.place(customerId=customer_id)
        wait_states(running, order_id, {"confirmation": "sent", "completed": "sent"})
    assert_repeats_are_the_same_bytes(mails, address)


def test_a_5xx_gives_up_until_an_operator_sets_another_address(running, mails, customer):
    customer_id, address = customer
    mails.plan[address] += ["rcpt 550 no such mailbox", "554 never"]
    order_id = running.place(customerId=customer_id)
    wait_states(running, order_id, {"confirmation": "failed", "completed": "failed"})
    assert not mails.kept[address] and mails.refused[address] == 2
    assert running.messages("notifications", order_id) == []
    given_up = running.query("SELECT id::text, error FROM notification.effect"
                             " WHERE order_id = %s AND gave_up_at IS NOT NULL", order_id)
    assert sorted(error for _, error in given_up) == ["the mail server answers 550", "the mail server answers 554"]

    other = f"new.{address}"
    assert ctl(running, "contact", "set", customer_id, other).returncode == 0
    running.query("SELECT notification.effect_retry(%s::uuid[])", [effect_id for effect_id, _ in given_up])
    wait_states(running, order_id, {"confirmation": "sent", "completed": "sent"})
    assert len(kept(mails, other, 2)) == 2 and not mails.kept[address]


def test_without_an_address_a_message_is_skipped(running, mails):
    order_id = running.place(customerId=str(uuid.uuid4()))
    wait_states(running, order_id, {"confirmation": "skipped", "completed": "skipped"})
    assert running.value("SELECT count(*) FROM notification.effect WHERE order_id = %s", order_id) == 0


def test_a_removed_address_gets_nothing_that_still_waits(running, mails, customer):
    customer_id, address = customer
    mails.plan[address] += ["451 later"] * 100000
    order_id = running.place(customerId=customer_id)
    wait_states(running, order_id, {"confirmation": "waiting", "completed": "waiting"})
    assert ctl(running, "contact", "remove", customer_id).returncode == 0
    assert states(running, order_id) == {"confirmation": "skipped", "completed": "skipped"}
    assert running.value("SELECT count(*) FROM notification.effect WHERE order_id = %s", order_id) == 0
    assert not mails.kept[address]
    assert ctl(running, "contact", "show", customer_id).returncode == 1


def test_headers_cannot_be_injected(running, mails, customer):
    customer_id, address = customer
    done = ctl(running, "contact", "set", customer_id, f"{address}\r\nBcc: all@example.com")
    assert done.returncode == 64 and "after the @" in done.stderr
    assert ctl_json(running, "contact", "show", customer_id)["email"] == address

    running.query("UPDATE notification.contact SET email = %s WHERE customer_id = %s",  # behind orderctl's back
                  f"{address}>\r\nRCPT TO:<all@example.com", customer_id)
    order_id = running.place(customerId=customer_id)
    wait_states(running, order_id, {"confirmation": "failed", "completed": "failed"})
    assert not mails.kept[address] and not mails.kept["all@example.com"]
    running.query("SELECT notification.remove_contact(%s)", customer_id)  # and what was given up


@pytest.mark.parametrize("place", ["effect.after_call", "effect.before_settle"])
def test_a_crash_around_the_call_loses_no_mail_and_changes_no_id(running, mails, customer, place):
    customer_id, address = customer
    crashes = running.crashes(WORKER)
    running.restart(WORKER, FAILPOINTS=f"{place}=kill@1")
    order_id = running.place(customerId=customer_id)
    wait_for(f"it died at {place}", lambda: running.crashes(WORKER) > crashes, LONG)
    # The lease that the dead worker took is let run out, without waiting for it.
    running.query("UPDATE notification.effect SET due_at = now() WHERE order_id = %s AND gave_up_at IS NULL", order_id)
    wait_states(running, order_id, {"confirmation": "sent", "completed": "sent"})
    ids = event_ids(running, order_id)
    assert {mail["Message-ID"] for mail in kept(mails, address, 2)} == {
        f"<{ids['order.created']}@shop.example>", f"<{ids['order.completed']}@shop.example>"}


# ---- webhooks ----


@pytest.fixture
def webhook(running, hooks):
    """A webhook of the test's own: (id, path, key)."""
    path = f"/{uuid.uuid4()}"
    added = ctl_json(running, "webhook", "add", hooks.url(path))
    prefix, _, secret = added["secret"].partition("_")
    assert prefix == "whsec"
    yield added["webhookId"], path, base64.b64decode(secret)
    ctl(running, "webhook", "remove", added["webhookId"])


def wait_seen(stack, hooks, path):
    """A webhook is known to the worker a moment after it was added: orders are placed until the first arrives."""
    wait_for("the worker knows the webhook", lambda: stack.place() and hooks.got[path], LONG, 0.5)


def told_of(hooks, path, order_id):
    """What arrived about an order, oldest first: (headers, body as bytes, body)."""
    all_of_them = [(headers, body, json.loads(body)) for headers, body in list(hooks.got[path])]
    return [one for one in all_of_them if one[2]["data"]["orderId"] == order_id]


def verify(key, headers, body):
    """By the specification of Standard Webhooks, and by the code that the documentation gives to receivers."""
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = {}
    exec((ROOT / "docs/notifications.md").read_text().split("```python")[1].split("```")[0], told)
    told["time"] = types.SimpleNamespace(time=lambda: int(headers["webhook-timestamp"]))  # however slow this machine is
    secret = f"whsec_{base64.b64encode(key).decode()}"
    told["verify"](secret, headers, body)
    with pytest.raises(ValueError, match="wrong"):
        told["verify"](secret, headers, body + b" ")


def test_a_webhook_is_told_of_every_event_signed(running, hooks, webhook):
    webhook_id, path, key = webhook
    wait_seen(running, hooks, path)
    order_id = running.place()
    wait_for("both events", lambda: len(told_of(hooks, path, order_id)) == 2, LONG)
    ids = event_ids(running, order_id)
    for headers, raw, body in told_of(hooks, path, order_id):
        verify(key, headers, raw)
        assert headers["webhook-id"] == ids[body["type"]]
        assert headers["Content-Type"] == "application/json"
        assert body["data"]["totalMinor"] == 102217 and body["data"]["currency"] == "USD"
    assert {body["type"] for _, _, body in told_of(hooks, path, order_id)} == {"order.created", "order.completed"}
    log = wait_for("both in the log", lambda: len(rows := [row for row in ctl_json(running, "webhook", "log", webhook_id)
                                                           if row["orderId"] == order_id]) == 2 and rows, LONG)
    assert all(row["delivered"] and row["attempts"] == 1 and row["detail"] == "HTTP 200" for row in log)


def test_a_receiver_that_was_down_hears_of_everything_under_the_same_ids(running, hooks, webhook):
    webhook_id, path, key = webhook
    wait_seen(running, hooks, path)
    hooks.plan[path] += [500, 404, 302]
    first = running.place()
    wait_for("both events, and bad answers to some", lambda: not hooks.plan[path] and len(
        {body["type"] for _, _, body in told_of(hooks, path, first)}) == 2, LONG)
    hooks.stop()
    try:
        second = running.place()
        running.wait_status(second, "COMPLETED", LONG)
        wait_for("a delivery failed", lambda: running.value(
            "SELECT max(attempts) FROM notification.effect WHERE kind = 'webhook' AND order_id = %s", second), LONG)
    finally:
        hooks.start()
    wait_for("both events", lambda: len({body["type"] for _, _, body in told_of(hooks, path, second)}) == 2, LONG)
    for order_id in first, second:
        ids = event_ids(running, order_id)
        for headers, raw, body in told_of(hooks, path, order_id):
            verify(key, headers, raw)
            assert headers["webhook-id"] == ids[body["type"]]


def test_a_webhook_hears_of_the_types_it_wants_and_nothing_once_it_is_removed(running, hooks):
    path = f"/{uuid.uuid4()}"
    webhook_id = ctl_json(running, "webhook", "add", hooks.url(path), "--types", "order.completed")["webhookId"]
    wait_seen(running, hooks, path)
    hooks.plan[path] += [500] * 100000
    waiting = running.place()
    wait_for("its delivery waits", lambda: running.value(
        "SELECT count(*) FROM notification.effect WHERE kind = 'webhook' AND order_id = %s AND attempts > 0", waiting), LONG)
    assert ctl(running, "webhook", "remove", webhook_id).returncode == 0
    wait_for("it is dropped", lambda: not running.value(
        "SELECT count(*) FROM notification.effect WHERE payload ->> 'webhookId' = %s", webhook_id), LONG)
    assert {json.loads(body)["type"] for _, body in hooks.got[path]} == {"order.completed"}
    assert webhook_id not in [row["webhookId"] for row in ctl_json(running, "webhook", "list")]
    assert ctl(running, "webhook", "remove", webhook_id).returncode == 1
    assert running.value("SELECT secret IS NULL FROM notification.webhook WHERE webhook_id = %s", webhook_id)


def test_a_receiver_that_is_gone_is_given_up(running, hooks, webhook):
    webhook_id, path, _ = webhook
    wait_seen(running, hooks, path)
    hooks.plan[path] += [410] * 100000
    order_id = running.place()
    log = wait_for("both given up", lambda: len(rows := [row for row in ctl_json(running, "webhook", "log", webhook_id)
                                                         if row["orderId"] == order_id]) == 2 and rows, LONG)
    assert all(not row["delivered"] and row["detail"].startswith("HTTP 410") for row in log)
    running.query("DELETE FROM notification.effect WHERE kind = 'webhook' AND gave_up_at IS NOT NULL")


def test_the_log_of_deliveries_is_bounded(running):
    webhook_id, ids = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(30)]
    for _ in range(2):
        running.query("SELECT notification.save_deliveries(%s::uuid[], %s::uuid[], %s::uuid[], %s, %s, %s, %s, 20)",
                      [webhook_id] * 30, ids, ids, ["order.created"] * 30, [True] * 30, [1] * 30, ["HTTP 200"] * 30)
    assert running.value("SELECT count(*) FROM notification.webhook_delivery WHERE webhook_id = %s", webhook_id) == 20


@pytest.mark.parametrize("url, why", [
    ("ftp://shop.example/", "http:// or https://"), ("http://a:b@shop.example/", "password"), ("shop", "URL"),
    ("https://shop.example/#x", "fragment"),
])
def test_a_webhook_needs_a_url_that_can_be_posted_to(running, url, why):
    done = ctl(running, "webhook", "add", url)
    assert done.returncode == 64 and why in done.stderr
    done = ctl(running, "webhook", "add", "https://shop.example/", "--types", "order.nudged")
    assert done.returncode == 64 and "order.nudged" in done.stderr


def test_by_default_webhooks_lead_to_no_private_address(running, hooks, webhook):
    webhook_id, path, _ = webhook
    before = len(hooks.got[path])
    with running.with_settings(WORKER, WEBHOOK_PRIVATE_ADDRESSES="refuse"):
        order_id = running.place()
        log = wait_for("both given up", lambda: len(rows := [row for row in ctl_json(running, "webhook", "log", webhook_id)
                                                             if row["orderId"] == order_id]) == 2 and rows, LONG)
    assert all("not public" in row["detail"] for row in log)
    assert len(hooks.got[path]) == before
    running.query("DELETE FROM notification.effect WHERE kind = 'webhook' AND gave_up_at IS NOT NULL")


# ---- traces ----


def test_one_trace_leads_from_the_request_to_mails_and_webhooks(running, mails, hooks, customer, webhook):
    (customer_id, address), (_, path, _) = customer, webhook
    wait_seen(running, hooks, path)
    trace = uuid.uuid4().hex
    made = running.post_order(order(customerId=customer_id), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    order_id = made.json()["orderId"]
    running.wait_status(order_id, "COMPLETED", LONG)
    left = [mail["Traceparent"] for mail in kept(mails, address, 2)]
    wait_for("both events", lambda: len(told_of(hooks, path, order_id)) == 2, LONG)
    left += [headers["traceparent"] for headers, _, _ in told_of(hooks, path, order_id)]
    steps = running.get(f"/api/v1/orders/{order_id}/timeline").json()["data"]
    left += [f"00-{step['traceId']}-" for step in steps]
    for topic in TOPICS:
        sent = wait_for(f"events in {topic}", lambda: running.messages(topic, order_id), LONG)  # noqa: B023
        left += [headers_of(message)["traceparent"] for message in sent]
    assert {header.split("-")[1] for header in left} == {trace}


# ---- settings ----


@pytest.mark.parametrize("changes, why", [
    ({"NOTIFY": "post"}, "NOTIFY=post: takes log or smtp"),
    ({"SMTP_URL": "http://x"}, "SMTP_URL"),
    ({"SMTP_FROM": "nobody"}, "SMTP_FROM"),
    ({"SMTP_TLS": "perhaps"}, "SMTP_TLS=perhaps"),
    ({"SMTP_USER": "ann"}, "SMTP_PASSWORD"),
    ({"LETTERS": "/nowhere"}, "/nowhere/confirmation.txt: No such file"),
    ({"WEBHOOK_PRIVATE_ADDRESSES": "some"}, "takes refuse or allow"),
])
def test_wrong_settings_are_refused_at_once(changes, why):
    if not (BIN / WORKER).exists():
        pytest.skip("needs the test build")
    good = {"NOTIFY": "smtp", "SMTP_URL": "smtp://127.0.0.1:1", "SMTP_FROM": "orders@shop.example",
            "LETTERS": str(ROOT / "workers/services/letters"), "DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
            "KAFKA_BROKERS": "127.0.0.1:1"}
    done = subprocess.run([BIN / WORKER], env={**os.environ, **good, **changes}, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 78 and why in done.stderr


def test_a_template_with_an_unknown_name_stops_the_start_with_file_and_line(tmp_path):
    if not (BIN / WORKER).exists():
        pytest.skip("needs the test build")
    for letter in (ROOT / "workers/services/letters").iterdir():
        (tmp_path / letter.name).write_text(letter.read_text().replace("Hello,", "Hello {{name}},"))
    done = subprocess.run([BIN / WORKER], capture_output=True, text=True, timeout=60, check=False, env={
        **os.environ, "NOTIFY": "smtp", "SMTP_URL": "smtp://127.0.0.1:1", "SMTP_FROM": "orders@shop.example",
        "LETTERS": str(tmp_path), "DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "KAFKA_BROKERS": "127.0.0.1:1"})
    assert done.returncode == 78 and "confirmation.txt:3: {{name}} is unknown here" in done.stderr
