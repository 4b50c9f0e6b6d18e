"""Dialogues between contacts and a small company, used by the data set.

A scene starts with ``# domain language`` and holds one line per message:
``<`` from the contact, ``>`` from a member of staff, ``*`` from an automation or broadcast.
``[photo]`` adds a picture, ``(call 214)`` is a call of so many seconds and ``(voicemail 31)`` one that was
recorded. A backslash at its end joins a line with the next.
Words in braces are filled in by ``data``. ``\\n`` is a new line within a text.
"""

from functools import cache
from typing import NamedTuple

SCRIPT = r"""
# dental en
< Hi, do you have anything open for a cleaning {day}?
> Hi {first}, this is {agent} at Lakeside Dental. We have {time} or {time2} on {day}. Which one suits you?
< {time} please
> Booked! Cleaning with Dr. Amin on {day} at {time}. Please come ten minutes early for the paperwork.
< Perfect, thank you 😊

# dental en
* Hi {first}, a reminder of your visit at Lakeside Dental on {day} at {time}. Reply C to confirm or R to reschedule.
< C
* Thank you, you are confirmed. Parking is free behind the building.

# dental en
* Hi {first}, a reminder of your visit at Lakeside Dental on {day} at {time}. Reply C to confirm or R to reschedule.
< R
> No problem. Would {day2} at {time2} work instead?
< Can't do mornings that day, I'm on shift until 2
> How about 3:15 pm then?
< Yes, 3:15 works
> Great, moved. See you {day2}!

# dental en
< Hello, my crown came off while I was eating 😬 it doesn't hurt but it feels weird
> Oh no! Please keep the crown in a clean bag and don't glue it. Can you come in today at {time}?
< [photo] this is what it looks like
> Thanks for the picture, that looks fixable. {time} today is yours.
< On my way at {time}. Do I owe anything for this?
> If it's recement only it's usually covered. We'll check with your plan before we start.

# dental en
< Question about my bill: it says ${price} but insurance told me they'd pay all of it
> I see it, {first}. They paid part & applied the rest to your deductible. I'm sending the breakdown: {link}
< Got it. Can I pay in two parts?
> Of course. Half now and half on the 1st, no fee. Shall I set it up?
< Yes please, and thanks for explaining it

# dental en
> Hi {first}, it's {agent}. How is the tooth feeling after yesterday?
< A bit sore but much better than I expected
> That's normal for two or three days. Ibuprofen helps, and no hot drinks on that side.
< Will do. Should I worry about a tiny bit of bleeding?
> Only if it doesn't stop within 20 minutes of gentle pressure. Call us any time.

# dental en
< Do you take MetLife PPO?
> Yes, we do. Please text a picture of both sides of your card & your date of birth.
< [photo] front
< [photo] back
> All set. You have two cleanings a year at 100 % and x-rays once a year.

# dental en
< (call 214)
> Good talking to you, {first}. As promised, the forms are here: {link}
< Filled in and sent. It asked for my mother's doctor from 1987, I left that blank lol
> Ha, blank is fine!

# dental en
< Hi it's {first}. I need to explain why I keep moving these visits, because I feel bad about it. My mother had a \
fall in March and she's been staying with us since, so I am driving her to physical therapy three times a week on \
top of work, and the schedule for that changes every single Friday. On the weeks where I have her on Monday and \
Wednesday I can do Thursday afternoons, on the other weeks it's only Tuesday before 10. I know that's a lot to \
ask. If you keep some kind of short-notice list I'd be happy to be on it, I live six minutes away and can be there \
whenever somebody cancels. Also please tell Dr. Amin that the night guard works, I haven't woken up with a \
headache in weeks!
> {first}, thank you for telling me, and please don't feel bad. I put you on the short-notice list with Thursdays \
after 1 pm and Tuesdays before 10. And I'll pass that on to Dr. Amin, she'll be delighted.
< You are the best 💛

# dental en
< What are your hours on Saturday?
> Saturdays 8 am to 1 pm, by appointment.
< 👍

# home en
< Our AC is blowing warm air since last night. Any chance somebody can look at it {day}?
> Hi {first}, {agent} from Lakeside Home Services. We can be there {day} between {time} and {time2}. Is the \
outdoor unit running?
< It hums but the fan isn't spinning
> Please switch it off at the thermostat until we're there, so the compressor isn't damaged.
< Done. Address is 418 Alder Ct, gate code {code}
> Thank you. Luis will text when he's 20 minutes out.

# home en
> [photo] Found it: the capacitor is gone. ${price} with parts and labor, and I have one in the van. OK to go ahead?
< Yes go ahead
> Done! 54°F at the vent now. Invoice: {link}
< Amazing, it's already cooling down. Tell Luis thanks!!

# home en
< Can I get a quote for a water heater? Current one is a 50 gal from 2009
> Sure. Is it gas or electric, and could you send a photo of the label and the space around it?
< [photo]
< gas
> Like for like is ${price} installed, with the permit. A heat pump one is more but there's a rebate, details \
here: {link}
< Let me talk to my husband & get back to you
> Of course, the quote is good for 30 days.

# home en
< (voicemail 31)
> Hi {first}, we got your voicemail about the leak under the sink. Can you turn the small valve clockwise for now?
< it's stuck 😩
> Then the main, usually by the meter. We're 25 minutes away.
< Found it!! Water is off
> Well done. See you in a bit.

# home en
* Hi {first}, your yearly furnace check is due. Book here: {link}
< Is it the same price as last year?
> Yes, still ${price} for members.
< ok book me for {day} then
> {day}, {time}. Done.

# home en
< The tech was here but I don't see the part about the warranty in the email
> Good catch. Parts 10 years & labor 1 year, resent with the warranty page now: {link}
< Received, thx

# home en
< Hey {agent}, running late, could he come at {time} instead of {time2}?
> Let me ask the dispatcher.
> Yes, {time} is fine.
< 🙏

# home en
< Who do I talk to about the scratches on the floor after the install?
> Me! I'm sorry to hear that. Could you send a picture?
< [photo] by the stairs
< [photo] and near the door
> Thank you. That shouldn't have happened. Our floor person can be there {day}, and of course it's on us.
< I appreciate how you're handling this

# home en
> (call 96)
> Sorry I missed you, {first}. The inspector comes {day} at {time}, somebody over 18 should be in.
< My sister will be there
> Perfect.

# home en
< do you do gutters?
> We do from {month} on. Shall I put you on the list?
< yes pls. 2 story, about 160 ft

# shop en
< Hi! Is the {item} back in stock?
> Hi {first}! Four came in this morning. Want me to hold one until {day}?
< Yes please! I'll pick it up after work
> It's behind the counter under your name.

# shop en
* Your order #{code} is on its way! Follow it here: {link}
< It says delivered but there is nothing at my door
> Let me look... The driver's photo shows a blue door with a plant. Is that yours?
< [photo] no, mine is green. That's my neighbor's lol
> Mystery solved!
< Got it. Sorry for the trouble & thanks 😂

# shop en
< I'd like to return the {item}, wrong size
> Of course, {first}. Do you want a refund or the other size?
< Other size, M
> On its way tomorrow. Use this label for the return: {link}
< That was easy!

# shop en
< Do you have this in navy? [photo]
> We do, ${price}. Shipping is free over $75.
< What about "slightly used" ones? I don't mind a scratch
> Ha, one display piece with a scratch on the back, 30 % off. Interested?
< YES
> Payment link: {link} It's yours until tonight.
< Paid :)

# shop en
< hi, gift card balance for {code}?
> $42.50 left on it.
< thx

# shop en
> Hi {first}, the {item} you ordered is delayed by the supplier, new date is {day2}. Would you like to wait or cancel?
< How sure is that date?
> Fairly: it's on the truck from Reno.
< I'll wait then
> Thank you for your patience! I took off the shipping.

# shop en
< Can you do gift wrapping for 12 pieces? Company party on the 14th
> Happily. $3 each, 10 or more free. Which names should go on the cards?
< Ana\nBen\nChloe\nDev\nEsther\nFinn\nGrace\nHugo\nIda\nJo\nKeith\nLuz
> Got all twelve, A to L. That's almost an alphabet!
< haha I noticed too. Thank you {agent}!

# shop en
< (call 61)
> Thanks for calling, {first}! The size chart I mentioned: {link}

# shop en
< The {item} is GORGEOUS ❤️❤️ my daughter hasn't put it down since
> That made our day! If you have a minute, a review helps us a lot: {link}
< Done ⭐⭐⭐⭐⭐

# shop en
< Are you open on the holiday?
> We close at 3 pm that day and are back {day} at 10.

# any es
< Hola, ¿hablan español?
> ¡Hola {first}! Sí, soy {agent}. ¿En qué le puedo ayudar?
< Quisiera cambiar mi cita, no puedo el martes
> Claro. ¿Le queda bien el jueves a las 4:30?
< Sí, perfecto. Muchas gracias 🙏
> ¡A usted! Nos vemos el jueves.

# any es
< Buenas tardes, ¿me puede mandar la factura otra vez? No la encuentro
> Aquí la tiene: {link}
< Ya la vi, gracias

# any fr
< Bonjour, est-ce que quelqu'un parle français chez vous ?
> Bonjour {first}, oui ! Comment puis-je vous aider ?
< Je voudrais savoir si vous êtes ouverts le 24
> Oui, jusqu'à 15 h. À bientôt !

# any de
< Guten Tag, könnten Sie mir die Rechnung bitte noch einmal schicken?
> Guten Tag {first}, gern, hier ist sie: {link}
< Vielen Dank, schönes Wochenende!

# any ar
< مرحبا، هل يمكنني تغيير موعدي إلى يوم الخميس؟
> أهلاً {first}، نعم بالطبع. الساعة 4:30 مناسبة؟
< ممتاز، شكراً جزيلاً 🌷
> على الرحب والسعة!

# any he
< שלום, אפשר לקבוע תור ליום רביעי?
> שלום {first}, כן. 10:30 מתאים?
< מתאים מאוד, תודה!

# any zh
< 你好，请问周六营业吗？
> 您好！周六上午 8 点到下午 1 点营业。
< 好的，谢谢！

# any vi
< Chào anh chị, tiệm có mở cửa thứ bảy không ạ?
> Dạ có, từ 8 giờ đến 1 giờ. Cảm ơn {first}!
< Cảm ơn nhiều 😊

# any pl
< Dzień dobry, czy mogę przełożyć wizytę na piątek?
> Dzień dobry {first}! Tak, piątek 9:30. Pasuje?
< Świetnie, dziękuję

# dental outbound
* Hi {first}, it has been six months since your last cleaning at Lakeside Dental. Book in one minute: {link}
* {first}, we still have two openings this {day}. Shall we keep one for you?
* Happy holidays from all of us at Lakeside Dental! 🎄 We are closed from the 24th to the 1st.

# home outbound
* Hi {first}, your estimate for the water heater is ready: {link}
* Hi {first}, just checking that you received our estimate. Any questions?
* Spring tune-ups are ${price} until the end of {month}. Reply YES to book.

# shop outbound
* {first}, the winter sale is on: 25 % off everything in store until Sunday. {link}
* Last day! The code WARM25 ends tonight. Lakeside Shop
* New arrivals this {day}: hand-thrown mugs & linen throws. Come & see!

# any optout
* 🎉 This weekend only: 20 % off for our regulars. {link}\nReply STOP to opt out.
< STOP

# any optout
* Hi {first}, we miss you! Come back and save ${price}. Reply STOP to opt out.
< Stop

# any blocked
< CONGRATULATIONS!!! You've been selected for a FREE <b>business listing</b>. Click \
http://prizes.example/claim?x=1&y=2
< Last reminder: your listing expires today. Reply 1 to keep it
< (call 4)
"""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TIMES = ("8:30 am", "9:15 am", "10:00 am", "11:45 am", "1:30 pm", "2:20 pm", "3:40 pm", "4:30 pm")
MONTHS = ("March", "April", "May", "September", "October", "November")
ITEMS = ("linen throw", "stoneware teapot", "walnut cutting board", "wool beanie", "enamel kettle", "brass lamp")
LINKS = (
    "https://lakeside.example/b/{code}",
    "https://pay.lakeside.example/i/{code}?ref=sms&v=2",
    "https://lakeside.example/forms/{code}",
)

