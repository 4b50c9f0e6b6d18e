"""A vendor that posts events on schedule, whether the receiver keeps up or not.

`python -m tests.bench.events ADDRESS RATE SECONDS START TURN OF` posts every OF-th line of its input, from TURN on:
line n at START + n / RATE, on a connection of its own. Prints JSON: for each event the seconds from its scheduled
moment to the end of its answer and the answer's status (0: none).
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

PATIENCE = 60  # seconds


async def post(host: str, port: int, path: str, body: bytes, at: float) -> tuple[float, int]:
    await asyncio.sleep(max(0.0, at - time.time()))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "User-Agent: Salesmessage-Webhook\r\nConnection: close\r\n\r\n"
    )
    status = 0
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(head.encode() + body)
            answer = await reader.read()
            status = int(answer.split(None, 2)[1])
            writer.close()
    except (OSError, TimeoutError, ValueError, IndexError):
        pass
    return time.time() - at, status


async def main(address: str, rate: float, seconds: float, start: float, turn: int, of: int) -> None:
    """The program."""
    parts = urlsplit(address)
    bodies = [json.loads(line) for line in sys.stdin]
    wanted = range(turn, min(len(bodies), round(rate * seconds)), of)
    posts = [
        post(parts.hostname, parts.port, parts.path, bodies[number].encode(), start + number / rate)
        for number in wanted
    ]
    print(json.dumps(await asyncio.gather(*posts)))


if __name__ == "__main__":
    address, rate, seconds, start, turn, of = sys.argv[1:]
    asyncio.run(main(address, float(rate), float(seconds), float(start), int(turn), int(of)))
