"""Wrong texts: URLs, paths, tags and headers."""

from tests.samples.right import FRAGMENT_PATH, FROM, HEADERS, SCREEN_PATH, TAGS, URL, Wrong

TEXTS = [
    Wrong(URL, 'url = "http://"', '[mbus.users] url: expected a URL with a host such as "http://127.0.0.1:9001"'),
    Wrong(URL, 'url = "users:9001"', '[mbus.users] url: expected a URL that begins with "http://" or "https://"'),
    Wrong(
        URL,
        'url = "http://a:hush@h"',
        "[mbus.users] url: expected a URL without credentials; send those as headers from env or file",
    ),
    Wrong(
        URL,
        'url = "http://h/?a=1"',
        "[mbus.users] url: expected a URL without query or fragment; a query belongs to a fragment's path",
    ),
    Wrong(
        URL,
        'url = "http://h:x"',
        '[mbus.users] url: expected a URL such as "http://127.0.0.1:9001": Port could not be cast to integer value '
        "as 'x'",
    ),
    Wrong(
        HEADERS,
        'headers = { "x y" = "k" }',
        '[mbus.users.headers] "x y": expected a header name: letters, digits and hyphens, as in RFC 9110, section 5.1',
    ),
    Wrong(
        HEADERS,
        'headers = { x = "k\\r\\ny: z" }',
        "[mbus.users.headers] x: expected a header value of visible ASCII characters, without line breaks or outer "
        "spaces",
    ),
    Wrong(
        HEADERS,
        'headers = { Host = "k" }',
        "[mbus.users.headers] Host: this header is set by the connection or by each load, and cannot be declared",
    ),
    Wrong(
        HEADERS,
        'headers = { a = "k", A = "k" }',
        "[mbus.users] headers: names a header twice: upper and lower case are the same here",
    ),
    Wrong(
        FRAGMENT_PATH,
        'path = "users"',
        '[fragments.user] path: expected a path that begins with one "/", such as "/users/{user_id}", not "users"',
    ),
    Wrong(
        FRAGMENT_PATH,
        'path = "/users#x"',
        '[fragments.user] path: expected a path without "#": an MBU never sees what stands behind it',
    ),
    Wrong(
        FRAGMENT_PATH,
        'path = "/users/{user_id:int}"',
        "[fragments.user] path: \"{user_id:int}\": a parameter's type is declared in the screen's path, not here",
    ),
    Wrong(
        FRAGMENT_PATH,
        'path = "/a b"',
        "[fragments.user] path: expected a path of URL characters; percent-encode others",
    ),
    Wrong(
        FRAGMENT_PATH,
        'path = "/a/%2e./{user_id}"',
        '[fragments.user] path: expected a path without "." or ".." as a segment',
    ),
    Wrong(
        TAGS,
        'tags = ["user:{"]',
        '[fragments.user] tags[0]: "user:{" has a brace outside a placeholder such as {user_id}',
    ),
    Wrong(TAGS, 'tags = [""]', "[fragments.user] tags[0]: a tag has 1 to 256 bytes, this one has 0"),
    Wrong(
        FROM,
        'tags_from = ".id"',
        '[fragments.user] tags_from: ".id" is no payload path from character 1 on; write it like "[*].id"',
    ),
    Wrong(
        SCREEN_PATH,
        'path = "screens"',
        '[screens.home] path: "screens" is no path of a screen: write one like "/screens/home/{user_id}"',
    ),
    Wrong(
        SCREEN_PATH,
        'path = "/s/{user_id:integer}"',
        '[screens.home] path: "/s/{user_id:integer}": "integer" is no parameter type; there are str, int, uuid',
    ),
]
