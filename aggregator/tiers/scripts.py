"""The steps that must be one step in Redis, as Lua.

KEYS are the entry's key and its lease's, unless said otherwise. `text` reads a string and takes any other type for
nothing there. Positions are compared byte by byte: `<` on Lua strings goes by the server's locale.
"""

from dataclasses import dataclass, field
from hashlib import sha1

_COMMON = """
local function text(command, ...)
  local reply = redis.pcall(command, ...)
  return type(reply) == 'string' and reply or false
end
local function lower(a, b)
  for i = 1, 24 do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return false
end
local function is_lease(mark) return mark and #mark == 41 and string.sub(mark, 1, 1) == 'L' end
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the name under which a server keeps it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


# ARGV: my mark, the overtaking position or '', the term in ms, 1 = not if there is an entry. Gives: won or not, the
# standing mark, the entry.
CLAIM = Script(
    _COMMON
    + """
local entry, mark = text('GET', KEYS[1]), text('GET', KEYS[2])
if entry and ARGV[4] == '1' then return {0, false, entry} end
local stands = is_lease(mark) and not (ARGV[2] ~= '' and lower(string.sub(mark, 18), ARGV[2]))
local told = mark and (string.sub(mark, 1, 1) == 'F' or mark == 'U')
if stands or told then return {0, mark, entry} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return {1, ARGV[1], entry}
"""
)

# ARGV: my mark, the term in ms. Gives: still mine or not.
RENEW = Script(
    _COMMON
    + """
if text('GET', KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[2], ARGV[2])
"""
)

# ARGV: the envelope, ms to keep it (0 = not at all), my mark or ''. Gives: kept or not.
# 1. A loads under a lease; it runs out. 2. B claims, and loads anew. 3. A's answer arrives: it finds B's lease, or none
# as B has stored by then, and is refused. B may have begun at no higher position, so that positions do not tell.
STORE = Script(
    _COMMON
    + """
local blob, mark = ARGV[1], text('GET', KEYS[2])
if (is_lease(mark) and mark or '') ~= ARGV[3] then return 0 end
if mark then redis.call('DEL', KEYS[2]) end
if tonumber(ARGV[2]) <= 0 then return 0 end
local old = text('GETRANGE', KEYS[1], 0, 27)
local comparable = old and #old == 28 and string.sub(old, 1, 4) == string.sub(blob, 1, 4)
if comparable and lower(string.sub(blob, 5, 28), string.sub(old, 5)) then return 0 end
redis.call('SET', KEYS[1], blob, 'PX', ARGV[2])
return 1
"""
)

# KEYS: the entry's alone. ARGV: the stamp that was found on it. Gives: deleted or not.
# 1. A position is damaged so that it reads higher than any to come. 2. Every STORE is refused until the entry expires.
DROP = Script(
    _COMMON
    + """
if text('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
)

# ARGV: my mark, what is told to others or '', ms to tell it.
RELEASE = Script(
    _COMMON
    + """
if text('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[2]) end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""
)

# KEYS: the turns' alone. ARGV: the interval and the tolerance in µs; the head and the need, or '' and ''. Gives: µs to
# wait, -1 = another. What is kept: when the next turn is due (16 digits), and the head of the last.
TURN = Script(
    _COMMON
    + """
local kept, time = text('GET', KEYS[1]) or '', redis.call('TIME')
local due, head = tonumber(string.sub(kept, 1, 16)) or 0, string.sub(kept, 17)
if ARGV[4] ~= '' and #head == 24 and not lower(head, ARGV[4]) then return -1 end
local now = time[1] * 1000000 + time[2]
if due - now > ARGV[2] + 0 then return due - now - ARGV[2] end
due = math.max(due, now) + ARGV[1]
redis.call('SET', KEYS[1], string.format('%016.0f', due) .. ARGV[3], 'PX', math.ceil((due - now) / 1000) + 2000)
return 0
"""
)
