"""A message's file: bounded, without a token, and only from where it is safe to ask."""

import datetime
import ipaddress
import socket
import ssl
import threading

import pytest
import requests.adapters
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from integrations.salesmsg import media
from integrations.salesmsg.errors import (
    ConnectionBroken,
    NotFound,
    Refused,
    TimedOut,
    TooLarge,
    Unreachable,
    Unsafe,
    VendorTrouble,
)

PUBLIC = "93.184.215.14"


def fetch(vendor, path="/f/1.jpg", **how):
    return media.fetch(vendor.url + path, **{"largest": 1000, "timeout": (2, 2), "own": vendor.url} | how)


def test_the_bytes_come_without_a_token(vendor):
    vendor.will(body=b"\xff\xd8\xff picture", headers={"Content-Type": "image/jpeg"})
    assert fetch(vendor) == b"\xff\xd8\xff picture"
    assert "Authorization" not in vendor.last.headers
    assert "Cookie" not in vendor.last.headers


def test_a_netrc_and_a_proxy_are_no_way_around(vendor, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    vendor.will(body=b"picture")
    assert fetch(vendor) == b"picture"
    assert "Authorization" not in vendor.last.headers


def test_what_is_told_to_be_too_large_is_not_read(vendor):
    vendor.will(body=b"x", length=1001)
    with pytest.raises(TooLarge):
        fetch(vendor)


def test_what_proves_too_large_is_not_read_on(vendor):
    vendor.will(body=b"x" * 5000, chunked=True)
    with pytest.raises(TooLarge):
        fetch(vendor)
    vendor.will(body=b"x" * 1000)
    vendor.seen.clear()
    vendor._answers.pop(0)
    assert len(fetch(vendor)) == 1000


def test_packed_bytes_stay_packed(vendor):
    """Else a small answer could become a large one in memory."""
    vendor.will(body=b"\x1f\x8b packed", headers={"Content-Encoding": "gzip"})
    assert fetch(vendor) == b"\x1f\x8b packed"


def test_half_a_file_is_none(vendor):
    vendor.will(body=b"half", length=100)
    with pytest.raises((ConnectionBroken, TimedOut)):
        fetch(vendor)


def test_a_slow_drip_ends(raw_server):
    def drip(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            stop.wait(0.02)

    stop = threading.Event()
    url = f"http://127.0.0.1:{raw_server(drip)}"
    with pytest.raises(TimedOut):
        media.fetch(f"{url}/f", largest=1000, timeout=(2, 2), seconds=0.1, own=url)
    stop.set()


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFound), (410, NotFound), (403, Refused), (500, VendorTrouble), (429, VendorTrouble)]
)
def test_refusals(vendor, status, error):
    vendor.will(status, b"no")
    with pytest.raises(error) as told:
        fetch(vendor)
    assert told.value.status == status
    assert "/f/1" not in str(told.value)


def test_redirects_are_followed_a_few_times(vendor):
    vendor.will(302, b"", headers={"Location": "/elsewhere"}).will(body=b"picture")
    assert fetch(vendor) == b"picture"
    assert [seen.path for seen in vendor.seen] == ["/f/1.jpg", "/elsewhere"]


def test_slow_redirects_end(vendor):
    vendor.will(302, b"", headers={"Location": "/again"}, wait=0.05)
    with pytest.raises(TimedOut):
        fetch(vendor, seconds=0.01)
    assert len(vendor.seen) == 1


def test_redirects_without_end_are_not(vendor):
    vendor.will(302, b"", headers={"Location": "/again"})
    with pytest.raises(Refused):
        fetch(vendor)
    assert len(vendor.seen) == 4


