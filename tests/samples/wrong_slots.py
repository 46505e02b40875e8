"""Wrong slots: a right declaration of a screen that is a plan, what is changed in it, and the line that says so."""

from tests.samples.right import Wrong

RIGHT = """\
version = 1
[defaults]
fresh_for = "60s"
[[viewer.keys]]
algorithm = "HS256"
secret_env = "JWT_KEY"
[mbus.m]
url = "http://127.0.0.1:9001"
[fragments.feed]
mbu = "m"
path = "/feeds/{user_id}"
[fragments.user]
mbu = "m"
path = "/users/{id}"
[fragments.article]
mbu = "m"
path = "/articles/{lang}/{id}"
batch = { path = "/articles/{lang}?ids={ids}", max = 50, key = "id" }
[fragments.cart]
mbu = "m"
path = "/carts/{viewer.sub}?p={query.page}"
forward = ["authorization"]
headers = { accept-language = "{header.accept-language}" }
[screens.home]
path = "/home/{user_id}"
query = { page = { type = "int", default = 1 } }
headers = ["accept-language"]
cookies = ["theme"]
[screens.home.slots]
feed = { fragment = "feed", required = true }
owner = { fragment = "user", with = { id = "feed.owner" } }
articles = { fragment = "article", each = { id = "feed.items[*].id" }, with = { lang = "query.page" } }
cart = { fragment = "cart", at = "mine.cart", pick = ["lines"] }
friend = { fragment = "user", with = { id = "owner.friend" }, fallback_fragment = "feed" }
"""
ENVIRON = {"JWT_KEY": "0123456789abcdef0123456789abcdef"}


def wrong(old: str, new: str, line: str) -> Wrong:
    """`old` in RIGHT becomes `new`; `line` is in what is then said."""
    return Wrong(old, new, line, RIGHT)


FEED = 'feed = { fragment = "feed", required = true }'
OWNER = 'with = { id = "feed.owner" }'
ARTICLES = 'each = { id = "feed.items[*].id" }'
LANG = 'with = { lang = "query.page" }'
CART = 'at = "mine.cart"'
FRIEND = 'with = { id = "owner.friend" }'
BATCH = 'batch = { path = "/articles/{lang}?ids={ids}", max = 50, key = "id" }'
VIEWER = '[[viewer.keys]]\nalgorithm = "HS256"\nsecret_env = "JWT_KEY"\n'
HEADERS = 'headers = ["accept-language"]'
QUERY = 'query = { page = { type = "int", default = 1 } }'

GRAPHS = [
    wrong(
        OWNER,
        'with = { id = "owner.id" }',
        "[screens.home] slots.owner: needs itself: owner → owner; expected: no circle",
    ),
    wrong(OWNER, 'with = { id = "friend.id" }', "needs itself: owner → friend → owner; expected: no circle"),
    wrong(
        FEED,
        'feed = { fragment = "feed", with = { user_id = "friend.id" } }',
        "needs itself: feed → friend → owner → feed; expected: no circle",
    ),
    wrong(
        FEED,
        'feed = { fragment = "feed", with = { user_id = "feed.id" } }',
        "[screens.home] slots.articles: is never reached: it needs feed, which cannot be had",
    ),
    wrong(
        OWNER,
        'with = { id = "fed.owner" }',
        "[screens.home] slots.owner.with.id: no slot is called fed; expected one of: feed, articles, cart, friend, "
        'user_id; did you mean "feed"?',
    ),
    wrong(
        OWNER,
        'with = { id = "fed.owner" }',
        "[screens.home] slots.friend: is never reached: it needs owner, which cannot be had",
    ),
    wrong(
        FRIEND,
        'with = { id = "s7.n" } }\n'
        + "\n".join(
            f's{n} = {{ fragment = "user", with = {{ id = "{f"s{n - 1}" if n else "feed"}.n" }} }}' for n in range(8)
        )
        + '\nlast = { fragment = "user", with = { id = "feed.n" }',
        "[screens.home] slots.friend: lies 10 waves deep: feed → s0 → s1 → s2 → s3 → s4 → s5 → s6 → s7 → friend; "
        "expected: 8 at most",
    ),
]

