"""JSON texts that have to be taken as they are, and texts that are no JSON (RFC 8259), by what is odd about them."""

_SCALARS = "0 -0 1 -1 10 123 0.0 -0.1 1.5 1e0 1E1 1e+1 1e-1 1.5e3 -1.25E-7 123456789012345678901234567890 1e-400"
_WORDS = "true false null"
_ESCAPES = [rf"\{one}" for one in '"\\/bfnrt'] + [
    r"\u0000",
    r"\u00e9",
    r"\uFFFF",
    r"\ud83d\ude00",
    r"\u0022",
    r"\u005C",
]
_RAW = ["é", "€", "😀", "\u2028", "\u2029", "\ufeff", "\u007f", "\ufffd", "'", "//", "/**/", "\U0010ffff"]
_WHOLE = [
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    '""',
    '{"":0}',
    '{"a":1,"a":2}',
    '{"a":{"b":[1,{"c":null}]}}',
    '[1,"1",true,null,{},[]]',
    '{"\\u0000":1}',
    "[" * 500 + "]" * 500,
    '{"a":' * 300 + "0" + "}" * 300,
    '"' + "x" * 10_000 + '"',
    "[" + ",".join("0" for _ in range(10_000)) + "]",
    "{" + ",".join(f'"{n}":{n}' for n in range(5_000)) + "}",
]
_SPACED = [" [ ] ", "\t{\t}", '\n{"a"\r\n:\t1 ,"b" : 2}', "[1 ,2]", " 1 ", '"a" ']

TEXTS = [
    text.encode()
    for text in [
        *_SCALARS.split(),
        *_WORDS.split(),
        *(f"[{text}]" for text in [*_SCALARS.split(), *_WORDS.split()]),
        *(f'"{text}"' for text in [*_ESCAPES, *_RAW]),
        *(f'{{"{text}":1}}' for text in _ESCAPES[:8]),
        *_WHOLE,
        *_SPACED,
    ]
]

_NO_NUMBERS = (
    "+1 01 -01 1. .5 -.5 1.e1 1e 1e+ 1e1.5 0x1 0b1 0o7 1_000 1,5 - -- +-1 1"
    "-1 NaN -NaN Infinity -Infinity inf nan 1a 1e5e5 ١ 1L 1n"
)
_NO_WORDS = "True FALSE Null nul truee undefined nil yes a"
_NO_STRINGS = [
    '"',
    '"a',
    'a"',
    "'a'",
    "`a`",
    '"\\"',
    '"\\x41"',
    '"\\a"',
    '"\\u12"',
    '"\\u12G4"',
    '"\\U0041"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\u0041"',
    '"\\ud800\\ud800"',
    '"\\',
    '"a" "b"',
    '""""',
    '"a"b',
]
_NO_STRUCTURE = [
    "",
    " ",
    "[",
    "]",
    "{",
    "}",
    "[}",
    "{]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[,]",
    "[1 2]",
    "[1;2]",
    "[1:2]",
    "[[1]",
    "[1]]",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,"a":1}',
    '{"a":1,,"b":2}',
    '{"a" 1}',
    '{"a"=1}',
    '{"a":1:2}',
    "{a:1}",
    "{1:1}",
    "{null:1}",
    "{'a':1}",
    '{"a":1',
    '{"a":1}}',
    '{"a":1 "b":2}',
    '{"a":1}{"b":2}',
    "1 2",
    "[] []",
    "[]//",
    "[]/**/",
    "/**/[]",
    "#",
    "<a/>",
    "[1]\x00",
    "\x00[1]",
    "[\x0b1]",
    "[\x0c1]",
    "[\u00a01]",
    "[\u20281]",
    "\ufeff[]",
    "...",
    "[...]",
    "(1)",
    "[1]]]",
    "[" * 100_000,
    '{"a":' * 10_000,
    "[" * 10_000 + "]" * 10_000,
]
_NO_UTF8 = [
    b'"\xff"',
    b'"\xc3"',
    b'"\xc0\xaf"',
    b'"\xe0\x80\xaf"',
    b'"\xed\xa0\x80"',
    b'"\xed\xbf\xbf"',
    b'"\xf4\x90\x80\x80"',
    b'"\x80"',
    b'"\xe2\x82"',
    b'{"\xff":1}',
    b"\xff[]",
    b"[\xe9]",
    '{"a":1}'.encode("utf-16"),
    '{"a":1}'.encode("utf-16-be"),
    '{"a":1}'.encode("utf-32"),
]

NO_TEXTS = [
    *(
        text.encode()
        for text in [
            *_NO_NUMBERS.split(),
            *(f"[{text}]" for text in _NO_NUMBERS.split() if "," not in text),
            *_NO_WORDS.split(),
            *(f'{{"a":{text}}}' for text in _NO_WORDS.split()),
            *_NO_STRINGS,
            *_NO_STRUCTURE,
            *(f'"{chr(control)}"' for control in range(0x20)),
            *(f'{{"{chr(control)}":1}}' for control in (0, 9, 10, 31)),
        ]
    ),
    *_NO_UTF8,
]
