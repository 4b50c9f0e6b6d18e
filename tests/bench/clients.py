"""Two ordinary clients for the same limit, eight processes each, which read the contacts page by page.

`python -m tests.bench.clients KIND URL TOKEN LIMIT PERIOD` runs until its input is closed.

limiter: pyrate-limiter's MultiprocessBucket, which its documentation names for processes of one machine; every call
asks it first. After a 429, which it does not expect, it waits for the block's length.
retry: calls at once; after a 429 it waits for Retry-After or the block's length, then calls again.
"""

import itertools
import multiprocessing
import sys
import time
import urllib.error
import urllib.request

PROCESSES = 8
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def work(url: str, token: str, period: float, limiter) -> None:
    """One process. It ends with its parent."""
    for page in itertools.count(1):
        if limiter is not None:
            limiter.try_acquire("salesmsg")
        request = urllib.request.Request(
            f"{url}/pub/v2.2/contacts?page={page % 50 + 1}", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with _direct.open(request, timeout=40) as response:
                response.read()
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(float(error.headers.get("Retry-After") or period))


def main(kind: str, url: str, token: str, limit: str, period: str) -> None:
    """The program."""
    limiter = None
    if kind == "limiter":
        from pyrate_limiter import Limiter, MultiprocessBucket, Rate

        limiter = Limiter(MultiprocessBucket.init([Rate(int(limit), round(float(period) * 1000))]))
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(target=work, args=(url, token, float(period), limiter), daemon=True) for _ in range(PROCESSES)
    ]
    for child in children:
        child.start()
    sys.stdin.read()
    for child in children:
        child.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