SOURCES = [
    wrong(
        OWNER,
        'with = { ids = "feed.owner" }',
        '[screens.home] slots.owner.with.ids: user has no input of this name; expected one of: id; did you mean "id"?',
    ),
    wrong(
        OWNER,
        "required = true",
        "[fragments.user] path: {id} is filled by no input of [screens.home], which uses it as owner: its path has "
        "{user_id}, and the slot gives it nothing else",
    ),
    wrong(
        OWNER,
        'with = { id = "feed.items[*].id" }',
        "[screens.home] slots.owner.with.id: feed.items[*].id is a list where one value is meant; expected: each",
    ),
    wrong(
        ARTICLES,
        'each = { id = "feed.first.id" }',
        '[screens.home] slots.articles.each.id: feed.first.id is no list; expected: a path with "[*]", or with',
    ),
    wrong(
        LANG,
        'with = { lang = "query.page", id = "feed.x" }',
        "[screens.home] slots.articles.each.id: is given by with, too; expected: one of the two",
    ),
    wrong(
        ARTICLES + ", " + LANG,
        'each = { id = "feed.items[*].id", lang = "feed.others[*].lang" }',
        "[screens.home] slots.articles.each: walks 2 lists; expected: inputs of the same elements",
    ),
    wrong(
        OWNER,
        OWNER + ", max_items = 5",
        "[screens.home] slots.owner.max_items: bounds a list; expected: each, which makes the slot one",
    ),
    wrong(
        ARTICLES,
        ARTICLES + ", max_items = 1001",
        "[screens.home.slots.articles] max_items: expected a number of at most 1000, not 1001",
    ),
    wrong(
        OWNER,
        'with = { id = ".owner" }',
        '[screens.home.slots.owner.with] id: ".owner" is no payload path from character 1 on',
    ),
    wrong(
        OWNER,
        'with = { id = "query.pag" }',
        "[screens.home] slots.owner.with.id: query.pag is not declared; expected: query = { pag = {} } in "
        "[screens.home]",
    ),
    wrong(
        OWNER,
        'with = { id = "cookie.session" }',
        '[screens.home] slots.owner.with.id: cookie.session is not declared; expected: cookies = ["session"] in '
        "[screens.home]",
    ),
    wrong(
        HEADERS,
        "",
        "[fragments.cart] path: {header.accept-language} is filled by no input of [screens.home], which uses it as "
        "cart: "
        'header.accept-language is not declared; expected: headers = ["accept-language"] in [screens.home]',
    ),
]

PLACES = [
    wrong(CART, 'at = "feed"', "[screens.home] slots.cart.at: feed is written by slots.feed too, at feed"),
    wrong(CART, 'at = "feed.cart"', "[screens.home] slots.cart.at: feed.cart is written by slots.feed too, at feed"),
    wrong(CART, 'at = "a..b"', '[screens.home.slots.cart] at: expected names parted by dots, such as "profile.user"'),
    wrong(
        'pick = ["lines"]',
        'pick = ["lines"], omit = ["price"]',
        '[screens.home] slots.cart: omit "price": it lies inside nothing that is picked',
    ),
    wrong(
        'pick = ["lines"]',
        'rename = { a = "x", b = "x" }',
        '[screens.home] slots.cart: rename "b": another member becomes "x" already',
    ),
]

