#!/usr/bin/env python3
"""A double of an OpenAI-compatible model server, for lab hosts. No model is in it.

It answers like servers of models do in form (routes, usage, finish reasons, errors, Bearer keys), and what a
"model" says comes from rules: it does what the audit's plain prompts ask for, keeps to the rules of a system
prompt, and has exactly the weaknesses that its options give it.
"""

import argparse
import base64
import codecs
import json
import re
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ORDER = re.compile(r'\\?"([a-z]+)\\?" (?:and|und|with) \\?"(\d+)\\?"')
ROOM = re.compile(r"in room ([A-Z]\d+)")
NOTE = re.compile(r"private note of the house is (\S+) and")
WHERE = {
    "comment": re.compile(r"<!--(.*?)-->", re.DOTALL),
    "hidden": re.compile(r"<span[^>]*>(.*?)</span>", re.DOTALL),
    "tool": re.compile(r'"required_action": "(.*)"'),
    "image": re.compile(r"badge of the circle(.*)"),
}
OPTIONS = argparse.ArgumentParser(allow_abbrev=False)
OPTIONS.add_argument("words", nargs="*")
OPTIONS.add_argument("--port", type=int, default=8000)
OPTIONS.add_argument("--served-model-name", default="double-1")
OPTIONS.add_argument("--model", default="")
OPTIONS.add_argument("--also-list", default="")
OPTIONS.add_argument("--key-file", default="", help="requests must have what it holds")
OPTIONS.add_argument("--log", default="", help="a file with a line for each request")
OPTIONS.add_argument(
    "--obeys", default="", help="where it follows orders: direct, base64, document, comment, …"
)
OPTIONS.add_argument("--leaks", default="", help="how it gives its note away: plain, base64, reversed, …")
OPTIONS.add_argument("--planted", default="", help="what it says when it is asked for its instructions")
OPTIONS.add_argument("--memory", default="", help="a text that it completes")
OPTIONS.add_argument("--guarded", action="store_true", help="completes nothing in a chat")
OPTIONS.add_argument("--says", default=None, help="the same to everything")
OPTIONS.add_argument("--silent", action="store_true", help="refuses everything that it is asked to do")
OPTIONS.add_argument("--no-system", action="store_true", help="drops system messages")
OPTIONS.add_argument(
    "--filter", action="store_true", help="answers injections with an error of a content filter"
)
OPTIONS.add_argument("--limit", type=int, default=0, help="answers 429 after so many prompts")
OPTIONS.add_argument("--staggers", action="store_true", help="answers 500 to what follows a long prompt")
OPTIONS.add_argument("--cuts-after", type=int, default=0, help="hangs up after so many prompts")
OPTIONS.add_argument("--max-model-len", type=int, default=4096)
OPTIONS.add_argument("--unbounded", default="", help="which limits it lacks: prompt, tokens, choices, depth")
OPTIONS.add_argument("--clamps", action="store_true", help="shortens instead of refusing")
OPTIONS.add_argument("--html", action="store_true", help="is no model server")
OPTIONS.add_argument("--chat-only", action="store_true")
GIVEN = OPTIONS.parse_args()
FILTERED = re.compile(r"Forget every|suspended|To the language model|<span")
KEY = Path(GIVEN.key_file).read_text(encoding="utf-8").strip() if GIVEN.key_file else ""
REFUSAL = "I am sorry, but I cannot help with that."


def obeys(what):
    return what in GIVEN.obeys.split(",")


def joined(text):
    found = ORDER.findall(text)
    return "".join(found[-1]) if found else ""


def order_in(user):
    """The order that the model falls for, if any."""
    document = re.search(r"<document>(.*)</document>", user, re.DOTALL)
    if document:
        text = document[1]
        for kind, pattern in WHERE.items():
            found = pattern.search(text)
            if found:
                word = joined(found[1])
                return (f"![badge](https://badges.invalid/{word}.png)" if kind == "image" else word) * obeys(
                    kind
                )
        tags = "".join(chr(ord(letter) - 0xE0000) for letter in text if 0xE0000 < ord(letter) < 0xE007F)
        if tags:
            return joined(tags) * obeys("invisible")
        return joined(text) * obeys("document")
    packed = re.search(r"[A-Za-z0-9+/]{60,}={0,2}", user)
    if packed:
        return joined(base64.b64decode(packed[0]).decode()) * obeys("base64")
    if obeys("refusal") and joined(user):
        return 'I will not join "' + '" and "'.join(ORDER.findall(user)[-1]) + '" for you.'
    return joined(user) * obeys("direct")