def test_the_body_of_a_redirect_is_not_read(vendor, raw_server):
    def endless(connection):
        connection.recv(4096)
        head = f"HTTP/1.1 302 Found\r\nLocation: {vendor.url}/1.jpg\r\nContent-Length: 99999999\r\n\r\n"
        connection.sendall(head.encode())
        if connection.recv(4096) == b"":  # the other side hangs up, not we
            hung_up.set()

    hung_up = threading.Event()
    vendor.will(body=b"picture")
    base = f"http://127.0.0.1:{raw_server(endless)}"
    with pytest.raises(Unsafe):  # at once: it was looked at where it leads, and that is not the API
        media.fetch(f"{base}/f", largest=1000, timeout=(2, 30), own=base)
    assert vendor.seen == []
    assert hung_up.wait(10)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.7/router",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://2130706433/",
        "https://name:word@files.example.com/",
        "http://files.example.com/1.jpg",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https:///nowhere",
        "https://[broken/",
    ],
)
def test_no_redirect_leads_into_our_own_network(vendor, location):
    vendor.will(302, b"", headers={"Location": location})
    with pytest.raises(Unsafe):
        fetch(vendor)
    assert len(vendor.seen) == 1


def test_only_the_api_itself_may_be_near(vendor):
    """Another port of the same machine is another server."""
    vendor.will(body=b"picture")
    with pytest.raises(Unsafe):
        fetch(vendor, own="http://127.0.0.1:1")
    with pytest.raises(Unsafe):
        fetch(vendor, own="")
    assert vendor.seen == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC, True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert media.is_public(address) is public


# --- Names: DNS and the certificates of the world cannot be real here ------------------------------------------------


@pytest.fixture
def names(monkeypatch):
    """{name: what each lookup of it answers, the last one for ever}; `asked` counts."""
    real = socket.getaddrinfo
    told: dict[str, list[list[str]]] = {}
    asked: list[str] = []

    def lookup(host, port, *args, **more):
        if host not in told:
            return real(host, port, *args, **more)
        asked.append(host)
        answers = told[host].pop(0) if len(told[host]) > 1 else told[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers]

    monkeypatch.setattr(media.socket, "getaddrinfo", lookup)
    return told, asked


def test_a_name_of_our_own_network_is_not_asked(names):
    told, _ = names
    told["inside.example.com"] = [["10.0.0.7"]]
    told["both.example.com"] = [[PUBLIC, "192.168.0.1"]]
    for name in told:
        with pytest.raises(Unsafe):
            media.fetch(f"https://{name}/1.jpg", largest=1000)


def test_a_name_that_is_none(names):
    with pytest.raises(Unreachable):
        media.fetch("https://files.invalid/1.jpg", largest=1000, timeout=(2, 2))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for files.example.com, in one file, that only this test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "files.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("files.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(pem))
    return str(path)


@pytest.fixture
def world(raw_server, certificate, monkeypatch):
    """Every public address is one server here, with that certificate; the addresses connected to are recorded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    connected: list[str] = []

    def answer(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npicture")

    port = raw_server(answer)
    real = media.create_connection

    def connect(address, *args, **more):
        connected.append(address[0])
        assert ipaddress.ip_address(address[0]).is_global
        return real(("127.0.0.1", port), *args, **more)

    monkeypatch.setattr(media, "create_connection", connect)
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", certificate)
    return connected


def test_what_was_looked_at_is_what_is_connected_to(names, world):
    """A name that answers with a public address first and with a near one the next time."""
    told, asked = names
    told["files.example.com"] = [[PUBLIC], ["127.0.0.1"]]
    assert media.fetch("https://files.example.com/1.jpg", largest=1000, timeout=(2, 2)) == b"picture"
    assert (asked, world) == (["files.example.com"], [PUBLIC])
    with pytest.raises(Unsafe):
        media.fetch("https://files.example.com/1.jpg", largest=1000, timeout=(2, 2))
    assert world == [PUBLIC]


def test_the_certificate_is_asked_for_the_name(names, world):
    told, _ = names
    told["other.example.com"] = [[PUBLIC]]
    with pytest.raises(Unreachable):
        media.fetch("https://other.example.com/1.jpg", largest=1000, timeout=(2, 2))
    assert world == [PUBLIC]


def test_the_log_tells_no_address(vendor, caplog):
    caplog.set_level("DEBUG")
    vendor.will(body=b"picture")
    fetch(vendor, "/f/secret-name.jpg?signature=abc")
    assert "GET file 200 7 bytes" in caplog.text
    assert "secret" not in caplog.text
    assert "abc" not in caplog.text
