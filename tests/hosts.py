"""Where a page runs: in Chromium, or in a JavaScript engine with a little of a browser.

Both open a file, type, press keys, and say what an expression of the page is.
"""

import json
import os
import select
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

from py_mini_racer import MiniRacer


def works(browser):
    """Tell whether a browser is there; some systems have a script that says no."""
    command = browser and [browser, "--version"]
    return command and not subprocess.run(command, capture_output=True).returncode


BROWSERS = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
CHROMIUM = next(filter(works, BROWSERS), None)
DOM = Path(__file__).with_name("dom.js").read_text(encoding="utf-8")


class Scripts(HTMLParser):
    """The elements of a page: its scripts, and the tags of all."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "script":
            self.texts.append("")

    def handle_data(self, data):
        if self.tags and self.lasttag == "script" and self.cdata_elem == "script":
            self.texts[-1] += data


class Engine:
    """V8, with `dom.js` for a browser."""

    def open(self, path, prefix=None):
        self.v8 = MiniRacer()
        self.v8.eval(DOM)
        model, script = Scripts(path.read_text(encoding="utf-8")).texts
        self.v8.eval(f"elements.model = {{textContent: {json.dumps(model)}}}")
        if prefix is not None:
            self.v8.eval(f"location.hash = {json.dumps('#q=' + quote(prefix))}")
        self.v8.eval(script)

    def focus(self):
        """Do nothing: all keys go to the search box."""

    def evaluate(self, expression):
        return json.loads(self.v8.eval(f"JSON.stringify({expression})"))

    def type(self, text):
        self.evaluate(f"typeText({json.dumps(text)}) ?? null")

    def press(self, key, *, shift=False):
        """Press a key; return whether the page left it to the browser."""
        return self.evaluate(f"pressKey({json.dumps(key)}, {json.dumps(shift)})")

    def close(self):
        del self.v8


# The browser listens and answers at the pipes of these numbers.
LAUNCH = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it reads nothing but pages of these tests
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
)
# What a page complains of: the console, its security policy, what it failed to catch.
ERRORS = {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}


class Chromium:
    """A real browser, driven by its own protocol."""

    def __init__(self, profile):
        listens, self.write = os.pipe()
        self.read, answers = os.pipe()
        command = CHROMIUM, *FLAGS, f"--user-data-dir={profile}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(listens), str(answers), *command],
            pass_fds=(listens, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(listens)
        os.close(answers)
        self.pending, self.count, self.session = b"", 0, {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = {"sessionId": attached["sessionId"]}
        self.call("Page.enable")
        self.call("Log.enable")
        self.call("Runtime.enable")

    def call(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params, **self.session}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.pending:
                ready, _, _ = select.select([self.read], [], [], 60)
                assert ready, "the browser does not answer"
                answer = os.read(self.read, 1 << 20)
                assert answer, "the browser has ended"
                self.pending += answer
            message, self.pending = self.pending.split(b"\0", 1)
            message = json.loads(message)
            assert message.get("method") not in ERRORS, message
            if message.get("id") == self.count:
                assert "error" not in message, message
                return message["result"]

    def open(self, path, prefix=None):
        fragment = "" if prefix is None else f"#q={quote(prefix)}"
        # From one fragment of a page to another, nothing would be loaded.
        for url in ("about:blank", path.as_uri() + fragment):
            self.call("Page.navigate", url=url)
            while self.evaluate("document.readyState") != "complete":
                pass
        self.focus()

    def focus(self):
        self.evaluate("input.focus()")

    def evaluate(self, expression):
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def type(self, text):
        for character in text:
            self.call("Input.insertText", text=character)

    def press(self, key, *, shift=False):
        """Press a key; return whether the page left it to the browser."""
        self.evaluate(
            "addEventListener('keydown', (event) => "
            "{ isLeft = !event.defaultPrevented; }, { once: true })"
        )
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, modifiers=8 * shift)
        return self.evaluate("isLeft")

    def close(self):
        self.call("Browser.close")
        self.process.wait(60)
        os.close(self.read)
        os.close(self.write)