FALLBACKS = [
    wrong(
        OWNER,
        OWNER + ", fallback = 1180591620717411303424",
        "[screens.home.slots.owner] fallback: expected a value that JSON has",
    ),
    wrong(OWNER, OWNER + ", fallback = [nan]", "[screens.home.slots.owner] fallback: expected a value that JSON has"),
    wrong(
        'fallback_fragment = "feed"',
        'fallback_fragment = "fed"',
        "[screens.home] slots.friend.fallback_fragment: no fragment is called fed; expected one of: feed, user, "
        'article, cart; did you mean "feed"?',
    ),
    wrong(
        'fallback_fragment = "feed"',
        'fallback_fragment = "user"',
        "[screens.home] slots.friend.fallback_fragment: is the slot's own fragment; expected: another one",
    ),
    wrong(
        ARTICLES,
        ARTICLES + ', fallback_fragment = "user"',
        "[screens.home] slots.articles.fallback_fragment: {id} is one of many here; expected: a fragment that stands "
        "in "
        "for the whole list",
    ),
    wrong(
        OWNER,
        OWNER + ", fallback = 2026-01-01",
        "[screens.home.slots.owner] fallback: expected a value that JSON has",
    ),
]

BATCHES = [
    wrong(
        BATCH, BATCH.replace("{ids}", "{id}"), "[fragments.article] batch.path: has no {ids}; expected: where the ids"
    ),
    wrong(
        BATCH,
        BATCH.replace("/{lang}?", "?"),
        "[fragments.article] batch.path: leaves {lang}, {id} to vary; expected: all inputs of the fragment but one",
    ),
    wrong(
        BATCH, BATCH.replace("{lang}", "{long}"), "[fragments.article] batch.path: {long} is no input of the fragment"
    ),
    wrong(
        BATCH,
        BATCH.replace('"id"', '"[*].id"'),
        '[fragments.article] batch.key: "[*].id" leads to many places; expected',
    ),
    wrong(BATCH, BATCH.replace("50", "0"), "[fragments.article.batch] max: expected a number of at least 1, not 0"),
]

PRIVATE = [
    wrong(
        'path = "/users/{id}"',
        'path = "/users/{id}"\ntags = ["user:{id}"]\n[fragments.spare]\nmbu = "m"\npath = "/spare"\n'
        '[screens.spare]\npath = "/spare"\ncookies = ["theme"]\n'
        '[screens.spare.slots]\nuser = { fragment = "user", with = { id = "cookie.theme" } }',
        "[screens.spare] slots.user.with.id: cookie.theme may be a secret, and would stand in tags",
    ),
    wrong(
        'cart = { fragment = "cart",',
        'cart = { fragment = "cart", with = { "viewer.sub" = "feed.owner" },',
        "[screens.home] slots.cart.with.viewer.sub: viewer.sub is a part of the request, and nothing else stands for",
    ),
    wrong(
        VIEWER,
        "",
        "[fragments.cart] forward: makes it private to viewers, and nothing says how a viewer's token is verified; "
        "expected: [[viewer.keys]]",
    ),
    wrong(VIEWER, "", "[fragments.cart] path: {viewer.sub} is a claim of viewers, and nothing says how"),
    wrong(
        HEADERS,
        'headers = ["accept-language", "authorization"]',
        "[screens.home] headers[1]: authorization holds a credential: the claims of a token are {viewer.NAME}",
    ),
    wrong(
        QUERY,
        QUERY.replace("default = 1", 'default = "one"'),
        "[screens.home] query.page.default: is not of the type int",
    ),
    wrong(
        'path = "/users/{id}"',
        'path = "/users/{id}/{claims.sub}"',
        "[fragments.user] path: {claims.sub} is no part of a request; expected a plain name, or one of {viewer.NAME}",
    ),
    wrong(
        'path = "/users/{id}"',
        'path = "/users/{id}/{cookie.theme}"\ntags = ["theme:{cookie.theme}"]',
        "[fragments.user] tags[0]: {cookie.theme} may be a secret, and tags are seen by all who read the log",
    ),
    wrong(
        'forward = ["authorization"]',
        'forward = ["authorization", "accept-language"]',
        "[fragments.cart] forward: accept-language is set by headers, too; expected: one of the two",
    ),
]

WRONG_SLOTS = [*GRAPHS, *SOURCES, *PLACES, *FALLBACKS, *BATCHES, *PRIVATE]
