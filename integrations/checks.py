"""System checks for settings that would lose secrets or texts, or break the rate limit."""

from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import Error, Tags, Warning, register

from .outbox import quiet_hours as outbox_quiet_hours
from .salesmsg.phones import is_region

E4 = "salesmsg.E004"


@register(Tags.security)
def encryption_keys(app_configs, **kwargs) -> list:
    """E001: FIELD_ENCRYPTION_KEYS is empty or holds an invalid Fernet key."""
    hint = "Run `manage.py generate_key` and add the key to FIELD_ENCRYPTION_KEYS."
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [Error("FIELD_ENCRYPTION_KEYS is empty: tokens cannot be stored.", hint=hint, id="salesmsg.E001")]
    for place, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, 1):
        try:
            Fernet(key)
        except ValueError:
            return [Error(f"Key {place} of FIELD_ENCRYPTION_KEYS is not a Fernet key.", hint=hint, id="salesmsg.E001")]
    return []


@register()
def rate(app_configs, **kwargs) -> list:
    """E002: the rate limit allows no calls."""
    if settings.SALESMSG_RATE_LIMIT < 1 or settings.SALESMSG_RATE_PERIOD <= 0:
        return [
            Error("SALESMSG_RATE_LIMIT must be at least 1 and SALESMSG_RATE_PERIOD greater than 0.", id="salesmsg.E002")
        ]
    return []


@register()
def addresses(app_configs, **kwargs) -> list:
    """E003: tokens would travel over plain http to another host."""
    errors = []
    for name in ("SALESMSG_BASE_URL", "SALESMSG_TOKEN_URL", "SALESMSG_REFRESH_URL"):
        parts = urlsplit(getattr(settings, name))
        is_loopback = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme != "https" and not is_loopback:
            errors.append(Error(f"{name} must use https: tokens are sent to it.", id="salesmsg.E003"))
    return errors


@register()
def default_country(app_configs, **kwargs) -> list:
    """E007: DEFAULT_COUNTRY is not a country code."""
    if settings.DEFAULT_COUNTRY and not is_region(settings.DEFAULT_COUNTRY):
        return [Error('DEFAULT_COUNTRY must be a two-letter country code, such as "US".', id="salesmsg.E007")]
    return []


@register()
def quiet_hours(app_configs, **kwargs) -> list:
    """E006: QUIET_HOURS cannot be parsed."""
    try:
        outbox_quiet_hours.parse_window(settings.QUIET_HOURS)
    except ValueError as error:
        return [
            Error(f"QUIET_HOURS: {error}", hint='Use a value such as "21-8", or leave it empty.', id="salesmsg.E006")
        ]
    return []


@register()
def time_outs(app_configs, **kwargs) -> list:
    """E005: SALESMSG_TIMEOUT is invalid, or SALESMSG_ACCEPTS_FOR is too short for a call to end."""
    times = settings.SALESMSG_TIMEOUT
    if len(times) != 2 or min(times) <= 0:
        return [Error("SALESMSG_TIMEOUT must be two positive numbers of seconds: connect, answer.", id="salesmsg.E005")]
    if 2 * sum(times) > settings.SALESMSG_ACCEPTS_FOR:
        return [
            Error(
                "SALESMSG_ACCEPTS_FOR must be at least twice the longest call (SALESMSG_TIMEOUT).", id="salesmsg.E005"
            )
        ]
    return []


@register()
def queue(app_configs, **kwargs) -> list:
    """E004: queue settings that would run a task twice at the same time, or retry it forever."""
    conf, errors = settings.Q_CLUSTER, []
    timeout = conf.get("timeout") or 0
    if not timeout or conf.get("retry", 60) <= timeout:
        errors.append(Error("Q_CLUSTER: `retry` must be longer than `timeout`.", id=E4))
    if timeout <= sum(settings.SALESMSG_TIMEOUT):
        errors.append(Error("Q_CLUSTER: `timeout` must be longer than one call (SALESMSG_TIMEOUT).", id=E4))
    if conf.get("catch_up", True):
        errors.append(Error("Q_CLUSTER: `catch_up` must be False, or missed schedules run in a burst.", id=E4))
    if not conf.get("max_attempts"):
        errors.append(Error("Q_CLUSTER: `max_attempts` must be set.", id=E4))
    if not conf.get("redis") and conf.get("broker_class") != "integrations.jobs.Queue":
        errors.append(
            Error("Q_CLUSTER: `broker_class` must be integrations.jobs.Queue, which orders urgent tasks first.", id=E4)
        )
    if conf.get("queue_limit") != 1 or conf.get("bulk", 1) != 1:
        errors.append(
            Error("Q_CLUSTER: `queue_limit` and `bulk` must be 1: tasks in memory cannot be overtaken.", id=E4)
        )
    if conf.get("redis"):
        errors.append(
            Warning(
                "With REDIS_URL, a killed worker loses its task until a sweep finds it some seconds later.",
                hint="Leave REDIS_URL empty unless the database broker is too slow.",
                id="salesmsg.W002",
            )
        )
    return errors
