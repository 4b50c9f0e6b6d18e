"""A morning at a small dentist's, as rows; nothing here needs Salesmsg. Prints keys and sessions as JSON."""

SCENE = """
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template.loader import render_to_string
from django.utils import timezone, translation
from integrations.models import *
from integrations.outbox import scheduled
from tests.inbox import factories as make

now = timezone.now()
FAR = datetime(2099, 1, 1, tzinfo=ZoneInfo("UTC"))
ago = lambda **span: now - timedelta(**span)
ada = make.person("ada", first_name="Ada", last_name="Marsh")
rosa = make.person("rosa", first_name="Rosa", last_name="Lind")
sam = make.person("sam", first_name="Sam", last_name="Ortiz")
mia = make.person("mia", first_name="Mia", last_name="Keller")
root = make.person("toni", superuser=True, first_name="Toni", last_name="Berg")
harbor = make.account("Harbor Dental", ada, rosa, sam, mia, webhook_secret="sealed", last_event_at=now)
front, billing = make.inbox(harbor, "Front desk"), make.inbox(harbor, "Billing")
people = {one.username: make.member(harbor, one.get_full_name(), one) for one in (ada, rosa, sam)}
make.member(harbor, "Mia Keller")
Membership.objects.filter(user=ada).update(role="manager")
pks = {}

def talk(key, first, last, *texts, where=front, **values):
    # Each text: (minutes ago, their text) or (minutes ago, text of ours, state).
    own = {name: values.pop(name) for name in ("owner", "closed_at", "snoozed_until", "snoozed_by") if name in values}
    who = make.contact(harbor, first, last, **{"email": f"{first.lower()}@example.com", **values})
    made = make.conversation(harbor, who, inbox=where, **own)
    Contact.objects.filter(pk=who.pk).update(created_at=ago(days=200))
    if key != "first":
        make.message(made, "Hello from Harbor Dental! You can text us here. Reply STOP to opt out.", inbound=False,
            at=ago(days=190), state="delivered")
    for minutes, text, *state in texts:
        ours = bool(state)
        more = {"state": state[0], "sender": ada, "client_uuid": uuid.uuid4()} if ours else {}
        make.message(made, text, inbound=not ours, at=ago(minutes=minutes), **more)
    pks[key] = made.pk
    return made

SMALL = [
    ("José", "Álvarez", "Gracias! See you then."), ("Mei", "Tanaka", "Can I move my cleaning to next week?"),
    ("Priya", "Nair", "Thank you so much 🙏"), ("Tom", "Becker", "Running ten minutes late, sorry!"),
    ("Hana", "Novák", "Is the parking behind the house free?"), ("Luis", "Ortega", "Perfect."),
    ("Grace", "Okafor", "Could you send me the invoice again?"), ("Ben", "Sutter", "Ok"),
    ("Aylin", "Demir", "My crown feels loose since yesterday."), ("Noah", "Fischer", "What does a cleaning cost?"),
]
for place, (first, last, text) in enumerate(SMALL):
    one = talk(f"small{place}", first, last,
        (140 + 170 * place, text), owner=people["rosa"] if place % 3 == 0 else None)
    if place > 2:
        for user in (ada, root):
            ReadMark.objects.create(user=user, conversation=one, message_pk=one.news_pk)

every = talk("states", "Dana", "Reyes", (400, "Hi! Do you have time on Friday? https://example.com/map 🙂"),
    owner=people["ada"])
said = {"failed": "The recipient has a landline or an unreachable carrier (30006).",
        "unknown": "The connection to Salesmsg was lost. It may have been sent: Salesmsg is being asked."}
words = {"delivered": "Yes, Friday at ten is free.", "sent": "Shall I book it for you?", "failed": "Here is the form.",
    "unknown": "Please bring your card.", "cancelled": "See you on Thursday.", "queued": "See you on Friday!",
    "sending": "And please come ten minutes early."}
for place, (state, text) in enumerate(words.items()):
    made = make.message(every, text, inbound=False, state=state, failure=said.get(state, ""), sender=ada,
        client_uuid=uuid.uuid4(), at=ago(minutes=390 - 50 * place))
    if state == "failed":
        Attempt.objects.create(message=made, outcome="refused", detail="30006", finished_at=now)
        make.message(every, "Ten is good for me", at=ago(minutes=300))

talk("plain", "Carla", "Diaz", (95, "Good morning, can I bring my daughter along on Tuesday?"),
    (88, "Of course! How old is she?", "delivered"), (52, "She is seven. And is there somewhere to park?"),
    tags=["new-patient", "family"], custom_fields=[{"label": "Insurance", "value": "Blue Shield"}],
    notes=[{"id": 1, "text": "Prefers mornings.", "created_at": now.isoformat()}])
long = talk("long", "Olivia", "Brandt")
rows = make.thread(long, 160, start=ago(days=60), every=timedelta(minutes=500))
chat = ["Is Tuesday fine?", "Yes, at nine.", "Thank you!", "You are welcome.", "Do I need my card?",
    "Yes, please bring it."]
for place, row in enumerate(rows):
    row.text = chat[place % 6]
rows[70].text = "My insurance asks for the invoice of the crown, number 4711. Could you send it?"
rows[71].text = "Here it is: the invoice of the crown, number 4711."
Message.objects.bulk_update(rows, ["text"])
talk("invoice", "Rob", "Ferris", (5000, "I got the invoice, is the second page missing?"), where=billing)
pks["hit"] = rows[70].pk

draft = talk("draft", "Nora", "Whitfield", (36, "How long will the appointment take?"), owner=people["ada"])
Draft.objects.create(user=ada, conversation=draft, text="About forty minutes. Please", revision=3)
noted = talk("noted", "Paul", "Hendricks", (205, "My invoice is wrong again. This is the third time!"),
    (190, "I am sorry, we look into it right now.", "delivered"), (20, "Ok, thanks. I can wait until noon."),
    owner=people["rosa"])
for minutes, author, text, named in (
    (185, ada, "@rosa the discount is missing in his contract. Can you call billing?", rosa),
    (150, rosa, "@ada done, the new one comes at eleven.", ada)):
    note = InternalNote.objects.create(account=harbor, conversation=noted, client_uuid=uuid.uuid4(), author=author,
        author_name=author.get_full_name(), text=text, at=ago(minutes=minutes))
    Mention.objects.create(note=note, user=named)
free = talk("free", "Elena", "Petrova", (12, "Hello, are you taking new patients?"))
here = talk("here", "Marcus", "Webb", (300, "I need to cancel tomorrow."), (8, "Or can you move it to the afternoon?"),
    owner=people["ada"])
Presence.objects.create(user=rosa, conversation=here, seen_at=FAR, typing_at=FAR)
talk("moved", "Ivy", "Chen", (70, "Are you open on Saturday?"), (4, "And on Sunday?"))
talk("snoozed", "Walter", "Lang", (2000, "I call you after my holiday."), owner=people["ada"],
    snoozed_until=now + timedelta(days=3), snoozed_by=ada)
talk("snoozed2", "Zoe", "Martin", (2600, "Next week is better."), snoozed_until=now + timedelta(days=6),
    snoozed_by=rosa)
talk("first", "Victor", "Hale", (3, "Hello, I got your number from my neighbour."), phone="+12125550142")
stopped = talk("stopped", "Amy", "Lowe", (3000, "Your yearly check is due.", "delivered"), (2900, "STOP"),
    opted_out=True, opted_out_at=ago(minutes=2900))
talk("blocked", "Unwanted", "Caller", (9000, "Win a prize"), blocked=True)
talk("closed", "Sofia", "Rossi", (8000, "All good, thank you!"), closed_at=ago(days=2))
clash = talk("clash", "Catherine", "Moore", (4000, "I have a new address."), owner=people["rosa"])
done = dict(account=harbor, contact=clash.contact, requested_by=rosa)
Change.objects.create(**done, kind="tag", state="done", values={"label": "moved"}, created_at=ago(hours=30),
    finished_at=ago(hours=30))
Change.objects.create(**done, kind="contact", state="conflict", values={"first_name": "Katharina"},
    base={"first_name": "Kathrin"}, theirs={"first_name": "Catherine"}, created_at=ago(hours=3))
Change.objects.create(**done, kind="note", state="refused", values={"text": "Moved to Boston."},
    reason="The account may not write notes.",
    finished_at=ago(hours=1), created_at=ago(hours=1))

shown = talk("pictures", "Jonas", "Weber", (45, "Which of my teeth was it?"))
for inbound, text, files in ((False, "The one in the middle, and your next one.", 2), (True, "I see, thank you!", 0)):
    made = make.message(shown, text, inbound=inbound, at=ago(minutes=28 + files), kind="mms" if files else "sms",
        media=[{"id": n, "url": f"https://media.example/{n}.png", "content_type": "image/png"} for n in range(files)],
        sender=None if inbound else ada)
    for n in range(files):
        body = open(f"{FOLDER}/picture{n}.png", "rb").read()
        name = default_storage.save("pictures/2026/01/shown.png", ContentFile(body))
        Picture.objects.create(message=made, position=n, ours=True, state="stored", content_type="image/png",
            size=len(body), width=320, height=240, file=name, due_at=None, fetched_at=now)
planned = talk("planned", "Ruth", "Adler", (600, "Please remind me."), owner=people["ada"])
scheduled.schedule_message(ada, planned, "Good morning! See you at three today.", uuid.uuid4(),
    (now + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None), "America/New_York", True)

for name, text, owner in (
    ("address", "You find us at 12 Harbor Road, behind the library. Parking is free.", None),
    ("hours", "Hi {first_name|there}! We are open Monday to Friday, from eight to five.", None),
    ("invoice", "Hi {first_name}, your invoice of {date} is attached. Questions? Just text us.", None),
    ("late", "No problem, {first_name|see you soon}!", ada),
    ("thanks", "Thank you, {first_name|and see you soon}!", None)):
    SavedReply.objects.create(account=harbor, name=name, text=text, owner=owner, created_by=ada)

# Somebody new, somebody whose first sync runs, somebody whose account has nothing yet.
novice, starter, fresh = make.person("novice"), make.person("starter"), make.person("fresh")
Heartbeat.objects.update_or_create(name="tick", defaults={"at": FAR})
young = make.account("Harbor Dental", starter, synced_at=None)
run = SyncRun.objects.create(account=young, kind="full", contacts=230, conversations=60, requests=14)
for place, (name, seen, total) in enumerate((("inboxes", 2, 2), ("contacts", 230, 410), ("conversations", 60, None))):
    SyncStream.objects.create(run=run, name=name, position=place, seen=seen, total=total, done=place == 0, began_at=now)
make.account("Harbor Dental", fresh)
Membership.objects.filter(user__in=(starter, fresh)).update(role="manager")

def session(user):
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return store.session_key
cut = render_to_string("inbox/conversation_list/_search_results.html", {"rows": {"cut": True}})
sessions = {one.username: session(one) for one in (ada, mia, root, novice, starter, fresh)}
marks = ReadMark.objects.count()
print(json.dumps({"pks": pks, "marks": marks, "sessions": sessions, "cut": cut}))
"""
