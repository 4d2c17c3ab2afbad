"""Money against other implementations: ISO 4217 as others have it, and Python's decimal over random orders."""
import decimal
import json
import pathlib
import random
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
READ_ORDERS = ROOT / "build/test/bin/read_orders"
ISO_CODES = pathlib.Path("/usr/share/iso-codes/json/iso_4217.json")  # Debian's iso-codes

CURRENCIES = {code: int(decimals) for code, decimals in
              re.findall(r'\{ "([A-Z]{3})", (\d) \}', (ROOT / "common/model/money.c").read_text())}
INT64_MAX = 2**63 - 1
ORDERS = 100_000


def test_currencies_and_their_decimals_are_those_of_iso_4217():
    lines = (ROOT / "tests/contract/data/iso_4217.txt").read_text().splitlines()
    listed = {code: int(decimals) for code, decimals in (line.split() for line in lines if not line.startswith("#"))}
    assert listed == CURRENCIES
    assert list(CURRENCIES) == sorted(CURRENCIES), "it is searched by halving"


@pytest.mark.skipif(not ISO_CODES.exists(), reason="needs Debian's package iso-codes")
def test_no_currency_of_debian_is_unknown_but_for_those_that_have_gone():
    debian = {entry["alpha_3"] for entry in json.loads(ISO_CODES.read_text())["4217"]}
    gone = {"ANG", "BGN", "CUC", "HRK", "SLL", "ZWL"}  # since that edition
    no_minor_unit = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}
    assert debian - set(CURRENCIES) - gone == no_minor_unit


# ---- random orders ----

def written(value, rng):
    """VALUE as a JSON number, in one of the forms that mean the same."""
    form = rng.randrange(4)
    plain = format(value, "f")
    if form == 0:
        return plain
    if form == 1:
        return plain + ("0" if "." in plain else ".0")
    sign, digits, exponent = value.as_tuple()
    shift = rng.randrange(-3, 4)
    return f"{'-' if sign else ''}{format(decimal.Decimal((0, digits, exponent - shift)), 'f')}e{shift:+d}"


def amount(rng, decimals, limit):
    """A number that fits, and now and then one with a decimal too many or near the LIMIT of minor units."""
    kind = rng.random()
    if kind < 0.02:
        minor, decimals = rng.randrange(1, 10**6) * 10 + rng.randrange(1, 10), decimals + 1
    elif kind < 0.05:
        minor = limit + rng.randrange(-2, 3)
    elif kind < 0.5:
        minor = rng.randrange(0, 10**4)
    else:
        minor = rng.randrange(0, 10 ** rng.randrange(1, 16))
    return decimal.Decimal(minor).scaleb(-decimals)


def random_order(rng):
    currency = rng.choice(list(CURRENCIES))
    items = [(amount(rng, 3, INT64_MAX), amount(rng, CURRENCIES[currency], INT64_MAX))
             for _ in range(rng.choice((1, 1, 2, 3, 8)))]
    lines = ",".join(f'{{"sku":"A","quantity":{written(q, rng)},"unitPrice":{written(p, rng)}}}' for q, p in items)
    body = (f'{{"customerId":"67993c38-8059-4d8b-8567-1542560584ee","items":[{lines}],"currency":"{currency}",'
            '"shippingAddress":{"country":"A","city":"B","addressLine1":"C"}}')
    return currency, items, body


def fits(value, decimals):
    minor = value.scaleb(decimals)
    return minor == minor.to_integral_value() and minor <= INT64_MAX


def expected(currency, items):
    """The answer of read_orders, computed by decimal."""
    decimals = CURRENCIES[currency]
    wrong = []
    for i, (quantity, price) in enumerate(items):
        if not (quantity > 0 and fits(quantity, 3)):
            wrong.append(f"/items/{i}/quantity")
        if not fits(price, decimals):
            wrong.append(f"/items/{i}/unitPrice")
    total = decimal.Decimal(0)
    for i, (quantity, price) in enumerate([] if wrong else items):
        total += (quantity * price).quantize(decimal.Decimal(1).scaleb(-decimals), decimal.ROUND_HALF_UP)
        if total.scaleb(decimals) > INT64_MAX:
            wrong.append(f"/items/{i}")
            break
    return " ".join(["no", *wrong]) if wrong else f"ok {decimals} {int(total.scaleb(decimals))}"


@pytest.mark.skipif(not READ_ORDERS.exists(), reason="needs the build: cmake --preset test && cmake --build --preset test")
def test_totals_are_those_of_decimal_over_a_hundred_thousand_random_orders():
    rng = random.Random(20260401)
    with decimal.localcontext() as context:
        context.prec = 60
        orders = [random_order(rng) for _ in range(ORDERS)]
        answers = subprocess.run([READ_ORDERS], input="\n".join(body for _, _, body in orders) + "\n", check=True,
                                 capture_output=True, text=True, timeout=600).stdout.splitlines()
        assert len(answers) == ORDERS
        for (currency, items, body), answer in zip(orders, answers, strict=True):
            assert answer == expected(currency, items), body
    refused = sum(answer.startswith("no") for answer in answers)
    overflown = sum(bool(re.fullmatch(r"no /items/\d+", answer)) for answer in answers)
    assert refused > ORDERS // 20 and overflown > 100 and ORDERS - refused > ORDERS // 2, "every kind occurs"
