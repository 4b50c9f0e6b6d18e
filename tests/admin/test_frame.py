"""The admin's frame: its header leads to every page of the portal, and an empty list says what comes next."""

import pytest

from integrations.models import Account
from tests import factories

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def desk(client):
    client.force_login(factories.person("boss", superuser=True))
    return client


def test_the_header_leads_to_every_page(desk):
    page = desk.get("/admin/").content.decode()
    for address in ("/inbox/", "/outbox/", "/sync/", "/accounts/"):
        assert f'<a href="{address}">' in page
    assert 'action="/admin/logout/"' in page


@pytest.mark.parametrize("model", ["contact", "conversation", "message", "webhookevent", "syncrun", "change"])
def test_an_empty_list_names_the_next_step(desk, model):
    page = desk.get(f"/admin/integrations/{model}/").content.decode()
    assert "Nothing here yet." in page
    assert 'href="/inbox/first-steps/"' in page


def test_a_search_without_hits_leads_back(desk):
    page = desk.get("/admin/integrations/contact/?q=nobody").content.decode()
    assert "No results match this search" in page
    assert "Nothing here yet." not in page


def test_a_filled_list_says_none_of_it(desk):
    Account.objects.create(label="Harbor Dental", webhook_secret="sealed", webhook_digest="x")
    assert "Nothing here yet." not in desk.get("/admin/integrations/account/").content.decode()
