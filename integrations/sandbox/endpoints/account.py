"""User, organisation, teams and numbers (section 5, Account)."""

from ..model import Team
from ..routing import Call, route
from ..web import Response, not_found


@route("GET", "/user", "users:read")
@route("GET", "/users/me", "users:read")
def user(call: Call) -> Response:
    return call.envelopes.one(call.records.user(call.user))


@route("GET", "/organization/current", "organizations:read")
def organization(call: Call) -> Response:
    return call.envelopes.one(call.records.organization())


@route("GET", "/organization/members", "organizations:read")
def members(call: Call) -> Response:
    return call.envelopes.bare([call.records.user(user) for user in call.world.users.values()])


@route("GET", "/teams", "teams:read")
def teams(call: Call) -> Response:
    limit = call.params.integer("limit", default=100, low=1, high=100)
    found = list(call.world.teams.values())
    if call.params.text("has_membership") in {"1", "true"}:
        found = [team for team in found if team.id in call.user.team_ids]
    return call.envelopes.bare([call.records.team(team) for team in found[:limit]])


@route("GET", "/teams/all", "teams:read")
def all_teams(call: Call) -> Response:
    return call.envelopes.bare([call.records.team(team) for team in call.world.teams.values()])


def _team(call: Call, team_id: int) -> Team:
    if team_id not in call.world.teams:
        raise not_found("Team")
    return call.world.teams[team_id]


@route("GET", "/teams/{team}", "teams:read")
def team(call: Call, team: int) -> Response:
    return call.envelopes.one(call.records.team(_team(call, team)))


@route("GET", "/teams/{team}/numbers", "numbers:read")
def team_numbers(call: Call, team: int) -> Response:
    return call.envelopes.data([call.records.number(_team(call, team).number)])


@route("GET", "/teams/{team}/members/search", "teams:read")
def team_members(call: Call, team: int) -> Response:
    _team(call, team)
    term = (call.params.text("term") or "").lower()
    limit = call.params.integer("limit", default=50, low=1, high=100)
    offset = call.params.integer("offset", default=0, low=0)
    found = [u for u in call.world.users.values() if team in u.team_ids and term in u.full_name.lower()]
    return call.envelopes.bare([call.records.user(user) for user in found[offset : offset + limit]])


@route("GET", "/numbers", "numbers:read")
def numbers(call: Call) -> Response:
    page = call.params.integer("page", default=1, low=0) or 1
    limit = call.params.integer("limit", default=50, low=1, high=100)
    query = call.params.text("query") or ""
    found = [team.number for team in call.world.teams.values() if query in team.number.number]
    chunk, _ = call.envelopes.cut(found, page, limit)
    return call.envelopes.data([call.records.number(number) for number in chunk])
