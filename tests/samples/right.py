"""A right declaration, and how a wrong one differs from it."""

from typing import NamedTuple

RIGHT = """\
version = 1
[service]
log_retention = "1h"
[defaults]
fresh_for = "60s"
[mbus.users]
url = "http://127.0.0.1:9001"
deadline = "500ms"
headers = { x-api-key = "k" }
[fragments.user]
mbu = "users"
path = "/users/{user_id}"
tags = ["user:{user_id}"]
tags_from = "[*].id"
[screens.home]
path = "/screens/home/{user_id}"
slots = { user = "user" }
[publishers.users]
key_env = "USERS_KEY"
tags = ["user:*"]
"""
ENVIRON = {"USERS_KEY": "a-key"}


class Wrong(NamedTuple):
    """`old` in the right one becomes `new`; `line` is what is then said, without the file's name."""

    old: str
    new: str
    line: str
    right: str = RIGHT

    @property
    def text(self) -> str:
        """The wrong declaration."""
        assert self.right.count(self.old) == 1, self.old
        return self.right.replace(self.old, self.new)


DURATION = 'expected a duration with its unit (ms, s, m, h, d) such as "60s", not '
URL = 'url = "http://127.0.0.1:9001"'
FRAGMENT_PATH = 'path = "/users/{user_id}"'
SCREEN_PATH = 'path = "/screens/home/{user_id}"'
SLOTS = 'slots = { user = "user" }'
TAGS = 'tags = ["user:{user_id}"]'
HEADERS = 'headers = { x-api-key = "k" }'
KEY = 'key_env = "USERS_KEY"'
FRESH = 'fresh_for = "60s"'
DEADLINE = 'deadline = "500ms"'
RETENTION = 'log_retention = "1h"'
FROM = 'tags_from = "[*].id"'
