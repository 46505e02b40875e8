"""What decides a payload is in its key, and nothing else is; a publisher may what its patterns grant."""

from dataclasses import replace

import pytest

from aggregator.model.batch import Batch
from aggregator.model.catalogue import Publisher, Secret
from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.keys import canonical
from aggregator.model.payload_path import PayloadPath
from aggregator.model.route import Route
from aggregator.model.screen import Screen, Slot
from aggregator.model.shape import Shape
from aggregator.model.source import Source
from aggregator.model.template import Template
from cache_policies.policy import Lifetime

USER = Fragment(
    "user", "users", Template.parse("/users/{id}"), (Template.parse("user:{id}"),), Lifetime(60.0), absent_for=5.0
)
HOME = Screen("home", Route.parse("/home/{id}/{tab}"), (Slot("user", USER),))
VALUES = Inputs({"id": "42", "tab": "a"})


@pytest.mark.parametrize(
    "changed",
    [
        replace(USER, mbu="others"),
        replace(USER, path=Template.parse("/people/{id}")),
        replace(USER, tags=()),
        replace(USER, tags_from=PayloadPath.parse("[*].id")),
        replace(USER, tags_from=PayloadPath.parse("[*].id"), tags_from_prefix="x:"),
        replace(USER, headers={"x-id": Template.parse("{id}")}),
        replace(USER, batch=Batch(Template.parse("/users?ids={ids}"), "id", PayloadPath.parse("id"), max=9)),
    ],
)
def test_another_definition_is_another_key(changed: Fragment) -> None:
    """A changed declaration reads no older entry, neither of the fragment nor of a view that has it."""
    assert changed.key("n", VALUES) != USER.key("n", VALUES)
    assert replace(HOME, slots=(Slot("user", changed),)).identity(VALUES) != HOME.identity(VALUES)


@pytest.mark.parametrize("changed", [replace(USER, lifetime=Lifetime(1.0)), replace(USER, jitter=0.5, absent_for=1.0)])
def test_a_lifetime_is_no_part_of_the_key(changed: Fragment) -> None:
    """To change it does not empty the cache."""
    assert changed.key("n", VALUES) == USER.key("n", VALUES)


def test_what_a_fragment_does_not_declare_is_not_in_its_key() -> None:
    """The screen's other inputs make no difference to it."""
    assert USER.key("n", Inputs({**VALUES.values, "tab": "b"})) == USER.key("n", VALUES)
    assert USER.key("n", Inputs({**VALUES.values, "id": "43"})) != USER.key("n", VALUES)


@pytest.mark.parametrize(
    "changed",
    [
        replace(HOME, slots=(Slot("person", USER),)),
        replace(HOME, slots=(Slot("user", USER, required=True),)),
        replace(HOME, slots=(Slot("user", USER), Slot("again", USER))),
        replace(HOME, route=Route.parse("/home/{tab}/{id}")),
        replace(HOME, slots=(Slot("user", USER, place=("people", "user")),)),
        replace(HOME, slots=(Slot("user", USER, shape=Shape.parse(["name"], [], {})),)),
        replace(HOME, slots=(Slot("user", USER, max_items=9),)),
        replace(HOME, slots=(Slot("user", USER, fallback=b"{}"),)),
        replace(HOME, slots=(Slot("user", USER, fallback_fragment=replace(USER, name="other")),)),
    ],
)
def test_another_composition_is_another_view(changed: Screen) -> None:
    """Slots, what they require, and which value is which parameter's."""
    assert changed.identity(VALUES) != HOME.identity(VALUES)


def test_where_a_slots_inputs_come_from_and_whether_it_is_a_list_are_in_the_key() -> None:
    """Two slots of a feed may differ in nothing else."""
    feed = Slot("feed", USER)
    sources = [Source.parse("feed.owner[*]"), Source.parse("feed.items[*]")]
    slots = [Slot("user", USER, **{how: {"id": one}}) for how in ("given", "each") for one in sources]  # type: ignore[arg-type]
    assert len({replace(HOME, slots=(feed, slot)).identity(VALUES) for slot in slots}) == 4


def test_a_views_inputs_have_one_order_in_every_process() -> None:
    """Those of the path as they stand there, the others by name; what they are found in is not ordered."""
    names = [f"header.x-{letter}" for letter in "gdbface"]
    one = replace(USER, headers={name: Template.parse(f"{{{name}}}") for name in names})
    assert replace(HOME, slots=(Slot("user", one),)).inputs == ("id", "tab", *sorted(names))


def test_an_entry_and_its_lease_share_a_hash_tag() -> None:
    """A Cluster keeps both in one slot, and names have no other brace."""
    key = USER.key("n", VALUES)
    assert key.name.count("{") == key.name.count("}") == 1
    assert key.lease.partition("}")[0] == key.name.partition("}")[0]


def test_implicit_tags_are_there() -> None:
    """Every entry can be named by its fragment, by its MBU, and with everything else."""
    assert (*USER.declared_tags(VALUES.values), *USER.implicit_tags) == ("user:42", "fragment:user", "mbu:users", "*")


def test_the_canonical_form_is_of_parts_not_of_their_text() -> None:
    """A separator inside a part is part of it."""
    assert canonical(["a", "b"]) != canonical(["ab"]) != canonical(["a", "b", ""])
    assert canonical(["1:a"]) != canonical(["a"])


@pytest.mark.parametrize(
    ("pattern", "tag", "granted"),
    [
        ("user:*", "user:42", True),
        ("user:*", "user:", True),
        ("user:*", "users:42", False),
        ("user:*", "*", False),
        ("*", "*", True),
        ("a*c", "abc", True),
        ("user:?", "user:4", False),
        ("user:?", "user:?", True),
        ("user:[ab]", "user:a", False),
        ("user:[ab]", "user:[ab]", True),
        ("User:*", "user:42", False),
    ],
)
def test_only_the_star_stands_for_other_text(pattern: str, tag: str, granted: bool) -> None:
    """A publisher may invalidate what its patterns grant, to the letter but for *."""
    assert Publisher("p", Secret(env="K"), ("none", pattern)).may(tag) is granted
