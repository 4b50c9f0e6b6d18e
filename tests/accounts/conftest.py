"""People with and without rights to one account, and a second account that is not theirs."""

import pytest
from django.test import Client

from integrations.models import Membership

from . import build


def signed_in(user) -> Client:
    """At the portal's own address, PORTAL_URL."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


@pytest.fixture
def account(db):
    return build.account()


@pytest.fixture
def other(db):
    return build.account("Northside Clinic")


@pytest.fixture
def agent(account):
    user = build.person("agent")
    build.member(user, account)
    return signed_in(user)


@pytest.fixture
def manager(account):
    user = build.person("manager")
    build.member(user, account, Membership.Role.MANAGER)
    return signed_in(user)


@pytest.fixture
def root(db):
    return signed_in(build.person("root", superuser=True))
