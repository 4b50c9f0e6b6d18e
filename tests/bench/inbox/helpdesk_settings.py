"""django-helpdesk in a project of its own, for the comparison of lists; DATABASE_URL names the database."""

import os
from pathlib import Path

import environ

SECRET_KEY = "bench"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
SITE_ID = 1
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.bench.inbox.helpdesk_urls"
DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"])}
MEDIA_ROOT = str(Path(os.environ.get("TMPDIR", "/tmp")) / "helpdesk-media")  # noqa: S108 - nothing is put there
LOGIN_URL = "/admin/login/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "helpdesk",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
HELPDESK_TEAMS_MODE_ENABLED = False
