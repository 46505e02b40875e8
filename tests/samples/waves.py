"""A declaration whose screen takes three waves, and asks for everything that a request has."""

WAVES = """\
version = 1
[defaults]
fresh_for = "60s"
jitter = 0.0
early_refresh = 0.0
[mbus.feeds]
url = "http://127.0.0.1:9001/v2"
deadline = "800ms"
[mbus.users]
url = "http://127.0.0.1:9002"
deadline = "500ms"
[mbus.shop]
url = "http://127.0.0.1:9003"
deadline = "400ms"
[fragments.feed]
mbu = "feeds"
path = "/feeds/{feed_id}?page={query.page}"
tags = ["feed:{feed_id}"]
stale_if_error = "10m"
[fragments.theme]
mbu = "users"
path = "/themes/{cookie.theme}"
headers = { accept-language = "{header.accept-language}" }
[fragments.cart]
mbu = "shop"
path = "/cart"
forward = ["authorization"]
[fragments.user]
mbu = "users"
path = "/users/{user_id}?for={feed_id}"
tags = ["user:{user_id}"]
stale_if_error = "10m"
serve_overtaken_on_error = "5m"
[fragments.article]
mbu = "shop"
path = "/articles/{article_id}"
tags = ["article:{article_id}"]
batch = { path = "/articles?ids={ids}", max = 50, key = "id" }
[fragments.popular]
mbu = "shop"
path = "/popular"
[fragments.badge]
mbu = "users"
path = "/badges/{badge_id}"
[screens.story]
path = "/stories/{feed_id:int}"
query = { page = { type = "int", default = 1 }, sort = {} }
headers = ["accept-language"]
cookies = ["theme"]
deadline = "1500ms"
[screens.story.slots.feed]
fragment = "feed"
required = true
at = "main.feed"
pick = ["items", "owner"]
rename = { "items.id" = "key" }
[screens.story.slots]
theme = "theme"
cart = { fragment = "cart", required = true }
owner = { fragment = "user", with = { user_id = "feed.owner_id" }, fallback = { name = "?" } }
badge = { fragment = "badge", with = { badge_id = "owner.badge_id" } }
[screens.story.slots.articles]
fragment = "article"
each = { article_id = "feed.items[*].id" }
max_items = 20
fallback_fragment = "popular"
[[viewer.keys]]
algorithm = "HS256"
secret_env = "TOKENS"
audience = "shop"
"""
