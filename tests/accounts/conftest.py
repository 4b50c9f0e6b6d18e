"""People with and without rights to one account, and a second account that is not theirs."""

import pytest
from django.test import Client

from integrations.models import Membership
from tests import factories


def signed_in(user) -> Client:
    """At the portal's own address, PORTAL_URL."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


@pytest.fixture
def account(db):
    return factories.connected_account()


@pytest.fixture
def other(db):
    return factories.connected_account("Northside Clinic")


@pytest.fixture
def agent(account):
    user = factories.person("agent")
    factories.membership(user, account)
    return signed_in(user)


@pytest.fixture
def manager(account):
    user = factories.person("manager")
    factories.membership(user, account, Membership.Role.MANAGER)
    return signed_in(user)


@pytest.fixture
def root(db):
    return signed_in(factories.person("root", superuser=True))
