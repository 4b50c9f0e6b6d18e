"""The portal's settings with the webhook's address as `inline_urls` has it; for bench_webhooks alone."""

from salesmsg_portal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.inline_urls"
