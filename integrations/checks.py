"""System checks: settings with which the portal would lose secrets, texts or its place under the rate limit."""

from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import Error, Tags, Warning, register

from .outbox import quiet_hours as outbox_quiet_hours

E4 = "salesmsg.E004"


@register(Tags.security)
def encryption_keys(app_configs, **kwargs) -> list:
    """E001: no Fernet key, or one that is none."""
    hint = "Make one with `manage.py generate_key` and put it into FIELD_ENCRYPTION_KEYS."
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [Error("FIELD_ENCRYPTION_KEYS is empty: tokens could not be stored.", hint=hint, id="salesmsg.E001")]
    for place, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, 1):
        try:
            Fernet(key)
        except ValueError:
            return [Error(f"Key {place} of FIELD_ENCRYPTION_KEYS is no Fernet key.", hint=hint, id="salesmsg.E001")]
    return []


@register()
def rate(app_configs, **kwargs) -> list:
    """E002: a budget that allows nothing."""
    if settings.SALESMSG_RATE_LIMIT < 1 or settings.SALESMSG_RATE_PERIOD <= 0:
        return [Error("SALESMSG_RATE_LIMIT must be 1 or more and SALESMSG_RATE_PERIOD above 0.", id="salesmsg.E002")]
    return []


@register()
def addresses(app_configs, **kwargs) -> list:
    """E003: tokens over plain http to another machine."""
    found = []
    for name in ("SALESMSG_BASE_URL", "SALESMSG_TOKEN_URL", "SALESMSG_REFRESH_URL"):
        parts = urlsplit(getattr(settings, name))
        here = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme != "https" and not here:
            found.append(Error(f"{name} must be https: tokens travel there.", id="salesmsg.E003"))
    return found


@register()
def quiet_hours(app_configs, **kwargs) -> list:
    """E006: hours that are none."""
    try:
        outbox_quiet_hours.parse_window(settings.QUIET_HOURS)
    except ValueError as error:
        return [Error(f"QUIET_HOURS: {error}", hint='Such as "21-8", or empty.', id="salesmsg.E006")]
    return []


@register()
def time_outs(app_configs, **kwargs) -> list:
    """E005: what is said of a text before its call can be over."""
    times = settings.SALESMSG_TIMEOUT
    if len(times) != 2 or min(times) <= 0:
        return [Error("SALESMSG_TIMEOUT must be two numbers of seconds above 0: connect, answer.", id="salesmsg.E005")]
    if 2 * sum(times) > settings.SALESMSG_ACCEPTS_FOR:
        return [
            Error("SALESMSG_ACCEPTS_FOR must be twice the longest call (SALESMSG_TIMEOUT) or more.", id="salesmsg.E005")
        ]
    return []


@register()
def queue(app_configs, **kwargs) -> list:
    """E004: queue settings with which a task runs twice while it still runs, or for ever."""
    conf, found = settings.Q_CLUSTER, []
    timeout = conf.get("timeout") or 0
    if not timeout or conf.get("retry", 60) <= timeout:
        found.append(Error("Q_CLUSTER: `retry` must be longer than `timeout`.", id=E4))
    if timeout <= sum(settings.SALESMSG_TIMEOUT):
        found.append(Error("Q_CLUSTER: `timeout` must outlast one call (SALESMSG_TIMEOUT).", id=E4))
    if conf.get("catch_up", True):
        found.append(Error("Q_CLUSTER: `catch_up` must be False, or an outage ends in a burst.", id=E4))
    if not conf.get("max_attempts"):
        found.append(Error("Q_CLUSTER: `max_attempts` must be set.", id=E4))
    if not conf.get("redis") and conf.get("broker_class") != "integrations.jobs.Queue":
        found.append(
            Error("Q_CLUSTER: `broker_class` must be integrations.jobs.Queue: no other sees what goes first.", id=E4)
        )
    if conf.get("queue_limit") != 1 or conf.get("bulk", 1) != 1:
        found.append(
            Error("Q_CLUSTER: `queue_limit` and `bulk` must be 1: nothing passes what waits in memory.", id=E4)
        )
    if conf.get("redis"):
        found.append(
            Warning(
                "With REDIS_URL a killed worker loses its task; the sweeps repeat it only after some seconds.",
                hint="Leave REDIS_URL empty unless the database broker is too slow for you.",
                id="salesmsg.W002",
            )
        )
    return found
