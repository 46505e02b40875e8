"""Wrong shapes: keys, tables, types and units."""

from tests.samples.right import DEADLINE, DURATION, FRESH, FROM, RETENTION, SLOTS, TAGS, Wrong

SHAPES = [
    Wrong("version = 1", "", "version: missing key; expected: 1, the version of this format"),
    Wrong("version = 1", "version = 2", "version: expected version = 1, not 2"),
    Wrong("version = 1", "version = true", "version: expected version = 1, not true"),
    Wrong("version = 1", "version = 1\nscreen = 2", 'screen: unknown key; did you mean "screens"?'),
    Wrong("version = 1", "version = 1\nmbu.x = {}", 'mbu: unknown key; did you mean "mbus"?'),
    Wrong(FROM, 'fresh_fro = "60s"', '[fragments.user] fresh_fro: unknown key; did you mean "fresh_for"?'),
    Wrong(RETENTION, "prot = 80", '[service] prot: unknown key; did you mean "port"?'),
    Wrong(RETENTION, "port = 70000", "[service] port: expected a number of at most 65535, not 70000"),
    Wrong(RETENTION, 'port = "80"', '[service] port: expected a whole number, not "80"'),
    Wrong(RETENTION, 'when_unproven = "x"', '[service] when_unproven: expected "reload" or "serve", not "x"'),
    Wrong(
        RETENTION,
        'redis_url = "unix:///r"\nredis_url_file = "x"',
        "[service] redis_url_file: expected one of redis_url and redis_url_file, not both",
    ),
    Wrong(
        RETENTION,
        'l1_bytes = "256"',
        '[service] l1_bytes: expected a size with its unit (B, KB, MB, GB, KiB, MiB, GiB) such as "64KiB", not "256"',
    ),
    Wrong(FRESH, 'fresh_for = "60"', f'[defaults] fresh_for: {DURATION}"60"'),
    Wrong(FRESH, "fresh_for = 60", f"[defaults] fresh_for: {DURATION}60"),
    Wrong(FRESH, 'fresh_for = "60sec"', f'[defaults] fresh_for: {DURATION}"60sec"'),
    Wrong(FRESH, 'fresh_for = "0s"', '[defaults] fresh_for: expected a duration longer than zero, not "0s"'),
    Wrong(FRESH, FRESH + "\n[audit]\nsample = 2", "[audit] sample: expected a number of at most 1, not 2"),
    Wrong(FRESH, FRESH + "\n[audit]\nbudget = 0", "[audit] budget: expected a number of at least 1, not 0"),
    Wrong(FRESH, FRESH + "\njitter = 1.5", "[defaults] jitter: expected a number below 1, not 1.5"),
    Wrong(FRESH, FRESH + "\njitter = nan", "[defaults] jitter: expected a finite number, not nan"),
    Wrong(
        FRESH,
        "",
        '[fragments.user] fresh_for: missing key; expected: how long an answer is fresh, such as "60s", '
        "here or in [defaults]",
    ),
    Wrong(DEADLINE, 'deadline = "-5s"', '[mbus.users] deadline: expected an amount that is not negative, not "-5s"'),
    Wrong(
        DEADLINE,
        "max_in_flight_per_process = 0",
        "[mbus.users] max_in_flight_per_process: expected a number of at least 1, not 0",
    ),
    Wrong(SLOTS, "", "[screens.home] slots: missing key; expected: its slots, in order"),
    Wrong(SLOTS, "slots = {}", "[screens.home] slots: expected at least one entry, there is none"),
    Wrong(SLOTS, "slots = 3", "[screens.home] slots: expected a table, not 3"),
    Wrong(
        SLOTS,
        "slots = { user = 3 }",
        '[screens.home.slots] user: expected a fragment\'s name, or a table such as { fragment = "user", '
        "required = true }",
    ),
    Wrong(
        SLOTS,
        'slots = { user = { fragment = "user", requird = true } }',
        '[screens.home.slots.user] requird: unknown key; did you mean "required"?',
    ),
    Wrong(
        SLOTS,
        'slots = { viewer = "user" }',
        "[screens.home.slots] viewer: the slot names viewer, header, query, cookie are reserved",
    ),
    Wrong(
        SLOTS,
        'slots = { user-1 = "user" }',
        "[screens.home.slots] user-1: expected a slot name that is an identifier: letters, digits and underscores, "
        "no digit first",
    ),
    Wrong(TAGS, 'tags = "user"', '[fragments.user] tags: expected a list, not "user"'),
    Wrong(TAGS, "tags = [3]", "[fragments.user] tags[0]: expected a string, not 3"),
    Wrong(
        "[screens.home]",
        '[screens."a b"]',
        '[screens] "a b": expected a name of 1 to 64 letters, digits, underscores or hyphens',
    ),
    Wrong('tags = ["user:*"]', "tags = []", "[publishers.users] tags: expected at least one entry, there is none"),
]
