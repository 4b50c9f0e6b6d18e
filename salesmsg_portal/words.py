"""Translations for scripts in one language, at a URL that changes with their content so that browsers can cache it."""

from functools import cache
from hashlib import blake2s
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.i18n import JavaScriptCatalog

_catalog = JavaScriptCatalog.as_view(packages=["integrations"])


def words(request: HttpRequest, language: str, version: str) -> HttpResponse:
    """Return gettext, ngettext and interpolate for scripts. The same for all users, so it is cached for a year."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        response = _catalog(request)
    if version == version_of(language):
        patch_cache_control(response, public=True, immutable=True, max_age=31_536_000)
    return response


def address(language: str) -> str:
    """Return the URL of the translations for a language."""
    language = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    return reverse("words", args=[language, version_of(language)])


@cache
def version_of(language: str) -> str:
    """Return a version that changes with the translations."""
    known = blake2s(digest_size=6)
    for folder in settings.LOCALE_PATHS:
        path = Path(folder) / translation.to_locale(language) / "LC_MESSAGES" / "djangojs.mo"
        known.update(path.read_bytes() if path.is_file() else b"")
    return known.hexdigest()
