"""Requests over HTTP: each kind beside a constant that answers the same bytes through the same nginx and socket."""
import json
import pathlib
import tempfile
import uuid

from pairs import Row, paired
from system import URL
from usage import cpu_between, cpu_ns

PROCESSES = 2  # of order-api, and of the constant
BODY = json.dumps({
    "customerId": "67993c38-8059-4d8b-8567-1542560584ee",
    "items": [{"sku": "SKU-1", "quantity": 33, "unitPrice": 19.99}, {"sku": "SKU-2", "quantity": 14.50, "unitPrice": 25}],
    "currency": "USD", "shippingAddress": {"country": "USA", "city": "Austin", "addressLine1": "Lincoln, 65"}})
GOALS = {"create": 0.40, "replay": 0.80, "get": 0.60}
# What order-api itself sends; the rest of an answer's headers are nginx's.
OWN_HEADERS = (b"content-type", b"location", b"etag", b"cache-control", b"idempotency-replayed", b"link", b"last-modified")


def place(system, key):
    return system.request("-X", "POST", f"{URL}/api/v1/orders/create", "-H", "Content-Type: application/json",
                          "-H", f"Idempotency-Key: {key}", "-d", BODY)


def as_cgi(answer):
    """What a FastCGI process has to write so that nginx sends ANSWER."""
    head, body = answer.split(b"\r\n\r\n", 1)
    status, *headers = head.split(b"\r\n")
    kept = [h for h in headers if h.split(b":")[0].lower() in OWN_HEADERS]
    return b"\r\n".join([b"Status: " + status.split(b" ", 1)[1], *kept, b"", body])


def prepare(system, folder, count=1000):
    """COUNT finished orders: files of their keys and ids, and an answer of each kind as the constant has to give it."""
    keys = [str(uuid.uuid4()) for _ in range(count)]
    ids = []
    for key in keys:
        answer = place(system, key)
        ids.append(json.loads(answer.split(b"\r\n\r\n", 1)[1])["orderId"])
    (folder / "keys").write_text("\n".join(keys) + "\n")
    (folder / "ids").write_text("\n".join(ids) + "\n")
    system.wait_rest()
    return {"create": as_cgi(answer), "replay": as_cgi(place(system, keys[0])),
            "get": as_cgi(system.request(f"{URL}/api/v1/orders/{ids[0]}"))}


def best_threads(system, answer, seconds):
    """With how many threads the constant is fastest: it is not held back by ours."""
    rates = {}
    for threads in (1, 4, 16, 64):
        with system.constant(answer, PROCESSES, threads):
            rates[threads] = system.wrk("create", seconds)["rate"]
    return max(rates, key=rates.get)


def measure(system, quick, say):
    seconds, rounds = (3, 3) if quick else (10, 5)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        answers = prepare(system, folder, 200 if quick else 1000)
        folder.chmod(0o755)
        files = {"keys": folder / "keys", "ids": folder / "ids"}
        threads = best_threads(system, answers["create"], seconds)
        say(f"the constant is fastest with {threads} threads a process")
        for mode, answer in answers.items():
            system.wrk(mode, seconds, **files)  # warm
            costs = []

            def ours(mode=mode, costs=costs):
                roots = system.pids()
                before = cpu_ns(roots)
                result = system.wrk(mode, seconds, **files)
                used = cpu_between(before, cpu_ns(roots))
                costs.append({name: s / result["good"] * 1e6 for name, s in used.items()})
                if mode == "create":
                    system.wait_rest()
                return result["rate"]

            def constant(mode=mode, answer=answer):
                with system.constant(answer, PROCESSES, threads):
                    return system.wrk(mode, seconds, **files)["rate"]

            row = paired(Row(f"{mode}", "requests/s", "constant", GOALS[mode]), ours, constant, rounds)
            row.notes["CPU a request, us"] = median_costs(costs)
            yield row
        for mode, where in (("list", {"list": "/api/v1/orders?size=20"}), ("mixed", {})):
            result = system.wrk(mode, seconds, **files, **where)
            yield Row(mode, "requests/s", ours=result["rate"],
                      notes={"p50 ms": result["p50_ms"], "p99 ms": result["p99_ms"]})
            system.wait_rest()


def median_costs(costs):
    """Of a create this takes in the order's whole way as far as it was gone when the load ended."""
    found = {}
    for name in costs[0]:
        ordered = sorted(cost.get(name, 0) for cost in costs)
        if ordered[len(ordered) // 2] >= 0.5:
            found[name] = round(ordered[len(ordered) // 2], 1)
    return found


def measure_batches(system, quick, say):
    """What batches are worth: the same stack with one order a transaction."""
    del say
    seconds, rounds = (3, 3) if quick else (10, 5)

    def ours():
        result = system.wrk("create", seconds)
        system.wait_rest()
        return result["rate"]

    def single():
        with system.with_settings("order-api", BATCH_MAX=1):
            return ours()

    yield paired(Row("create in batches", "requests/s", "batches of 1", 2.5), ours, single, rounds)
