"""Reads rendered pages."""

import re
from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.inline: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "style" or "style" in values:
            self.inline.append(f"style in <{tag}>")
        self.inline += [f"{name} in <{tag}>" for name in values if name.startswith(("on", "hx-on"))]
        self.in_script = tag == "script"
        if str(values.get("href", "")).lower().startswith("javascript:"):
            self.inline.append("javascript: address")

    def handle_data(self, data):
        if self.in_script and data.strip():
            self.inline.append("script")

    def handle_endtag(self, tag):
        self.in_script = False


def read(response) -> _Reader:
    reader = _Reader()
    reader.feed(response.content.decode())
    return reader


def inline(response) -> list[str]:
    """What the policy forbids: inline scripts, styles and handlers."""
    return read(response).inline


def rows(response) -> list[int]:
    """Primary keys of the conversations in the list, in order."""
    return [int(values["data-key"]) for tag, values in read(response).tags if tag == "li" and "data-key" in values]


def shown(response) -> list[str]:
    """`pk-etag` of the messages on a page, as its script would send them."""
    found = [
        (values["id"], values["data-etag"])
        for tag, values in read(response).tags
        if tag == "li" and "data-etag" in values
    ]
    return [f"{key.removeprefix('m-')}-{etag}" for key, etag in found]


def state(response) -> dict[str, str]:
    """What an open thread sends with each request."""
    told = {"have": ",".join(shown(response))}
    if told["have"]:
        told["top"] = told["have"].split("-")[0]
    for _, values in read(response).tags:
        if "data-region" in values:
            told[f"r-{values['data-region']}"] = values["data-etag"]
        if "data-version" in values:
            told["version"] = values["data-version"]
        if "data-token" in values:
            told["token"] = values["data-token"]
    return told


def field(response, name: str) -> str:
    """The value of a form's input."""
    return next(values.get("value", "") for _, values in read(response).tags if values.get("name") == name)


def text(response) -> str:
    """The page without tags, in one line."""
    body = re.sub(r"<(script|style|title)[^>]*>.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def messages_after(known: str, response) -> list[int]:
    """What a browser shows after an update: applies the out-of-band swaps of messages to the known order."""
    order = [int(item.split("-")[0]) for item in known.split(",") if item]
    place: tuple[str, str] | None = None
    for tag, values in read(response).tags:
        swap = values.get("hx-swap-oob", "")
        if swap.startswith("delete:#m-"):
            order.remove(int(swap.removeprefix("delete:#m-")))
        elif tag == "ol" and swap:
            place = tuple(swap.split(":#"))
            if place[0] == "innerHTML":
                order.clear()
        elif tag == "li" and str(values.get("id", "")).startswith("m-"):
            pk = int(values["id"][2:])
            if swap:
                assert pk in order, "swaps a message that the browser does not show"
            elif place[0] == "afterend":
                order.insert(order.index(int(place[1][2:])) + 1, pk)
                place = ("afterend", f"m-{pk}")
            elif place[0] == "afterbegin":
                order.insert(0, pk)
                place = ("afterend", f"m-{pk}")
            else:
                order.append(pk)
    return order
