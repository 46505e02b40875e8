"""What is wrong with the form of an MBU: which it has, what it names, and what stands beside it."""

from tests.samples.right import URL, Wrong

APP, CALL = 'app = "tests.samples.shop:app"', 'call = "tests.samples.shop:fetch"'

FORMS = [
    Wrong(URL, "", "[mbus.users] url: expected exactly one of url, app and call, not none"),
    Wrong(URL, f"{URL}\n{APP}", "[mbus.users] app: expected exactly one of url, app and call, not url and app"),
    Wrong(URL, f"{APP}\n{CALL}", "[mbus.users] call: expected exactly one of url, app and call, not app and call"),
    Wrong(
        URL,
        f"{URL}\n{APP}\n{CALL}",
        "[mbus.users] call: expected exactly one of url, app and call, not url and app and call",
    ),
    Wrong(URL, 'app = "shop"', '[mbus.users] app: expected "module:attribute", such as "shop.users:app"'),
    Wrong(URL, 'call = "a b:c"', '[mbus.users] call: expected "module:attribute", such as "shop.users:app"'),
    Wrong(URL, "call = 3", "[mbus.users] call: expected a string, not 3"),
    Wrong(
        URL,
        'app = "no_such_shop:app"',
        "[mbus.users] app: no_such_shop cannot be imported: ModuleNotFoundError: No module named 'no_such_shop'",
    ),
    Wrong(
        URL,
        'call = "tests.samples.shop:fetsch"',
        '[mbus.users] call: tests.samples.shop has no attribute "fetsch"; did you mean "fetch"?',
    ),
    Wrong(
        URL,
        'call = "tests.samples.shop:asked.most_comon"',
        '[mbus.users] call: tests.samples.shop.asked has no attribute "most_comon"; did you mean "most_common"?',
    ),
    Wrong(
        URL,
        'call = "tests.samples.shop:openings"',
        "[mbus.users] call: tests.samples.shop:openings is int, and cannot be called",
    ),
    Wrong(
        URL,
        'app = "tests.samples.shop:fetch"',
        "[mbus.users] app: tests.samples.shop:fetch cannot be called with (scope, receive, send), as app is",
    ),
    Wrong(
        URL,
        'call = "tests.samples.shop:app"',
        "[mbus.users] call: tests.samples.shop:app cannot be called with (request), as call is",
    ),
    Wrong(
        URL,
        f'{APP}\nca_file = "/dev/null"',
        "[mbus.users] ca_file: is for an MBU with url, and this one has app: there is no connection to protect",
    ),
    Wrong(
        URL,
        f'{CALL}\nclient_cert_file = "c"\nclient_key_file = "k"',
        "[mbus.users] client_key_file: is for an MBU with url, and this one has call: there is no connection to "
        "protect",
    ),
]