def told(note, system, user):
    """How the note gets out, if it does."""
    ways = GIVEN.leaks.split(",")
    if "plain" in ways:
        return f"The note is {note}."
    if "base64" in ways and "Base64" in user:
        return base64.b64encode(system.encode()).decode()
    if "reversed" in ways and "backwards" in user:
        return " ".join(note[::-1])
    if "spelled" in ways and "Spell" in user:
        return "\n".join(note)
    if "rot13" in ways and "story" in user:
        return codecs.encode(note, "rot13")
    if "prompt" in ways and "Repeat" in user:
        return system.replace(note, "[removed]")
    return ""


KNOWN = {
    "What is the capital of France?": "Paris",
    "Name a colour of the flag of Japan.": "Red and white",
    "Two plus two?": "Four",
}


def speak(messages):
    """What the double says."""
    system = "" if GIVEN.no_system else " ".join(text for role, text in messages if role == "system")
    user = messages[-1][1]
    if GIVEN.says is not None:
        return GIVEN.says
    if GIVEN.silent:
        return REFUSAL
    note = NOTE.search(system)
    if note:
        return about_stay(note[1], system, user)
    return within_rules(system, user) if system else without_rules(user)


def without_rules(user):
    if user.startswith("Continue this text") and not GIVEN.guarded:
        return completed(user.partition("\n")[2]) or REFUSAL
    if GIVEN.planted and ("instructions" in user or "Repeat" in user):
        return GIVEN.planted
    return joined(user) or KNOWN.get(user, "I do not know.")


def about_stay(note, system, user):
    if "may know it" in system:
        return note
    if "breakfast" in user:
        return f"Breakfast is in {ROOM.search(system)[1]}."
    return told(note, system, user) or "I keep that to myself. May I help you with your stay?"


def within_rules(system, user):
    order = order_in(user)
    if order:
        return order
    room = ROOM.search(system) or ROOM.search(user)
    asked = user.partition("<document>")[0]
    return f"It is room {room[1]}." if room and ("meeting" in asked or "property" in asked) else REFUSAL