# Automatic replies. The first entry with a word that occurs in the text is used.
ANSWERS = (
    (("reminder", "confirm"), ("C", "Confirmed, see you then!", "Yes I'll be there 👍")),
    (("invoice", "pay", "$", "bill"), ("Got it, paying tonight", "Thanks, I'll look at it after work")),
    (("sorry", "apolog"), ("No worries at all", "It happens, thanks for letting me know")),
    (("photo", "picture"), ("Sure, give me a minute", "I'll send one when I'm home")),
    (("thank",), ("You're welcome!", "Thank YOU 😊", "Anytime!")),
    (("test",), ("I got your test 👍", "It works, I can read you")),
    (("?",), ("Yes, that works for me", "Can we do a bit later? Say 4:30", "Let me check & get back to you",
              "Not sure yet, can I tell you tomorrow?")),
    (("",), ("Ok, thank you!", "Great, thanks 😊", "👍", "Perfect", "Got it. I'll be there in 20 minutes")),
)  # fmt: skip


class Line(NamedTuple):
    """One message of a scene."""

    who: str
    text: str
    photo: bool = False
    call: int = 0
    voicemail: bool = False


class Scene(NamedTuple):
    domain: str
    kind: str
    lines: tuple[Line, ...]


@cache
def scenes() -> tuple[Scene, ...]:
    """Parse the script, once."""
    found = []
    for block in SCRIPT.replace("\\\n", "").strip().split("\n\n"):
        head, *lines = block.splitlines()
        _, domain, kind = head.split()
        found.append(Scene(domain, kind, tuple(_line(line) for line in lines)))
    return tuple(found)


def _line(raw: str) -> Line:
    who, text = raw[0], raw[2:].replace("\\n", "\n")
    if text.startswith(("(call ", "(voicemail ")):
        word, seconds = text.strip("()").split()
        return Line(who, "", call=int(seconds), voicemail=word == "voicemail")
    photo = "[photo]" in text
    return Line(who, text.replace("[photo]", "").strip(), photo=photo)
