"""The command line, the same for ``manage.py sandbox`` and ``python -m integrations.sandbox``."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from . import faults
from .options import ALL_SCOPES, Options, Switches
from .server import Server

DESCRIPTION = "A stand-in Salesmsg server with its own state in memory, as unforgiving as the real one."


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
        raise argparse.ArgumentTypeError("wants an http:// or https:// address")
    return text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All options; usable on Django's parser as well."""
    place = parser.add_argument_group("where")
    place.add_argument("--host", default="127.0.0.1")
    place.add_argument("--port", type=_count, default=8900, help="0 picks a free one (default 8900)")
    place.add_argument(
        "--public-url", default="", type=_address, metavar="URL", help="how others reach it, for pictures"
    )
    place.add_argument("--log", action="store_true", help="print each call's method, path and status on stderr")

    data = parser.add_argument_group("data")
    data.add_argument("--contacts", type=_count, default=200, metavar="N", help="default 200")
    data.add_argument("--messages", type=_count, default=20, metavar="N", help="per conversation (default 20)")
    data.add_argument("--keep", type=Path, metavar="FILE", help="goes on from here after a restart")
    data.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other people (default 1)")

    limit = parser.add_argument_group("limit and credentials")
    limit.add_argument("--rate", type=_count, default=60, metavar="N", help="calls in any period (default 60)")
    limit.add_argument("--period", type=_positive, default=60, metavar="S", help="window and block (default 60)")
    limit.add_argument("--token-ttl", type=_positive, default=86340, metavar="S", help="life of an access token")
    limit.add_argument("--pat-ttl", type=_positive, default=3600, metavar="S", help="life of a personal access token")
    limit.add_argument("--client-id", default="1001", metavar="ID")
    limit.add_argument("--client-secret", default=Options().client_secret, metavar="SECRET")
    limit.add_argument("--scopes", default=ALL_SCOPES, metavar="WORDS", help="what the application is registered for")
    limit.add_argument("--redirect-uri", action="append", default=[], metavar="URL", help="besides any on loopback")
    limit.add_argument("--pat", action="append", default=[], metavar="TOKEN", help="a PAT that is valid from the start")

    life = parser.add_argument_group("what happens by itself")
    life.add_argument("--webhook", default="", type=_address, metavar="URL", help="where events go")
    life.add_argument("--webhook-repeat", type=_count, default=0, metavar="N", help="extra copies of every event")
    life.add_argument("--webhook-shuffle", action="store_true", help="events overtake each other")
    life.add_argument("--delivery-events", action="store_true", help="delivered and failed send events too")
    life.add_argument("--delivery-delay", type=float, default=1.0, metavar="X", help="pace of delivery; 0 is at once")
    life.add_argument("--no-failures", action="store_true", help="no text fails at the carrier")
    life.add_argument("--quiet", "--no-auto-replies", dest="no_auto_replies", action="store_true",
                      help="contacts never answer by themselves")  # fmt: skip

    ways = parser.add_argument_group("ways in which the vendor may differ (salesmsg-api.md, section 11)")
    ways.add_argument("--data-envelope", action="store_true", help="single objects in {data}")
    ways.add_argument("--mix-envelopes", action="store_true", help="list envelopes vary")
    ways.add_argument("--iso-times", action="store_true", help="times in ISO 8601 with Z")
    ways.add_argument("--short-pages", action="store_true", help="short pages in the middle of lists")
    ways.add_argument("--no-paginated", action="store_true", help="404 on /messages/{conversation}/paginated")
    ways.add_argument("--no-contact-v4", action="store_true", help="404 on PUT /api/v4/contacts/{contact}")
    ways.add_argument("--no-contact-pub", action="store_true", help="404 on PUT /pub/v2.x/contacts/{contact}")
    ways.add_argument("--ignore-sort", action="store_true", help="sortBy is ignored")
    ways.add_argument(
        "--no-refresh-rotation", action="store_true", help="a refresh answers without a new refresh token"
    )
    ways.add_argument("--revoke-on-refresh", action="store_true", help="a refresh kills the old access token at once")
    ways.add_argument("--fault", action="append", default=[], type=_fault, metavar="KIND[=SECONDS][:SHARE[:MATCH]]",
                      help=f"trouble: {', '.join(faults.KINDS)}; MATCH is part of 'METHOD path'")  # fmt: skip


def options_from(given: dict) -> Options:
    """Options from parsed arguments; keys that are not ours (Django's own) are left alone."""
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
    plain = ("host", "port", "public_url", "contacts", "messages", "seed", "rate", "period", "token_ttl", "pat_ttl",
             "client_id", "client_secret", "scopes", "log", "keep")  # fmt: skip
    return Options(
        **{name: given[name] for name in plain},
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
    print(f"  consent page                              {server.url}/auth/oauth")
    print(f"  OAuth application                         {options.client_id} / {options.client_secret}")
    print(
        f"  what it received, what it holds           {server.url}/sandbox/state  {server.url}/sandbox/data", flush=True
    )
    stop.wait()
    server.stop()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sandbox", description=DESCRIPTION)
    add_arguments(parser)
    return run(options_from(vars(parser.parse_args(arguments))))
