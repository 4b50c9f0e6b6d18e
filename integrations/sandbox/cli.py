"""Command line of ``manage.py sandbox`` and ``python -m integrations.sandbox``."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from . import faults
from .options import ALL_SCOPES, Options, Switches
from .server import Server

DESCRIPTION = "Run a local server that behaves like the Salesmsg API, with its own state in memory."


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _positive(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise ValueError(text)
    return number


def _fault(text: str) -> str:
    try:
        faults.parse(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return text


def _address(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("must be an http:// or https:// address")
    return text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all options to a parser, which may be Django's."""
    network = parser.add_argument_group("server")
    network.add_argument("--host", default="127.0.0.1")
    network.add_argument(
        "--port", type=_count, default=8900, help="port to listen on; 0 picks a free one (default: 8900)"
    )
    network.add_argument(
        "--public-url", default="", type=_address, metavar="URL", help="public address, used in picture URLs"
    )
    network.add_argument("--log", action="store_true", help="print the method, path and status of each call to stderr")

    data = parser.add_argument_group("data")
    data.add_argument("--contacts", type=_count, default=200, metavar="N", help="number of contacts (default: 200)")
    data.add_argument(
        "--messages", type=_count, default=20, metavar="N", help="messages per conversation (default: 20)"
    )
    data.add_argument("--keep", type=Path, metavar="FILE", help="save the state to this file and load it on start")
    data.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the generated data (default: 1)")

    limit = parser.add_argument_group("limit and credentials")
    limit.add_argument("--rate", type=_count, default=60, metavar="N", help="calls per period (default: 60)")
    limit.add_argument(
        "--period",
        type=_positive,
        default=60,
        metavar="S",
        help="length of the window and of a block in seconds (default: 60)",
    )
    limit.add_argument(
        "--token-ttl", type=_positive, default=86340, metavar="S", help="lifetime of an access token in seconds"
    )
    limit.add_argument(
        "--pat-ttl", type=_positive, default=3600, metavar="S", help="lifetime of a personal access token in seconds"
    )
    limit.add_argument("--client-id", default="1001", metavar="ID")
    limit.add_argument("--client-secret", default=Options().client_secret, metavar="SECRET")
    limit.add_argument("--scopes", default=ALL_SCOPES, metavar="WORDS", help="scopes of the registered app")
    limit.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URL",
        help="allowed redirect URI, in addition to loopback addresses",
    )
    limit.add_argument("--pat", action="append", default=[], metavar="TOKEN", help="a personal access token to accept")

    life = parser.add_argument_group("automatic behavior")
    life.add_argument("--webhook", default="", type=_address, metavar="URL", help="address to send events to")
    life.add_argument(
        "--webhook-repeat", type=_count, default=0, metavar="N", help="send this many extra copies of each event"
    )
    life.add_argument("--webhook-shuffle", action="store_true", help="deliver events out of order")
    life.add_argument("--delivery-events", action="store_true", help="also send events for delivered and failed texts")
    life.add_argument(
        "--delivery-delay",
        type=float,
        default=1.0,
        metavar="X",
        help="delay factor of delivery; 0 delivers immediately",
    )
    life.add_argument("--no-failures", action="store_true", help="never fail texts at the carrier")
    life.add_argument("--quiet", "--no-auto-replies", dest="no_auto_replies", action="store_true",
                      help="contacts never reply automatically")  # fmt: skip

    behavior = parser.add_argument_group("undocumented vendor behavior (salesmsg-api.md, section 11)")
    behavior.add_argument("--data-envelope", action="store_true", help="wrap single objects in {data}")
    behavior.add_argument("--mix-envelopes", action="store_true", help="vary the envelopes of lists")
    behavior.add_argument("--iso-times", action="store_true", help="format times as ISO 8601 with Z")
    behavior.add_argument("--short-pages", action="store_true", help="return short pages in the middle of lists")
    behavior.add_argument(
        "--no-paginated", action="store_true", help="return 404 for /messages/{conversation}/paginated"
    )
    behavior.add_argument("--no-contact-v4", action="store_true", help="return 404 for PUT /api/v4/contacts/{contact}")
    behavior.add_argument(
        "--no-contact-pub", action="store_true", help="return 404 for PUT /pub/v2.x/contacts/{contact}"
    )
    behavior.add_argument("--ignore-sort", action="store_true", help="ignore sortBy")
    behavior.add_argument(
        "--no-refresh-rotation", action="store_true", help="do not return a new refresh token on refresh"
    )
    behavior.add_argument("--revoke-on-refresh", action="store_true", help="revoke the old access token on refresh")
    behavior.add_argument("--fault", action="append", default=[], type=_fault, metavar="KIND[=SECONDS][:SHARE[:MATCH]]",
                      help=f"inject faults: {', '.join(faults.KINDS)}; MATCH is part of 'METHOD path'")  # fmt: skip


def options_from(given: dict) -> Options:
    """Create options from parsed arguments. Ignores other keys, such as Django's own options."""
    switches = Switches(
        webhook=given["webhook"],
        auto_replies=not given["no_auto_replies"],
        webhook_repeat=given["webhook_repeat"],
        webhook_shuffle=given["webhook_shuffle"],
        delivery_events=given["delivery_events"],
        delivery_delay=max(0.0, given["delivery_delay"]),
        failures=not given["no_failures"],
        data_envelope=given["data_envelope"],
        mix_envelopes=given["mix_envelopes"],
        iso_times=given["iso_times"],
        short_pages=given["short_pages"],
        paginated=not given["no_paginated"],
        contact_v4=not given["no_contact_v4"],
        contact_pub=not given["no_contact_pub"],
        honour_sort=not given["ignore_sort"],
        rotate_refresh=not given["no_refresh_rotation"],
        revoke_on_refresh=given["revoke_on_refresh"],
    )
    names = ("host", "port", "public_url", "contacts", "messages", "seed", "rate", "period", "token_ttl", "pat_ttl",
             "client_id", "client_secret", "scopes", "log", "keep")  # fmt: skip
    return Options(
        **{name: given[name] for name in names},
        redirect_uris=tuple(given["redirect_uri"]),
        pats=tuple(given["pat"]),
        faults=tuple(given["fault"]),
        switches=switches,
    )


def run(options: Options) -> int:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = Server(options)
    except OSError as problem:
        print(f"sandbox: cannot listen on {options.host}:{options.port}: {problem.strerror}", file=sys.stderr)
        return 1
    except ValueError as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1
    server.start()
    world = server.sandbox.store.world
    print(f"Sandbox listening on {server.url}", flush=True)
    print(f"  {len(world.contacts)} contacts, {len(world.conversations)} conversations, seed {options.seed}; "
          f"{options.rate} calls in {options.period:g} s")  # fmt: skip
    print(f"  settings, webhook address, access tokens  {server.url}/sandbox/")
    print(f"  phone simulator                           {server.url}/sandbox/phone/")
    print(f"  authorization page                        {server.url}/auth/oauth")
    print(f"  OAuth app                                 {options.client_id} / {options.client_secret}")
    print(
        f"  received calls, stored data               {server.url}/sandbox/state  {server.url}/sandbox/data", flush=True
    )
    stop.wait()
    server.stop()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sandbox", description=DESCRIPTION)
    add_arguments(parser)
    return run(options_from(vars(parser.parse_args(arguments))))
