"""What is wrong between tables, between a table and its surroundings, and with the file as a whole."""

from tests.samples.right import FROM, HEADERS, KEY, SCREEN_PATH, SLOTS, TAGS, Wrong

ACROSS = [
    Wrong(
        'mbu = "users"',
        'mbu = "user"',
        '[fragments.user] mbu: no MBU is called user; expected one of: users; did you mean "users"?',
    ),
    Wrong(
        SLOTS,
        'slots = { user = "usr" }',
        '[screens.home] slots.user: no fragment is called usr; expected one of: user; did you mean "user"?',
    ),
    Wrong(
        SCREEN_PATH,
        'path = "/screens/home/{usr_id}"',
        "[fragments.user] path: {user_id} is filled by no input of [screens.home], which uses it as user: its path has "
        '{usr_id}, and the slot gives it nothing else; did you mean "usr_id"?',
    ),
    Wrong(
        TAGS,
        'tags = ["user:{id}"]',
        "[fragments.user] tags[0]: {id} is no input of the fragment, whose path has {user_id}",
    ),
    Wrong(
        FROM,
        'tags_from_prefix = "x:"',
        "[fragments.user] tags_from_prefix: stands before tags found in the payload; expected: tags_from, which says "
        "where those are",
    ),
    Wrong(
        "[publishers.users]",
        '[screens.other]\npath = "/screens/home/{user_id:int}"\nslots.u = "user"\n[publishers.users]',
        "[screens.other] path: takes the same requests as [screens.home], /screens/home/{user_id}",
    ),
    Wrong(
        "[publishers.users]",
        '[screens.other]\npath = "/readyz"\nslots.u = "user"\n[publishers.users]',
        "[screens.other] path: takes the same requests as the reserved path /readyz",
    ),
    Wrong(
        SLOTS,
        f'{SLOTS}\ncache_headers = false\nclient_max_age = "5s"',
        "[screens.home] client_max_age: tells each client how old its answer is, and cache_headers = false is to tell "
        "nobody; expected: one of the two",
    ),
    Wrong(KEY, 'key_env = "USRS_KEY"', "[publishers.users] key_env: the variable USRS_KEY is not set"),
    Wrong(
        KEY,
        KEY + '\nsigned = "hmac-sha256"',
        "[publishers.users] key_env: what the variable USERS_KEY holds is wrong: the key on line 1 has 5 bytes; "
        "expected: at least 32, for HS256 (RFC 7518, section 3.2)",
    ),
    Wrong(
        KEY,
        KEY + '\nsigned = "ed25519"',
        "[publishers.users] key_env: what the variable USERS_KEY holds is wrong: it holds no key",
    ),
    Wrong(KEY, "", "[publishers.users] key_env: expected exactly one of key_env and key_file, not neither"),
    Wrong(
        KEY,
        KEY + '\nkey_file = "k"',
        "[publishers.users] key_env: expected exactly one of key_env and key_file, not both",
    ),
    Wrong(
        KEY,
        'key_file = "/nowhere"',
        "[publishers.users] key_file: the file /nowhere cannot be read: No such file or directory",
    ),
    Wrong(
        HEADERS,
        'headers = { x = { env = "NOT_THERE" } }',
        "[mbus.users] headers.x: the variable NOT_THERE is not set",
    ),
    Wrong(
        HEADERS,
        'headers = { x = { file = "/nowhere" } }',
        "[mbus.users] headers.x: the file /nowhere cannot be read: No such file or directory",
    ),
    Wrong(HEADERS, "headers = { x = {} }", "[mbus.users] headers.x: expected exactly one of env and file, not neither"),
    Wrong(
        HEADERS,
        'client_key_file = "/dev/null"',
        "[mbus.users] client_key_file: is of no use alone; expected: client_cert_file beside it",
    ),
    Wrong(
        HEADERS,
        'ca_file = "/nowhere"',
        "[mbus.users] ca_file: the file /nowhere cannot be read: No such file or directory",
    ),
]

SYNTAX = [
    Wrong("version = 1", "version = = 1", "line 1, column 11: no valid TOML: Invalid value"),
    Wrong('tags = ["user:*"]\n', 'tags = ["user:*"', "line 20, column 17: no valid TOML: Unclosed array"),
    Wrong("[screens.home]", "[mbus.users]", "line 15, column 1"),
    Wrong("version = 1", "a = " + "[" * 5000, "is nested too deeply to be a declaration"),
]
