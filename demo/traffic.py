"""Customers of the sample service: a steady stream of real HTTP requests.

    python -m demo.traffic --url http://127.0.0.1:8000 --rate 25 --out traffic.jsonl

Runs until it is terminated, or for ``--seconds``. Every completed request is one line of the file.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import random
import signal
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

TIMEOUT = 5.0
SEED = 15

# Shares of the traffic in per cent. From ten pieces on a price has a volume discount.
MIX = {
    20: ("/api/products", "/api/products", "/api/products?q=cap"),
    14: ("/api/products/mug", "/api/products/tee", "/api/products/cap"),
    16: (
        "/api/quote?sku=mug&qty=2",
        "/api/quote?sku=tee&qty=1&currency=USD",
        "/api/quote?sku=cap&qty=1&country=FR",
        "/api/quote?sku=cap&qty=3&coupon=WELCOME",
    ),
    24: (
        "/api/quote?sku=mug&qty=12",
        "/api/quote?sku=tee&qty=25&currency=GBP",
        "/api/quote?sku=tee&qty=60&country=NL",
        "/api/quote?sku=cap&qty=10&coupon=WELCOME",
        "/api/quote?sku=mug&qty=144",
    ),
    11: (
        "/api/checkout?sku=mug&qty=24",
        "/api/checkout?sku=tee&qty=100&country=FR",
        "/api/checkout?sku=cap&qty=10&method=express",
    ),
    9: ("/api/checkout?sku=mug&qty=1", "/api/checkout?sku=tee&qty=2&currency=USD"),
    6: ("/api/shipping?sku=mug&qty=3", "/api/shipping?sku=cap&qty=2&method=express"),
}


def send(url: str, path: str) -> dict[str, object]:
    """Send one GET request on a new connection; status 0 when no answer came within TIMEOUT seconds."""
    start = time.monotonic()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        status = response.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    elapsed = round((time.monotonic() - start) * 1000, 1)
    return {"t": round(time.time(), 3), "path": path, "status": status, "ms": elapsed}


def run(url: str, rate: float, out: TextIO, stop: threading.Event, seconds: float = math.inf) -> None:
    """Send ``rate`` requests a second until ``stop`` is set or ``seconds`` have passed."""
    chance = random.Random(SEED)
    lock = threading.Lock()

    def request(path: str) -> None:
        line = json.dumps(send(url, path))
        with lock:
            print(line, file=out, flush=True)

    # As many threads as requests can be under way: a slow service must not slow the customers.
    with ThreadPoolExecutor(max_workers=math.ceil(rate * TIMEOUT) + 1) as customers:
        start = due = time.monotonic()
        while due < start + seconds and not stop.wait(max(0.0, due - time.monotonic())):
            (paths,) = chance.choices(list(MIX.values()), weights=list(MIX))
            customers.submit(request, chance.choice(paths))
            due += 1 / rate


def error_rate(lines: Iterable[str], start: float, end: float) -> tuple[int, int]:
    """The requests which completed from ``start`` until before ``end``, and how many of them failed.

    ``lines`` are those which ``run`` writes, times are epoch seconds. A request fails without an
    answer or with a status of 500 and above. Raises ValueError for a line which is not JSON.
    """
    records = [record for record in map(json.loads, lines) if start <= record["t"] < end]
    return len(records), sum(record["status"] == 0 or record["status"] >= 500 for record in records)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Send a realistic mix of requests to the sample service.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, default=25.0, help="requests a second")
    parser.add_argument("--out", type=Path, required=True, help="file to append to, in JSON lines")
    parser.add_argument("--seconds", type=float, default=math.inf)
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with arguments.out.open("a", encoding="utf-8") as out:
        run(arguments.url, arguments.rate, out, stop, arguments.seconds)


if __name__ == "__main__":
    main()
