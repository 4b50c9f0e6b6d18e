"""Generates a deterministic data set: the same seed and counts give the same contacts, texts and IDs.

Dates are calculated back from ``start``, so that the newest text is always a few minutes old.
"""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

from . import dialogues, people, phones
from .model import (
    Call,
    Contact,
    Conversation,
    CustomField,
    Media,
    Message,
    Note,
    Number,
    Organization,
    Tag,
    Team,
    User,
    World,
)

DAY = 86400
SPREAD_DAYS = 120
NEWEST_SECONDS = 240

# Magnitudes as seen on the live service (section 8).
FIRST_ID = {
    "contact": 187700101,
    "conversation": 100380001,
    "message": 623100201,
    "media": 5100771,
    "note": 8810011,
    "call": 7700001,
    "custom_field": 990001,
    "tag": 70021,
}
TEAMS = (
    (239001, 258001, "Front desk", "front-desk", "+13055550100", "dental"),
    (239002, 258002, "Home services", "home-services", "+14075550100", "home"),
    (239003, 258003, "Shop", "shop", "+19545550100", "shop"),
)
USERS = (
    (60031, "Sam", "Ortiz", "admin", (239001, 239002, 239003)),
    (60032, "Ruth", "Adler", "admin", (239001, 239002, 239003)),
    (60033, "Femi", "Okoye", "member", (239001, 239002)),
    (60034, "Grace", "Lin", "member", (239001, 239003)),
    (60035, "Pavel", "Novák", "member", (239002, 239003)),
)
FAILURES = (
    "30003 Unreachable destination handset",
    "30005 Unknown destination handset",
    "30007 Message filtered by the carrier",
)
REFUSED_OPT_OUT = "21610 Attempt to send to unsubscribed recipient"
REFUSED_NUMBER = "21211 Invalid 'To' phone number"
REFUSED_BLOCKED = "30004 Message blocked"


def build(seed: int, contacts: int, messages: int, start: datetime, media_url: str) -> World:
    """Create an organisation with ``contacts`` contacts and ``messages`` messages per two-way conversation.

    Conversations without a reply have up to three messages.
    """
    return _Builder(seed, contacts, messages, start, media_url).world()


