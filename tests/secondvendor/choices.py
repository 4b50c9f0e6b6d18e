"""Everything that salesmsg-api.md leaves open, decided by a seed. Written from that document alone."""

import random
from types import SimpleNamespace

# The common behaviour comes first and weighs more; each row names the section that allows it.
TABLE: dict[str, tuple] = {
    # 4: envelopes, per endpoint
    "teams": ("bare", "bare", "data", "meta"),
    "members": ("bare", "bare", "data", "403"),
    "conversations": ("bare", "bare", "data", "meta"),
    "contacts": ("meta", "meta", "data"),
    "contacts_list": ("meta", "meta", "data", "403"),
    "search": ("results", "results", "data"),
    "thread": ("bare", "bare", "data"),
    "paginated": ("meta", "meta", "meta", "data", "404"),
    "numbers": ("data", "bare", "meta", "403"),
    "tags": ("meta", "data"),
    "contact_conversations": ("bare", "data", "one", "204"),
    "single": ("bare", "bare", "data"),
    "organization": ("given", "given", "403"),
    "meta": ("plain", "from_to", "links"),
    # 4: page sizes and order
    "conversations_cap": (100, 50, 25),
    "thread_cap": (100, 50, 20),
    "list_cap": (100, 50, 25),
    "short_pages": (False, True),
    "contacts_length": (False, True),
    "contacts_order": ("asc", "desc"),
    "list_sorted": (True, True, False),
    "conversations_order": ("newest", "newest", "newest", "newest", "id"),
    "paginated_order": ("newest", "newest", "oldest"),
    "page_is_read": (False, True),  # by /conversations and /messages/{c}, beside offset and before_id
    "after_includes": (True, False),
    "outbound_apart": (False, True),
    # 6: records
    "ids": ("int", "int", "str"),
    "empty": ("null", "empty", "zero", "missing", "mixed"),
    "times": ("zoneless", "zoneless_t", "iso", "micro", "offset", "mixed"),
    "unread": ("unread", "unread_count", "none"),
    "contact_in": ("contact", "participants", "id", "both"),
    "contact_nested": ("small", "whole", "id"),
    "inbox": ("inbox_id", "inbox_id", "team_id", "both"),
    "tag_style": ("both", "label", "name", "absent"),
    "status_case": ("lower", "upper", "title"),
    "owner": ("whole", "id"),
    "bodies": ("both", "html", "plain", "raw_empty"),
    "created_at": ("given", "given", "absent"),
    "received_user": ("null", "zero"),
    "opt_out": ("flag", "flag", "blocked"),
    "last_message": ("given", "absent"),
    "conversation_name": ("given", "null"),
    "extra_keys": (False, True),
    "foreign_inbox": (False, True),  # conversations in the caller's own inbox, which no team is
    "numberable": (True, True, False),
    # 3: the limit
    "window": ("sliding", "fixed"),
    "prolong": (False, True),
    "body_429": ("json", "laravel", "html", "empty"),
    "retry_after": (False, True),
    "rate_headers": (False, True),
    # 5: writes
    "contact_created": (201, 200),
    "conversation_created": (200, 201),
    "contact_exists": (422, 409, 400),
    "contact_exists_id": ("int", "list"),
    "send_status": (200, 201),
    "send_word": ("queued", "created", "sent", "QUEUED", "Sent", "accepted"),
    "refusal": ("failed", "422", "400"),
    "wrong_path": (404, 403),
    # 2: tokens
    "token": ("jwt_exp", "jwt", "opaque"),
    "dead_token": ("401", "403", "deny"),
    # the wire
    "connection": ("keep", "keep", "close", "idle"),
    "content_type": ("application/json", "application/json; charset=utf-8"),
    "pretty": (False, False, True),
    # the account
    "size": ("small", "middle", "middle", "large", "closed", "empty"),
    "locked_thread": (None, None, 403, 404),
}


class Choices(SimpleNamespace):
    """One way to keep to the document; `unusual` is what a failure's report shows."""

    def unusual(self) -> str:
        return ", ".join(
            f"{name}={value}" for name, value in vars(self).items() if name in TABLE and value != TABLE[name][0]
        )


def choose(seed: int, **fixed) -> Choices:
    """The behaviour of one seed; `fixed` overrides what a test needs to be sure of."""
    unknown = fixed.keys() - TABLE.keys()
    assert not unknown, unknown
    chance = random.Random(f"choices {seed}")
    return Choices(**{name: chance.choice(values) for name, values in TABLE.items()} | fixed)
