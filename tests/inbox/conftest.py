import pytest

from tests import factories


@pytest.fixture
def ada(db):
    """An agent."""
    return factories.person("ada", first_name="Ada", last_name="Marsh")


@pytest.fixture
def harbor(ada):
    """Her account."""
    return factories.account("Harbor Dental", ada)


@pytest.fixture
def browser(client, ada):
    """Ada's browser."""
    client.force_login(ada)
    return client


@pytest.fixture
def htmx(browser):
    """Ada's browser as htmx asks: ``htmx.get(address, target="pane")``."""

    class Htmx:
        @staticmethod
        def get(address, data=None, target=""):
            return browser.get(address, data or {}, headers={"HX-Request": "true", "HX-Target": target})

        @staticmethod
        def post(address, data=None):
            return browser.post(address, data or {}, headers={"HX-Request": "true"})

    return Htmx
