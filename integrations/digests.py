"""Digests that tell whether a browser still shows what a page would show now."""

import re
from hashlib import blake2s

# Differs between renderings of unchanged content: CSRF tokens, and clocks, which the browser advances.
_VOLATILE = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"|(?<= data-clock>)[^<]*')


def digest(content: str) -> str:
    return blake2s(content.encode(), digest_size=8).hexdigest()


def html_digest(html: str) -> str:
    """The digest of rendered HTML, without what differs between renderings of unchanged content."""
    return digest(_VOLATILE.sub("", html))