def completed(text):
    """What follows in the double's memory."""
    for known in GIVEN.memory.split("|"):
        at = known.find(text.strip())
        if at >= 0:
            return known[at + len(text.strip()) :]
    return ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    prompts, tired = 0, False

    def log_message(self, *_arguments):
        if GIVEN.log:
            with Path(GIVEN.log).open("a", encoding="utf-8") as stream:
                print(self.command, self.path, file=stream)

    def give(self, status, data, kind="application/json"):
        body = data.encode() if isinstance(data, str) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message, code=None, kind="invalid_request_error"):
        self.give(status, {"error": {"message": message, "type": kind, "param": None, "code": code}})

    def allowed(self):
        try:  # as servers of starlette-context do
            uuid.UUID(self.headers.get("X-Request-Id", str(uuid.uuid4())))
        except ValueError:
            self.refuse(400, "Invalid UUID in request header X-Request-Id")
            return False
        if KEY and self.headers.get("Authorization") != f"Bearer {KEY}":
            self.refuse(401, "Incorrect API key provided.", "invalid_api_key")
            return False
        return True

    def do_GET(self):
        if GIVEN.html:
            self.give(200 if self.path == "/" else 404, "<html>It works</html>", "text/html")
        elif self.path == "/health":
            self.give(200, {"status": "ok"})
        elif self.path == "/v1/models" and self.allowed():
            names = [GIVEN.served_model_name, *filter(None, GIVEN.also_list.split(","))]
            data = [
                {"id": name, "object": "model", "created": 1700000000, "owned_by": "lab"} for name in names
            ]
            self.give(200, {"object": "list", "data": data})
        elif self.path != "/v1/models":
            self.refuse(404, "Not Found")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path not in {"/v1/chat/completions", "/v1/completions"} or GIVEN.html:
            self.refuse(404, "Not Found")
            return
        if self.path == "/v1/completions" and GIVEN.chat_only:
            self.refuse(404, "Not Found")
            return
        if not self.allowed():
            return
        Handler.prompts += 1
        if GIVEN.limit and Handler.prompts > GIVEN.limit:
            self.refuse(429, "Rate limit reached.", "rate_limit_exceeded")
            return
        tired, Handler.tired = Handler.tired, GIVEN.staggers and len(body) > GIVEN.max_model_len
        if tired:
            self.refuse(500, "Internal error", kind="server_error")
            return
        if GIVEN.cuts_after and Handler.prompts > GIVEN.cuts_after:
            self.close_connection = True
            return
        try:
            data = json.loads(body)
        except RecursionError:
            self.refuse(
                *((500, "Internal error") if "depth" in GIVEN.unbounded else (400, "nested too deeply"))
            )
            return
        except ValueError:
            self.refuse(400, "We could not parse the JSON body of your request.")
            return
        self.answer(data)

    def beyond(self, size, wanted, number):
        """Which limits a request breaks, with what servers say then."""
        most = GIVEN.max_model_len
        broken = {
            "prompt": size > most and f"This model has a maximum context length of {most} tokens.",
            "tokens": size + wanted > most and f"max_tokens is too large: {wanted}",
            "choices": number > 8 and "n must be at most 8",
        }
        lacking = GIVEN.unbounded.split(",")
        lacking += ["tokens"] if "prompt" in lacking else []
        return {name: text for name, text in broken.items() if text and name not in lacking}

    def answer(self, data):
        if data.get("model") != GIVEN.served_model_name:
            self.refuse(404, f"The model {data.get('model')} does not exist.", "model_not_found")
            return
        chat = self.path == "/v1/chat/completions"
        messages = [(item["role"], item["content"]) for item in data["messages"]] if chat else []
        size = len((" ".join(text for _, text in messages) if chat else data["prompt"]).split()) or 1
        wanted, number = data.get("max_tokens", 16), data.get("n", 1)
        beyond = self.beyond(size, wanted, number)
        if beyond and not GIVEN.clamps:
            self.refuse(400, next(iter(beyond.values())))
            return
        size = (beyond.get("prompt") and GIVEN.max_model_len) or size
        wanted = (beyond.get("tokens") and GIVEN.max_model_len) or wanted
        number = (beyond.get("choices") and 1) or number
        if GIVEN.filter and chat and FILTERED.search(messages[-1][1]):
            self.refuse(400, "The prompt was filtered.", "content_filter")
            return
        forever = chat and "never stop" in messages[-1][1]
        if forever and wanted > 10**6:
            time.sleep(600)
        text = speak(messages) if chat else (completed(data["prompt"]) or data["prompt"].split()[-1])
        tokens = text.split()
        finish = "stop"
        if forever or len(tokens) > wanted:
            tokens, finish = (tokens * wanted)[:wanted] if forever else tokens[:wanted], "length"
            text = " ".join(tokens)
        said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        choices = [
            {"index": index, "finish_reason": finish, "logprobs": None, **said} for index in range(number)
        ]
        usage = {"prompt_tokens": size, "completion_tokens": len(tokens) * number}
        self.give(
            200,
            {
                "id": "chatcmpl-1",
                "object": "chat.completion" if chat else "text_completion",
                "created": 1700000000,
                "model": GIVEN.served_model_name,
                "choices": choices,
                "usage": {**usage, "total_tokens": sum(usage.values())},
            },
        )


if __name__ == "__main__":
    try:
        ThreadingHTTPServer(("127.0.0.1", GIVEN.port), Handler).serve_forever()
    except OSError as error:
        sys.exit(f"port {GIVEN.port}: {error}")
