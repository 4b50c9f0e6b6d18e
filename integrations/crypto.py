"""Encryption of what must never lie in the database in clear: tokens and webhook secrets.

Fernet with the keys of FIELD_ENCRYPTION_KEYS: the first one encrypts, all of them decrypt. To rotate, put a new key
first and run `manage.py rotate_keys`; then the old one can go.
"""

import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unsealable(Exception):
    """What is stored was sealed with a key that FIELD_ENCRYPTION_KEYS no longer names, or no key is set: see `code`
    (words: `failures.Code`)."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def _fernet() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])
    except ValueError as error:
        raise Unsealable("no_encryption_key") from error


def seal(text: str) -> str:
    """Encrypts; the empty string stays empty."""
    return _fernet().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Decrypts. Raises Unsealable."""
    if not sealed:
        return ""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unsealable("undecryptable") from None


def reseal(sealed: str) -> str:
    """The same secret under the first key. Raises Unsealable."""
    return seal(unseal(sealed))


def digest(text: str) -> str:
    """A look-up key of a secret, 64 hexadecimal characters."""
    return hashlib.sha256(text.encode()).hexdigest()
