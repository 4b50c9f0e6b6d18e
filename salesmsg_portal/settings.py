"""All settings, read from the environment with django-environ; .env.example explains each one."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env_file = Path(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
if env_file.is_file():
    env.read_env(str(env_file))

# --- Site ------------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is empty")
PORTAL_URL = env.str("PORTAL_URL", default="http://localhost:8000").rstrip("/")
_portal = urlsplit(PORTAL_URL)
if _portal.scheme not in {"http", "https"} or not _portal.hostname:
    raise ImproperlyConfigured("PORTAL_URL must be the portal's public address, such as https://texts.example.com")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_portal.hostname])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[f"{_portal.scheme}://{_portal.netloc}"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "integrations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "integrations.middleware.content_security_policy",
    "integrations.middleware.viewer_time_zone",
    "integrations.middleware.method_not_allowed_page",
]

ROOT_URLCONF = "salesmsg_portal.urls"
WSGI_APPLICATION = "salesmsg_portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
# Completely translated languages, in their own names. The browser's preference applies until the user chooses.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_AGE = 31_536_000  # a year
LOCALE_PATHS = [BASE_DIR / "salesmsg_portal" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = ["salesmsg_portal.formats"]

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Files of messages. They have no public URL: the portal serves each one to users who may see its message.
MEDIA_ROOT = env.path("PICTURES_ROOT", default=str(BASE_DIR / "media"))
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"file_permissions_mode": 0o640, "directory_permissions_mode": 0o750},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- Database --------------------------------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at the start, so that read-then-write transactions wait instead of failing.
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE",
        timeout=20,
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    )
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["CONN_MAX_AGE"] = 60  # opening a connection costs more than most requests, on SQLite too
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Security: derived from the public address ------------------------------------------------------------------------

_https = _portal.scheme == "https"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
# Lax, so that the session cookie is sent when the browser returns from the authorization page.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
FILE_UPLOAD_HANDLERS = [
    "integrations.attachments.upload.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[])

# --- Salesmsg --------------------------------------------------------------------------------------------------------

SALESMSG_BASE_URL = env.str("SALESMSG_BASE_URL", default="https://api.salesmessage.com").rstrip("/")
SALESMSG_API_VERSION = env.str("SALESMSG_API_VERSION", default="v2.2")
SALESMSG_AUTHORIZE_URL = env.str("SALESMSG_AUTHORIZE_URL", default="https://app.salesmessage.com/auth/oauth")
SALESMSG_TOKEN_URL = env.str(
    "SALESMSG_TOKEN_URL", default=f"{SALESMSG_BASE_URL}/pub/{SALESMSG_API_VERSION}/oauth/token"
)
SALESMSG_REFRESH_URL = env.str("SALESMSG_REFRESH_URL", default=SALESMSG_TOKEN_URL)
SALESMSG_CLIENT_ID = env.str("SALESMSG_CLIENT_ID", default="")
SALESMSG_CLIENT_SECRET = env.str("SALESMSG_CLIENT_SECRET", default="")
SALESMSG_SCOPES = env.str(
    "SALESMSG_SCOPES",
    default="contacts:read contacts:write conversations:read conversations:write messages:read messages:write "
    "tags:read tags:write teams:read numbers:read users:read organizations:read attachments:read",
).split()
SALESMSG_RATE_LIMIT = env.int("SALESMSG_RATE_LIMIT", default=60)
SALESMSG_RATE_PERIOD = env.float("SALESMSG_RATE_PERIOD", default=60.0)
# Maximum bytes of a message's file that is fetched and stored.
SALESMSG_PICTURE_LARGEST = env.int("SALESMSG_PICTURE_LARGEST", default=10 * 1024 * 1024)
# Maximum number of pictures in one outbound text, and their total bytes: carriers refuse more.
SALESMSG_SEND_PICTURES = env.int("SALESMSG_SEND_PICTURES", default=3)
SALESMSG_SEND_BYTES = env.int("SALESMSG_SEND_BYTES", default=5 * 1024 * 1024)
# The API document edits contacts outside the public prefix; change this if the vendor changes it.
SALESMSG_CONTACT_EDIT_PATH = "/api/v4/contacts/{contact}"
# Seconds to connect, and to wait for an answer; the vendor's gateway times out after about 29.
SALESMSG_TIMEOUT = tuple(env.list("SALESMSG_TIMEOUT", cast=float, default=[5.0, 35.0]))
# Seconds after the start of a call in which Salesmsg may still act on it. If the thread does not show the text by then,
# it was not sent.
SALESMSG_ACCEPTS_FOR = 3 * sum(SALESMSG_TIMEOUT)

# Words besides the built-in ones that opt a contact out or in when a text consists of nothing else.
OPT_OUT_WORDS = env.list("OPT_OUT_WORDS", default=[])
OPT_IN_WORDS = env.list("OPT_IN_WORDS", default=[])

DEFAULT_COUNTRY = env.str("DEFAULT_COUNTRY", default="").upper()  # of numbers without a country code
# Hours in the contact's time zone in which bulk texts wait and staff are warned, such as "21-8". Empty: none.
QUIET_HOURS = env.str("QUIET_HOURS", default="21-8")

# --- Background work -------------------------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
QUEUE_WORKERS = env.int("QUEUE_WORKERS", default=3)
Q_CLUSTER = {
    "name": "salesmsg_portal",
    "label": gettext_lazy("Background tasks"),
    "workers": QUEUE_WORKERS,
    "queue_limit": 1,  # rows in memory are locked, so no urgent task can overtake them
    "timeout": 60,
    "retry": 90,
    "poll": 0.1,
    "ack_failures": True,  # the queue does not retry failed tasks: the sweeps find what is still due
    "max_attempts": 3,
    "catch_up": False,
    "save_limit": 250,
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default", "broker_class": "integrations.jobs.Queue"}),
}

# --- Logging: one line per event, no personal data -------------------------------------------------------------------

# Commands print their own output, so they only log warnings; the servers and the worker log their work.
_command = sys.argv[1] if Path(sys.argv[0]).name == "manage.py" and len(sys.argv) > 1 else ""
_quiet = _command not in {"", "qcluster", "runserver", "sandbox"}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING" if _quiet else "INFO")},
    "loggers": {
        "django-q": {"level": "WARNING"},
        # Their debug logs contain URLs, and these contain texts and phone numbers.
        "urllib3": {"level": "WARNING"},
        "requests_oauthlib": {"level": "WARNING"},
        "oauthlib": {"level": "WARNING"},
    },
}
