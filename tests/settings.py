"""The site's settings with test secrets; the database comes from DATABASE_URL or is SQLite."""

import os

os.environ.setdefault("SECRET_KEY", "test-secret-key-that-is-long-enough-for-every-check-0123456789")
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "u3Uc-qAi9iiCv3fkBfRUAKrM1gH8w51-nVU8M8A73Jg=")
os.environ.setdefault("ENV_FILE", "/nonexistent")
os.environ.setdefault("PORTAL_URL", "http://localhost:8000")
os.environ.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,testserver")
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("QUIET_HOURS", "")  # no test depends on the hour at which it runs

from salesmsg_portal.settings import *  # noqa: F403

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
