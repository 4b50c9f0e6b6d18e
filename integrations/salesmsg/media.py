"""Fetches one file of a message: without a token, up to a size limit, and only from safe addresses.

A stranger wrote the URL, so it could point to an internal network. Only https and public addresses are allowed. Names
are resolved and checked here, and the connection uses the checked address, so that the name cannot change in between.
Redirects are checked in the same way. Proxies from the environment are ignored, because the address behind a proxy
cannot be checked.
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
HOPS = 3  # maximum number of redirects
CHUNK = 64 * 1024
PORTS = {"https": 443, "http": 80}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 behind NAT64, in the last 32 bits

log = logging.getLogger(__name__)
silence_libraries()


def fetch(
    url: str, *, largest: int, timeout: tuple[float, float] = (5, 10), seconds: float = 30.0, own: str = ""
) -> bytes:
    """Return the bytes of the file. Logs no addresses.

    largest: bytes. timeout: seconds to connect, and for each read. seconds: limit for the whole fetch. own: the API's
    host root, which may use plain http and a private address because the portal calls it anyway (the sandbox). Raises
    Unsafe, TooLarge, NotFound, Refused, VendorTrouble, TimedOut, ConnectionBroken, Unreachable.
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
    """Make one request and return the bytes, the URL of a redirect, or the error as a value."""
    try:
        parts = urlsplit(url)
        is_own = bool(own) and _origin(parts) == _origin(urlsplit(own))
    except ValueError:
        return Unsafe(endpoint=ENDPOINT)
    if (parts.scheme != "https" and not is_own) or not parts.hostname or parts.username is not None:
        return Unsafe(endpoint=ENDPOINT)
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "salesmsg-portal"}
    try:
        prepared = requests.Request("GET", url, headers=headers).prepare()
        # No session: it would read a redirect's whole body, and use proxies and a ~/.netrc.
        with (
            contextlib.closing(HTTPAdapter() if is_own else _PublicOnly()) as adapter,
            adapter.send(prepared, stream=True, timeout=timeout) as response,
        ):
            if response.is_redirect:
                return _redirect_target(url, response.headers["Location"])
            return _refusal(response.status_code) or _body(response, largest, until)
    except SalesmsgError as unsafe:
        return unsafe
    except (OSError, ValueError) as failure:
        return error_from(failure, ENDPOINT)


def _redirect_target(url: str, location: str) -> str | SalesmsgError:
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
    announced = response.headers.get("Content-Length", "")
    length = int(announced) if announced.isascii() and announced.isdigit() else None
    if length is not None and length > largest:
        return TooLarge(status=200, endpoint=ENDPOINT)
    known: dict[str, Any] = {"status": 200, "endpoint": ENDPOINT}
    body = bytearray()
    # Read the raw data in small parts: a slow sender is noticed, and decompression cannot exceed the limit.
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
    """Return whether an IP address is public, including IPv4 addresses embedded in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _addresses(host: str, port: int) -> list[str]:
    """Resolve a host name. Raises Unsafe if any address is not public."""
    found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_public(str(address)) for address in found):
        raise Unsafe(endpoint=ENDPOINT)
    return [str(address) for address in found]


class _Connection(HTTPSConnection):
    """A connection to a checked address; the certificate is still verified for the name."""

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