class _Builder:
    def __init__(self, seed: int, contacts: int, messages: int, start: datetime, media_url: str):
        self.seed = seed
        self.count = contacts
        self.per_conversation = messages
        self.start = start
        self.media_url = media_url
        self.next_id = dict(FIRST_ID)
        self.used = Counter()  # phone numbers used per country
        self.scenes: dict[tuple[str, str], list[dialogues.Scene]] = {}
        for scene in dialogues.scenes():
            self.scenes.setdefault((scene.domain, scene.kind), []).append(scene)

    def world(self) -> World:
        world = World(Organization(45001, "Lakeside Family Services", "America/New_York", 812))
        for user_id, first, last, role, teams in USERS:
            mail = f"{first.lower()}@lakeside.example"
            world.users[user_id] = User(user_id, first, last, mail, role, teams)
        for team_id, number_id, name, identifier, number, _ in TEAMS:
            world.teams[team_id] = Team(team_id, name, identifier, Number(number_id, number, team_id))
        for position, label in enumerate(people.TAGS):
            tag = Tag(self._id("tag"), label.lower().replace(" ", "-"), label, self._ago((400 - 9 * position) * DAY))
            world.tags[tag.id] = tag

        drafts: list[tuple[Contact, list[Conversation]]] = []
        previous = NEWEST_SECONDS
        for index in range(self.count):
            rng = Random(f"{self.seed}/{index}")
            # Some conversations end in the same second, so that order cannot depend on time alone.
            if index and index % 12 != 5:
                previous = NEWEST_SECONDS + int(SPREAD_DAYS * DAY * rng.random() ** 2)
            drafts.append(self._person(world, index, rng, previous))
        self._number_all(world, drafts)
        world.next_id = self.next_id
        return world

    # -- people ---------------------------------------------------------------------------------------------

    def _person(self, world: World, index: int, rng: Random, age: int) -> tuple[Contact, list[Conversation]]:
        culture = rng.choices(people.CULTURES, weights=[c.weight for c in people.CULTURES])[0]
        country = rng.choice(culture.countries)
        number = phones.nth(country, self.used[country])
        self.used[country] += 1
        contact = Contact(0, number, self.start, self.start, color=rng.choice(people.COLORS))
        self._name(contact, culture, rng, index)
        roll = rng.random()
        # The first few contacts are ordinary, so that small data sets cover the main case.
        special = "" if index < 5 else "optout" if roll < 0.04 else "blocked" if roll < 0.055 else ""
        if index in (7, 11):  # data sets of a dozen or more always include an opted-out and a blocked contact
            special = "optout" if index == 7 else "blocked"
        contact.is_blocked = special == "blocked"
        conversations = []
        if index % 29 != 13:  # some have no conversation
            team = TEAMS[(index * 7 + index // 3) % 3]
            conversations.append(self._conversation(world, contact, culture, team, rng, index, age, special))
            if index % 31 == 9:
                other = TEAMS[(TEAMS.index(team) + 1) % 3]
                older = age + int(rng.uniform(1, 30) * DAY)
                conversations.append(self._conversation(world, contact, culture, other, rng, index, older, ""))
        self._decorate(world, contact, conversations, rng, index)
        if special == "optout":
            contact.opt_out = True
            stop = conversations[0].messages[-1] if conversations and conversations[0].messages else None
            contact.stopped_by_text = bool(stop and stop.inbound)
            contact.opt_out_at = stop.created_at if stop else self._ago(age)
            contact.updated_at = max(contact.updated_at, contact.opt_out_at)
        return contact, conversations

    def _name(self, contact: Contact, culture: people.Culture, rng: Random, index: int) -> None:
        roll = rng.random()
        first, last = rng.choice(culture.first), rng.choice(culture.last)
        if index >= 5 and roll < 0.07:  # no name: both null and "" occur (section 6.3)
            contact.first_name = contact.last_name = None if roll < 0.04 else ""
            contact.email = contact.first_name
            return
        if roll > 0.93 and culture.language in people.OWN_SCRIPT:
            first, last = rng.choice(people.OWN_SCRIPT[culture.language])
        elif roll > 0.9:
            last = None
        contact.first_name, contact.last_name = first, last
        if rng.random() < 0.62:
            ascii_name = "".join(
                c for c in f"{first}.{last or index}".lower() if c.isascii() and (c.isalnum() or c in ".-")
            )
            contact.email = f"{ascii_name.strip('.') or 'kontakt'}{index}@{rng.choice(people.MAIL_HOSTS)}"

    def _decorate(self, world: World, contact: Contact, conversations: list, rng: Random, index: int) -> None:
        """Add dates, tags, notes, custom fields and an owner."""
        first = min((c.started_at for c in conversations), default=self._ago(rng.randint(1, SPREAD_DAYS) * DAY))
        last = max((c.order[0] for c in conversations), default=first)
        contact.created_at = first - timedelta(seconds=rng.choice((0, 1, 40, rng.randint(60, 40 * DAY))))
        contact.updated_at = last if rng.random() < 0.5 else contact.created_at
        contact.owner_id = conversations[0].owner_id if conversations else None
        if rng.random() < 0.4:
            contact.tags = rng.sample(list(world.tags.values()), rng.choice((1, 1, 2, 3)))
        if rng.random() < 0.18:
            contact.notes = [Note(self._id("note"), rng.choice(people.NOTES), contact.updated_at)]
        if rng.random() < 0.25:
            birthday = f"19{rng.randint(50, 99)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
            contact.custom_fields.append(
                CustomField(self._id("custom_field"), 301, "birthday", birthday, contact.created_at)
            )
        if index % 10 == 3:
            plan = rng.choice(("Gold", "Silver", "Family & friends"))
            contact.custom_fields.append(CustomField(self._id("custom_field"), 302, "plan", plan, contact.created_at))

    # -- conversations --------------------------------------------------------------------------------------

    def _conversation(
        self, world: World, contact: Contact, culture: people.Culture, team: tuple, rng: Random, index: int, age: int,
        special: str,
    ) -> Conversation:  # fmt: skip
        domain = team[5]
        outbound_only = not special and index >= 5 and rng.random() < 0.14
        members = [user for user in world.users.values() if team[0] in user.team_ids]
        agent = rng.choice(members)
        wanted = min(self.per_conversation, rng.randint(1, 3)) if outbound_only else self.per_conversation
        script = self._script(domain, culture.language, wanted, rng, special, outbound_only)
        moments = self._moments(script, rng, self._ago(age))
        conversation = Conversation(0, 0, team[0], moments[0] if moments else self._ago(age))
        for (line, _), moment in zip(script, moments, strict=True):
            conversation.messages.append(self._message(line, moment, contact, agent, rng))
        if rng.random() < 0.65:
            conversation.owner_id = agent.id
        if not outbound_only and index >= 3 and rng.random() < 0.24:
            after = (conversation.last_message_at or conversation.started_at) + timedelta(
                seconds=rng.randint(60, 3 * DAY)
            )
            conversation.closed_at = min(after, self.start)
        elif not contact.is_blocked and rng.random() < 0.55:
            trailing = 0
            for message in reversed(conversation.messages):
                if not message.inbound:
                    break
                trailing += 1
            conversation.unread = min(trailing, 9)
        return conversation

    def _script(
        self, domain: str, language: str, wanted: int, rng: Random, special: str, outbound_only: bool
    ) -> list[tuple[dialogues.Line, bool]]:
        """Return the last ``wanted`` lines of enough scenes, each with whether it starts a scene."""
        if wanted <= 0:
            return []
        if outbound_only:
            lines = list(rng.choice(self.scenes[domain, "outbound"]).lines)
            rng.shuffle(lines)
            return [(line, True) for line in lines[:wanted]]
        chosen: list[dialogues.Scene] = []
        length = 0
        if special:
            chosen.append(rng.choice(self.scenes["any", special]))
            length = len(chosen[0].lines)
        pool: list[dialogues.Scene] = []
        while length < wanted:
            if not pool:
                pool = list(self.scenes[domain, "en"])
                foreign = self.scenes.get(("any", language), [])
                pool += [scene for scene in foreign if rng.random() < 0.6]
                rng.shuffle(pool)
            scene = pool.pop()
            chosen.insert(0, scene)
            length += len(scene.lines)
        lines = [(line, position == 0) for scene in chosen for position, line in enumerate(scene.lines)]
        return self._two_way(lines, wanted, rng)

    def _two_way(self, lines: list, wanted: int, rng: Random) -> list:
        kept = lines[-wanted:]
        if not any(line.who == "<" for line, _ in kept):  # even a very short thread has a reply
            kept[-1] = (dialogues.Line("<", rng.choice(("Ok, thank you!", "Got it 👍", "Will do"))), False)
        return kept

    def _moments(self, script: list, rng: Random, last: datetime) -> list[datetime]:
        """Return the time of each line, calculated from the last one backwards."""
        moments = []
        moment = last
        for _, opens in reversed(script):
            moments.append(moment)
            if opens:
                gap = rng.uniform(0.7, 16) * DAY
            else:
                gap = rng.choice((0, 20, 45, 90, 240, 600, 1500, rng.randint(60, 7200)))
            moment -= timedelta(seconds=int(gap))
        moments.reverse()
        return moments

    def _message(self, line: dialogues.Line, moment: datetime, contact: Contact, agent: User, rng: Random) -> Message:
        inbound = line.who == "<"
        message = Message(0, 0, 0, inbound, self._fill(line.text, contact, agent, rng), "received", moment)
        if not inbound and line.who == ">":
            message.user_id = agent.id
        if line.who == "*":
            message.automated = True
            message.source = "broadcast"
            message.source_id = 41000 + rng.randint(1, 60)
        if line.call:
            message.type = message.source = "call"
            message.status = "record"
            state = "voicemail" if line.voicemail else "completed"
            message.call = Call(0, f"CA{rng.getrandbits(128):032x}", line.call, state, line.voicemail)
        if line.photo:
            message.type, message.mms_status = "mms", "done"
            message.media = [Media(0, "image/png", "", moment + timedelta(seconds=1))]
        if inbound:
            message.received_at = moment
        elif line.call:
            message.sent_at = moment
        else:
            self._outcome(message, moment, rng)
        return message

    def _outcome(self, message: Message, moment: datetime, rng: Random) -> None:
        message.queued_at = moment
        roll = rng.random()
        if roll < 0.02:
            message.status, message.failed_at = "failed", moment + timedelta(seconds=3)
            message.failed_reason = rng.choice(FAILURES)
            return
        message.sent_at = moment + timedelta(seconds=1)
        message.status = "sent" if roll < 0.05 else "delivered"
        if message.status == "delivered":
            message.delivered_at = moment + timedelta(seconds=rng.randint(2, 9))

    def _fill(self, text: str, contact: Contact, agent: User, rng: Random) -> str:
        if "{" not in text:
            return text
        day = rng.randrange(5)
        time = rng.randrange(7)
        code = f"{rng.randrange(10**6):06d}"
        values = {
            "first": contact.first_name or "there",
            "agent": agent.first_name,
            "day": dialogues.DAYS[day],
            "day2": dialogues.DAYS[(day + 2) % 5],
            "time": dialogues.TIMES[time],
            "time2": dialogues.TIMES[time + 1],
            "month": rng.choice(dialogues.MONTHS),
            "item": rng.choice(dialogues.ITEMS),
            "price": str(rng.choice((39, 85, 120, 149, 189, 240, 1850))),
            "code": code,
            "link": rng.choice(dialogues.LINKS).format(code=code),
        }
        return text.format(**values)

    # -- ids ------------------------------------------------------------------------------------------------

    def _number_all(self, world: World, drafts: list) -> None:
        """Assign IDs in chronological order, as the vendor does (section 8)."""
        for contact, conversations in sorted(drafts, key=lambda draft: draft[0].created_at):
            contact.id = self._id("contact")
            world.contacts[contact.id] = contact
            for conversation in conversations:
                conversation.contact_id = contact.id
        threads = sorted((c for _, many in drafts for c in many), key=lambda c: c.started_at)
        for conversation in threads:
            conversation.id = self._id("conversation")
            world.conversations[conversation.id] = conversation
        messages = [(message, thread) for thread in threads for message in thread.messages]
        messages.sort(key=lambda pair: pair[0].created_at)
        for message, thread in messages:
            message.id = self._id("message")
            message.conversation_id, message.contact_id = thread.id, thread.contact_id
            if message.inbound and not message.call:
                world.contacts[thread.contact_id].received_sms += 1
            if message.call:
                message.call.id = self._id("call")
            for media in message.media:
                media.id = self._id("media")
                media.source = f"{self.media_url}/{media.id}.png"

    def _id(self, kind: str) -> int:
        number = self.next_id[kind]
        self.next_id[kind] += 1
        return number

    def _ago(self, seconds: float) -> datetime:
        return self.start - timedelta(seconds=int(seconds))
