"""Fetches one file of a message: without a token, to a bound, and only from where it is safe to ask.

Its address was written by a stranger, so it could point at our own network. Only https is asked, and only addresses
of the public internet: names are resolved here, looked at, and what was looked at is what is connected to, so that a
name cannot answer differently in between. Redirects are looked at in the same way. Proxies of the environment are not
used: behind one, nobody here would see where it connects to.
"""

import contextlib
import ipaddress
import logging
import socket
import time
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.connection import create_connection

from .error_mapping import error_from
from .errors import ConnectionBroken, NotFound, Refused, SalesmsgError, TimedOut, TooLarge, Unsafe, VendorTrouble
from .redact import silence_libraries

ENDPOINT = "GET file"
HOPS = 3  # redirects that are followed
CHUNK = 64 * 1024
PORTS = {"https": 443, "http": 80}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 behind NAT64, in the last 32 bits

log = logging.getLogger(__name__)
silence_libraries()


def fetch(
    url: str, *, largest: int, timeout: tuple[float, float] = (5, 10), seconds: float = 30.0, own: str = ""
) -> bytes:
    """The bytes of the file.

    largest: bytes. timeout: seconds to connect, and for each read; seconds: for all of it. own: the API's host root,
    which may be plain http and near, since we talk to it anyway (the sandbox). Raises Unsafe, TooLarge, NotFound,
    Refused, VendorTrouble, TimedOut, ConnectionBroken, Unreachable. The log tells no address.
    """
    started = time.monotonic()
    address = url
    for _ in range(HOPS + 1):
        outcome = _hop(address, largest, timeout, started + seconds, own)
        if isinstance(outcome, str) and time.monotonic() > started + seconds:
            outcome = TimedOut(endpoint=ENDPOINT)
        if not isinstance(outcome, str):
            break
        address = outcome
    else:
        outcome = Refused("redirected", endpoint=ENDPOINT)
    spent = (time.monotonic() - started) * 1000
    if isinstance(outcome, SalesmsgError):
        log.info("%s %s %s %d ms", ENDPOINT, outcome.status or "-", type(outcome).__name__, spent)
        raise outcome from None
    log.info("%s 200 %d bytes %d ms", ENDPOINT, len(outcome), spent)
    return outcome


def _hop(url: str, largest: int, timeout: tuple[float, float], until: float, own: str) -> bytes | str | SalesmsgError:
    """One request: the bytes, the address that it leads on to, or the error as a value."""
    try:
        parts = urlsplit(url)
        near = bool(own) and _origin(parts) == _origin(urlsplit(own))
    except ValueError:
        return Unsafe(endpoint=ENDPOINT)
    if (parts.scheme != "https" and not near) or not parts.hostname or parts.username is not None:
        return Unsafe(endpoint=ENDPOINT)
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "salesmsg-portal"}
    try:
        asked = requests.Request("GET", url, headers=headers).prepare()
        # No session: it would read the body of a redirect to its end, however long, and know proxies and a ~/.netrc.
        with (
            contextlib.closing(HTTPAdapter() if near else _PublicOnly()) as adapter,
            adapter.send(asked, stream=True, timeout=timeout) as response,
        ):
            if response.is_redirect:
                return _onward(url, response.headers["Location"])
            return _refusal(response.status_code) or _body(response, largest, until)
    except SalesmsgError as unsafe:
        return unsafe
    except (OSError, ValueError) as failure:
        return error_from(failure, ENDPOINT)


def _onward(url: str, location: str) -> str | SalesmsgError:
    try:
        return urljoin(url, location)
    except ValueError:
        return Unsafe(endpoint=ENDPOINT)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def _refusal(status: int) -> SalesmsgError | None:
    known: dict[str, Any] = {"status": status, "endpoint": ENDPOINT}
    if status == 200:
        return None
    if status in (404, 410):
        return NotFound(**known)
    if status in (408, 429) or status >= 500:
        return VendorTrouble(**known)
    return Refused(**known)


def _body(response: requests.Response, largest: int, until: float) -> bytes | SalesmsgError:
    told = response.headers.get("Content-Length", "")
    length = int(told) if told.isascii() and told.isdigit() else None
    if length is not None and length > largest:
        return TooLarge(status=200, endpoint=ENDPOINT)
    known: dict[str, Any] = {"status": 200, "endpoint": ENDPOINT}
    body = bytearray()
    # One read at a time, as it was sent: a slow drip is noticed, and nothing is unpacked into more than was bounded.
    try:
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            body += chunk
            if len(body) > largest:
                return TooLarge(**known)
            if time.monotonic() > until:
                return TimedOut(**known)
    except ReadTimeoutError:
        return TimedOut(**known)
    except HTTPError:
        return ConnectionBroken(**known)
    if length is not None and len(body) < length:
        return ConnectionBroken(**known)
    return bytes(body)


# --- Only the public internet ----------------------------------------------------------------------------------------


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when it is an IPv4 one in IPv6's clothes."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _addresses(host: str, port: int) -> list[str]:
    """What the name stands for; Unsafe when any of it is not public."""
    found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_public(str(address)) for address in found):
        raise Unsafe(endpoint=ENDPOINT)
    return [str(address) for address in found]


class _Connection(HTTPSConnection):
    """Connects to an address that was looked at; the certificate is still asked for the name."""

    def _new_conn(self) -> socket.socket:
        failure = OSError("no address")
        for address in _addresses(self.host, self.port):
            try:
                return create_connection(
                    (address, self.port), self.timeout, self.source_address, socket_options=self.socket_options
                )
            except OSError as refused:
                failure = refused
        raise failure


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _PublicOnly(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"https": _Pool}
