"""The judge of `./stack bench --only soak` sees what grows."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import soak


def samples(count, **growth):
    """COUNT looks; what is named in GROWTH rises by that share of its first value over all of them."""
    def value(name, number):
        return 100 * (1 + growth.get(name, 0) * number / (count - 1))

    return [{("memory", "order-api"): value("memory", n), ("memory", "worker-order"): 100, "p99": value("p99", n)}
            for n in range(count)]


def test_what_stays_the_same_is_fine():
    assert soak.row(samples(60), "latency", "ms", "p99", 1.1).reached
    assert soak.worst(samples(60), "memory", "MiB", "memory", 1.1).reached


@pytest.mark.parametrize("count", [4, 8, 60])
def test_what_grows_is_named(count):
    found = soak.worst(samples(count, memory=0.5), "memory", "MiB", "memory", 1.1)
    assert found.reached is False and "order-api" in found.name
    assert set(found.notes) == {"order-api", "worker-order"}
    assert soak.row(samples(count, p99=0.5), "latency", "ms", "p99", 1.1).reached is False


def test_warming_up_is_no_growth():
    warm = samples(60)
    for number, look in enumerate(warm[:15]):
        look["p99"] = 10 * number
    assert soak.row(warm, "latency", "ms", "p99", 1.1).reached
