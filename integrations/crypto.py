"""Encryption of secrets in the database: tokens and webhook secrets.

Fernet with the keys of FIELD_ENCRYPTION_KEYS: the first key encrypts, all of them decrypt. To rotate, add a new key in
first place and run `manage.py rotate_keys`; the old key can then be removed.
"""

import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unsealable(Exception):
    """A stored secret cannot be decrypted with FIELD_ENCRYPTION_KEYS, or no key is set. `code` says which (messages:
    `failures.Code`).
    """

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def _fernet() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])
    except ValueError as error:
        raise Unsealable("no_encryption_key") from error


def seal(text: str) -> str:
    """Encrypt a text; the empty string stays empty."""
    return _fernet().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Decrypt a text. Raises Unsealable."""
    if not sealed:
        return ""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unsealable("undecryptable") from None


def reseal(sealed: str) -> str:
    """Encrypt a secret again with the first key. Raises Unsealable."""
    return seal(unseal(sealed))


def digest(text: str) -> str:
    """Return a lookup key for a secret, 64 hexadecimal characters."""
    return hashlib.sha256(text.encode()).hexdigest()
