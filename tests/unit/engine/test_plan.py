# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan holds what must change, under the attributes' rules, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Attribute,
    Change,
    Entry,
    Operation,
    Plan,
    Values,
    Wanted,
    make_plan,
    plan_hash,
)

BASE = "ou=Branch,c=SE"
SCHEMA = (
    Attribute("ou"),
    Attribute("hsaIdentity"),
    Attribute("mail"),
    Attribute("phone", matching.telephone),
    Attribute("time", matching.generalized_time),
    Attribute("key", matching.exact),
    Attribute("class", ours=frozenset({"Ours", "mine"})),
    Attribute("member", grants="value", refers=True),
    Attribute("role", grants="entry"),
    Attribute("shown", shown=True),
    Attribute("title", shown=True, grants="entry", ours=frozenset({"Läkare"})),
    Attribute("right", shown=True, grants="members"),
)
BY_NAME = {attribute.name: attribute for attribute in SCHEMA}


def wanted(key: str = "u", attributes: Mapping[str, Values] | None = None, **fields: Any) -> Wanted:
    """A wanted unit named after its key."""
    plain: dict[str, Any] = {
        "kind": "unit", "id": f"id-{key}", "level": 0, "parent": BASE, "rdns": (f"ou={key}",),
        "providers": frozenset({"alfa"}),
    }  # fmt: skip
    return Wanted(key=key, attributes=attributes or {}, **{**plain, **fields})


def held(dn: str, **attributes: str | Values) -> Entry:
    """An entry as a system holds it."""
    return Entry(dn, {n: (v,) if isinstance(v, str) else v for n, v in attributes.items()})


def plan(*entries: Wanted, taken: tuple[str, ...] = ()) -> Plan:
    return make_plan(entries, SCHEMA, taken)


def only(made: Plan) -> Operation:
    """The plan's one operation."""
    (operation,) = made.operations
    return operation


def test_the_first_value_is_none_where_there_is_no_value() -> None:
    assert held("c=SE", ou=("a", "b")).first("ou") == "a"
    assert held("c=SE").first("ou") is None


# --- attributes ----------------------------------------------------------------------------------


def test_a_missing_entry_is_added_with_the_values_it_has() -> None:
    add = only(plan(wanted(attributes={"ou": ("u",), "mail": (), "key": ("k1", "k2")})))
    assert (add.action, add.dn) == ("add", f"ou=u,{BASE}")
    assert add.changes == (Change("ou", (), (), ("u",)), Change("key", (), (), ("k1", "k2")))


def test_values_that_are_the_same_by_their_rule_are_added_once() -> None:
    # A server refuses an add that names a value twice.
    add = only(plan(wanted(attributes={"ou": ("U", "u", "w"), "phone": ("1 2", "12")})))
    assert [len(change.add) for change in add.changes] == [2, 1]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("mail", ("A@x", "b@x"), ("B@x", "a@x")),
        ("phone", ("063-14 75 00",), ("063147500",)),
        ("time", ("20260302230000Z",), ("20260303000000+0100",)),
        ("member", ("SE1-A", "SE1-B"), ("SE1-B", "SE1-A")),
        ("key", ("b", "a"), ("a", "b")),
        ("mail", (), ()),
    ],
)
def test_values_equal_by_their_rule_in_any_order_need_nothing(
    name: str, before: Values, after: Values
) -> None:
    entry = held(f"ou=u,{BASE}", ou="u", **{name: before})
    assert plan(wanted(attributes={name: after}, held=entry)).operations == ()


def test_a_difference_by_the_rule_is_exactly_what_changes() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", key=("a", "b"), mail=("m", "n"), phone="1")
    change = only(plan(wanted(attributes={"key": ("B", "a"), "mail": ("N",)}, held=entry)))
    assert (change.action, change.dn) == ("modify", f"ou=u,{BASE}")
    assert change.changes == (
        Change("key", ("a", "b"), ("b",), ("B",)),
        Change("mail", ("m", "n"), ("m",), ()),
    )


@pytest.mark.parametrize(
    ("before", "after", "delete", "add"),
    [
        (("anna DE GEER",), ("Anna de Geer",), ("anna DE GEER",), ("Anna de Geer",)),
        (("Strauß",), ("Strauss",), ("Strauß",), ("Strauss",)),
        (("a", "b  c"), ("A", "b c"), ("a", "b  c"), ("A", "b c")),
        (("a", "b"), ("b", "A"), ("a",), ("A",)),
        # What some servers hold side by side though others take it for one value.
        (("Strauß", "Strauss"), ("Strauss",), ("Strauß",), ()),
    ],
)
def test_what_people_read_is_corrected_where_it_is_spelled_otherwise(
    before: Values, after: Values, delete: Values, add: Values
) -> None:
    entry = held(f"ou=u,{BASE}", ou="u", shown=before)
    change = only(plan(wanted(attributes={"shown": after}, held=entry)))
    assert change.changes == (Change("shown", before, delete, add),)


def test_another_form_of_unicode_is_no_other_spelling() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", shown="A\u030asa")
    assert plan(wanted(attributes={"shown": ("\u00c5sa",)}, held=entry)).operations == ()


def test_a_value_of_ours_is_corrected_and_somebody_elses_left() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", title=("läkare", "annan", "ANNAN TITEL"))
    made = plan(wanted(attributes={"title": ("Läkare",)}, held=entry, dated={"title": ("Läkare",)}))
    (change,) = only(made).changes
    assert (change.delete, change.add) == (("läkare",), ("Läkare",))
    assert made.losses(only(made)) == frozenset()
    assert only(made).dated_part() is None  # else a refused plan would take it, and not give it


_spellings = st.lists(st.text(st.sampled_from("aAåÅßsS "), min_size=1, max_size=3), max_size=4)


@given(_spellings.map(tuple), _spellings.map(tuple))
def test_what_is_deleted_and_added_gives_each_wanted_value_as_it_is_spelled(
    before: Values, after: Values
) -> None:
    once = {matching.case_ignore(value): value for value in before}
    entry = held(f"ou=u,{BASE}", ou="u", shown=tuple(once.values()))
    made = plan(wanted(attributes={"shown": after}, held=entry)).operations
    left = list(once.values())
    for change in made[0].changes if made else ():
        assert set(change.delete) <= set(left)
        left = [value for value in left if value not in change.delete]
        # A server refuses to add what is the same to it as a value that stays.
        forms = set(map(matching.case_ignore, left))
        assert forms.isdisjoint(map(matching.case_ignore, change.add))
        left += change.add
    assert set(left) == set({matching.case_ignore(value): value for value in after}.values())


def test_an_attribute_that_is_not_named_is_left_alone_and_an_empty_one_goes() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", mail=("m", "n"), phone="1", other="x")
    change = only(plan(wanted(attributes={"mail": ()}, held=entry)))
    assert change.changes == (Change("mail", ("m", "n"), ("m", "n"), ()),)


def test_values_that_are_not_ours_to_set_are_left_alone() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", **{"class": ("theirs", "OURS", "top")})
    change = only(plan(wanted(attributes={"class": ("mine",)}, held=entry)))
    assert change.changes == (Change("class", ("theirs", "OURS", "top"), ("OURS",), ("mine",)),)
    assert plan(wanted(attributes={"class": ("ours",)}, held=entry)).operations == ()


_value = st.sampled_from(("a", "A", "b", " b", "c d", "c  D", "ours", "OURS", "mine", "1 2", "12"))
_values = st.lists(_value, max_size=4).map(tuple)
_attributes = st.dictionaries(
    st.sampled_from(("mail", "phone", "key", "class", "member")), _values, max_size=4
)


@given(_attributes, _attributes)
def test_after_the_change_the_entry_is_as_wanted_and_nothing_is_left_to_do(
    before: dict[str, Values], after: dict[str, Values]
) -> None:
    rules = {attribute.name: attribute.rule for attribute in SCHEMA}
    # A server holds no two values that its rule calls the same.
    before = {n: tuple({rules[n](v): v for v in values}.values()) for n, values in before.items()}
    entry = held(f"ou=u,{BASE}", ou="u", **before)
    changed = dict(entry.attributes)
    for operation in plan(wanted(attributes=after, held=entry)).operations:
        for change in operation.changes:
            kept = [v for v in changed.get(change.attribute, ()) if v not in change.delete]
            assert set(change.delete) <= set(changed.get(change.attribute, ()))
            assert {rules[change.attribute](v) for v in kept}.isdisjoint(
                rules[change.attribute](v) for v in change.add
            )
            changed[change.attribute] = (*kept, *change.add)
    for name, values in after.items():
        forms = {rules[name](v) for v in changed.get(name, ())}
        extra = forms - {rules[name](v) for v in values}
        assert forms >= {rules[name](v) for v in values}
        assert extra == set() or (name == "class" and extra.isdisjoint({"ours", "mine"}))
    again = replace(entry, attributes=changed)
    assert plan(wanted(attributes=after, held=again)).operations == ()


# --- names ---------------------------------------------------------------------------------------


def test_a_renamed_entry_is_renamed_and_its_naming_attribute_not_changed_twice() -> None:
    entry = held(f"ou=Gamla,{BASE}", ou="Gamla", mail="m")
    rename = only(plan(wanted("Nya", {"ou": ("Nya",), "mail": ("m",)}, held=entry)))
    assert (rename.action, rename.dn, rename.new_rdn) == ("rename", f"ou=Gamla,{BASE}", "ou=Nya")
    assert rename.changes == ()


def test_what_else_changes_is_changed_under_the_new_name() -> None:
    entry = held(f"ou=Gamla,{BASE}", ou=("Gamla", "Smeknamn"), mail="m")
    rename, modify = plan(wanted("Nya", {"ou": ("Nya",), "mail": ("n",)}, held=entry)).operations
    assert (rename.action, modify.action) == ("rename", "modify")
    assert modify.dn == f"ou=Nya,{BASE}"
    assert modify.changes == (
        Change("ou", ("Smeknamn", "Nya"), ("Smeknamn",), ()),
        Change("mail", ("m",), ("m",), ("n",)),
    )


def test_a_name_that_is_escaped_in_another_way_is_no_other_name() -> None:
    entry = held(f"OU=L\\2C V\\C3\\A5rd,{BASE}", ou="L, Vård")
    assert (
        plan(wanted("l", {"ou": ("l, vård",)}, rdns=("ou=L\\, Vård",), held=entry)).operations == ()
    )


def test_a_name_that_is_spelled_otherwise_is_corrected_in_its_place() -> None:
    others = (f"ou=norra vård,{BASE}", f"ou=Södra,{BASE}")
    entry = held(f"ou=norra vård,{BASE}", ou="norra vård")
    rename = only(
        plan(
            wanted("n", {"ou": ("Norra Vård",)}, rdns=("ou=Norra Vård", "ou=Norra Vård+x=1"),
                   held=entry),
            taken=others,
        )
    )  # fmt: skip
    assert (rename.action, rename.new_rdn) == ("rename", "ou=Norra Vård")
    assert not rename.keeps_values


def test_the_naming_attribute_of_a_name_in_capitals_is_the_same_attribute() -> None:
    entry = held(f"OU=Gamla,{BASE}", ou="Gamla")
    assert only(plan(wanted("Nya", {"ou": ("Nya",)}, held=entry))).action == "rename"


def test_an_entry_without_a_name_to_have_keeps_its_own() -> None:
    entry = held(f"ou=Vad som helst,{BASE}", ou="Vad som helst")
    assert plan(wanted(rdns=(), held=entry)).operations == ()


def test_entries_below_a_renamed_one_are_written_where_they_are_by_then() -> None:
    top = held(f"ou=Gamla,{BASE}", ou="Gamla")
    below = held(f"ou=b,ou=Gamla,{BASE}", ou="b", mail="m")
    lowest = held(f"ou=x,ou=b,ou=Gamla,{BASE}", ou="x", mail="m")
    operations = plan(
        wanted("low", {"mail": ("n",)}, level=2, parent="b", rdns=("ou=y",), held=lowest),
        wanted("b", {"mail": ("n",)}, level=1, parent="Nya", held=below),
        wanted("new", {"ou": ("new",)}, level=1, parent="Nya"),
        wanted("Nya", {"ou": ("Nya",)}, held=top),
    ).operations
    assert [(op.action, op.dn) for op in operations] == [
        ("rename", f"ou=Gamla,{BASE}"),
        ("modify", f"ou=b,ou=Nya,{BASE}"),
        ("add", f"ou=new,ou=Nya,{BASE}"),
        ("rename", f"ou=x,ou=b,ou=Nya,{BASE}"),
        ("modify", f"ou=y,ou=b,ou=Nya,{BASE}"),
    ]


def test_an_entry_that_lies_elsewhere_than_its_parent_is_written_where_it_lies() -> None:
    # A unit that was taken over, or that somebody moved.
    top = held(f"ou=Top,{BASE}", ou="Top")
    moved = held(f"ou=Gamla,ou=Annan,{BASE}", ou="Gamla", mail="m")
    rename, modify = plan(
        wanted("Top", held=top),
        wanted("u", {"mail": ("n",)}, level=1, parent="Top", rdns=("ou=Nya",), held=moved),
    ).operations
    assert (rename.dn, rename.new_rdn) == (moved.dn, "ou=Nya")
    assert modify.dn == f"ou=Nya,ou=Annan,{BASE}"


def test_of_two_new_entries_of_one_name_the_first_gets_it_plain() -> None:
    names = {f"u{n}": ("ou=Hälsan", f"ou=Hälsan+hsaIdentity=SE1-{n}") for n in range(3)}
    first, second, third = plan(*(wanted(k, rdns=rdns) for k, rdns in names.items())).operations
    assert first.dn == f"ou=Hälsan,{BASE}"
    assert second.dn == f"ou=Hälsan+hsaIdentity=SE1-1,{BASE}"
    assert third.dn == f"ou=Hälsan+hsaIdentity=SE1-2,{BASE}"


def test_entries_of_one_name_below_different_parents_share_it() -> None:
    entries = [wanted("a"), wanted("b")] + [
        wanted(f"{p}1", level=1, parent=p, rdns=("ou=X", f"ou=X+hsaIdentity={p}")) for p in "ab"
    ]
    dns = [op.dn for op in plan(*entries).operations]
    assert dns[2:] == [f"ou=X,ou=a,{BASE}", f"ou=X,ou=b,{BASE}"]


def test_a_name_that_somebody_else_has_is_not_taken() -> None:
    rdns = ("ou=L\\, V", "ou=L\\, V+hsaIdentity=SE1-A")
    made = plan(wanted(rdns=rdns), taken=(f"OU=l\\2C v,{BASE}",))
    assert only(made).dn == f"{rdns[1]},{BASE}"


def test_a_name_that_another_entry_leaves_is_taken_when_it_has_been_left() -> None:
    # The server does requests of one kind at the same time.
    leaving = wanted("b", rdns=("ou=B",), held=held(f"ou=A,{BASE}", ou="A"))
    arriving = wanted("a", rdns=("ou=A", "ou=A+hsaIdentity=SE1-A"))
    made = plan(arriving, leaving).operations
    assert [(op.action, op.dn, op.new_rdn, op.once_left) for op in made] == [
        ("rename", f"ou=A,{BASE}", "ou=B", ""),
        ("add", f"ou=A+hsaIdentity=SE1-A,{BASE}", "", ""),
        ("rename", f"ou=A+hsaIdentity=SE1-A,{BASE}", "ou=A", f"ou=A,{BASE}"),
    ]
    assert [op.keeps_values for op in made] == [False, False, True]


def test_a_name_that_is_left_to_somebody_else_is_not_taken_once_more() -> None:
    leaving = wanted("b", rdns=("ou=B",), held=held(f"ou=A,{BASE}", ou="A"))
    first, second = (wanted(key, rdns=("ou=A", f"ou=A+hsaIdentity={key}")) for key in "xy")
    late = [op.key for op in plan(first, second, leaving).operations if op.once_left]
    assert late == ["x"]


def test_a_name_below_a_parent_that_is_renamed_in_the_same_plan_is_not_taken() -> None:
    top = wanted("Nya", held=held(f"ou=Gamla,{BASE}", ou="Gamla"))
    below = held(f"ou=X,ou=Gamla,{BASE}", ou="X")
    rdns = ("ou=X", "ou=X+hsaIdentity=SE1-A")
    second = wanted("second", level=1, parent="Nya", rdns=rdns)
    for others in (
        plan(top, wanted("first", level=1, parent="Nya", rdns=rdns, held=below), second),
        plan(top, second, taken=(below.dn,)),
    ):
        (add,) = (op for op in others.operations if op.action == "add")
        assert add.dn == f"{rdns[1]},ou=Nya,{BASE}"


def test_parents_are_written_first_and_renames_before_all_else_of_their_level() -> None:
    old = held(f"ou=old,{BASE}", ou="old")
    operations = plan(
        wanted("leaf", level=2, parent="mid"),
        wanted("top", level=0),
        wanted("mid", level=1, parent="top"),
        wanted("other", {"mail": ("m",)}, level=1, rdns=("ou=new",), held=old),
    ).operations
    assert [(op.key, op.action) for op in operations] == [
        ("top", "add"), ("other", "rename"), ("mid", "add"), ("other", "modify"), ("leaf", "add"),
    ]  # fmt: skip
    assert operations[4].dn == f"ou=leaf,ou=mid,ou=top,{BASE}"


# --- what belongs to whom, and what is lost ------------------------------------------------------


def test_a_shared_operation_belongs_to_every_one_of_its_providers() -> None:
    made = plan(
        wanted("a", providers=frozenset({"alfa"})),
        wanted("s", providers=frozenset({"alfa", "beta"})),
    )
    assert {p: [op.key for op in ops] for p, ops in made.by_provider().items()} == {
        "alfa": ["a", "s"],
        "beta": ["s"],
    }


def test_who_loses_something_is_the_value_or_the_entry_or_nobody() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", member=("p1", "p2", "p3"), role=("r", "s"), mail="m")
    made = plan(wanted(attributes={"member": ("p1", "p9"), "role": ("s",), "mail": ()}, held=entry))
    assert made.losses(only(made)) == {("person", "p2"), ("person", "p3"), ("unit", "id-u")}


@pytest.mark.parametrize(
    ("name", "lost"), [("mail", set()), ("role", {("unit", "id-u")}), ("member", {("person", "x")})]
)
def test_each_kind_of_attribute_counts_for_itself(name: str, lost: set[tuple[str, str]]) -> None:
    made = plan(wanted(attributes={name: ()}, held=held(f"ou=u,{BASE}", ou="u", **{name: "x"})))
    assert made.losses(only(made)) == lost


def test_what_a_date_explains_is_no_loss() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", member=("P1", "p2"), role=("r",))
    made = plan(
        wanted(
            attributes={"member": (), "role": ()}, held=entry,
            dated={"member": ["p1"], "role": ["r"]},
        )
    )  # fmt: skip
    assert made.losses(only(made)) == {("person", "p2")}


def test_what_is_added_is_no_loss() -> None:
    entry = held(f"ou=u,{BASE}", ou="u")
    made = plan(wanted(attributes={"member": ("p1",), "role": ("r",)}, held=entry))
    assert made.losses(only(made)) == frozenset()


def test_the_dated_part_takes_what_a_date_ended_and_nothing_else() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", member=("p1", "p2"), role=("r",), mail="m")
    modify = only(
        plan(
            wanted(
                attributes={"member": ("p3",), "role": (), "mail": ("n",)}, held=entry,
                dated={"member": ["p1", "p4"]},
            )
        )
    )  # fmt: skip
    part = modify.dated_part()
    assert part is not None
    assert [(c.attribute, c.delete, c.add) for c in part.changes] == [("member", ("p1",), ())]
    assert (part.action, part.dn, part.providers) == ("modify", modify.dn, modify.providers)


def test_an_operation_without_dated_ends_has_no_dated_part() -> None:
    entry = held(f"ou=Gamla,{BASE}", ou="Gamla", member=("p1",))
    dated = {"member": ["p2"]}
    add, rename, modify = plan(
        wanted("a", {"member": ("p2",)}, dated=dated),
        wanted("Nya", {"member": ()}, level=1, held=entry, dated=dated),
    ).operations
    assert [op.dated_part() for op in (add, rename, modify)] == [None, None, None]


def test_the_dated_part_is_done_under_the_name_that_the_entry_has_without_the_plan() -> None:
    # It is what is left of a refused plan, and the rename is refused with it.
    top = held(f"ou=Gamla,{BASE}", ou="Gamla")
    below = held(f"ou=b,ou=Gamla,{BASE}", ou="b", member=("p1",))
    _rename, modify = plan(
        wanted("Nya", held=top),
        wanted("b", {"member": ()}, level=1, parent="Nya", held=below, dated={"member": ["p1"]}),
    ).operations
    part = modify.dated_part()
    assert modify.dn == f"ou=b,ou=Nya,{BASE}"
    assert part is not None
    assert part.dn == below.dn


def test_references_to_what_is_not_there_are_left_out() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", member=("p0",))
    modify = only(plan(wanted(attributes={"member": ("p1", "p2"), "mail": ("p1",)}, held=entry)))
    rest = modify.without({"p1"}, BY_NAME)
    assert rest is not None
    assert [(c.attribute, c.delete, c.add) for c in rest.changes] == [
        ("member", ("p0",), ("p2",)),
        ("mail", (), ("p1",)),
    ]
    assert modify.without((), BY_NAME) is modify


def test_an_operation_of_nothing_but_references_that_are_not_there_is_none() -> None:
    entry = held(f"ou=u,{BASE}", ou="u")
    modify = only(plan(wanted(attributes={"member": ("p1", "p2")}, held=entry)))
    assert modify.without({"p1", "p2"}, BY_NAME) is None


# --- what a system stores otherwise ---------------------------------------------------------------

DOMAIN = (
    Attribute("cn"),
    Attribute("flags", matching.exact, grants="person"),
    Attribute("mark", matching.exact),
    Attribute("password", made=lambda: "secret"),
    Attribute(
        "in", matching.distinguished_name, grants="value", refers=True,
        named={"CN=a,DC=x": "id-a", "CN=b,DC=x": "id-b"}.get,  # type: ignore[arg-type]
    ),
)  # fmt: skip


def domain_plan(*entries: Wanted) -> Plan:
    return make_plan(entries, DOMAIN)


def account(attributes: Mapping[str, Values], **fields: Any) -> Wanted:
    """A wanted account, held already."""
    plain: dict[str, Any] = {
        "kind": "account", "id": "SE1-A", "rdns": (),
        "held": Entry("CN=a,DC=x", {"flags": ("ON", "N"), "mark": ("k",)}, "<GUID=1>"),
    }  # fmt: skip
    return wanted("a", attributes, **{**plain, **fields})


def test_a_held_entry_is_called_by_its_address_and_a_new_one_by_its_name() -> None:
    modify = only(domain_plan(account({"mark": ()})))
    assert (modify.dn, modify.address) == ("CN=a,DC=x", "<GUID=1>")
    rename, change = domain_plan(account({"mark": ()}, rdns=("CN=b",))).operations
    assert (rename.action, rename.address, change.address) == ("rename", "<GUID=1>", "<GUID=1>")
    assert only(domain_plan(account({"mark": ("k",)}, rdns=("CN=a",), held=None))).address == ""


def test_the_dated_part_goes_to_the_same_address() -> None:
    part = only(domain_plan(account({"mark": ()}, dated={"mark": ["k"]}))).dated_part()
    assert part is not None
    assert part.address == "<GUID=1>"


def test_an_address_is_no_part_of_the_hash() -> None:
    held_there = Entry("CN=a,DC=x", {"flags": ("ON", "N"), "mark": ("k",)}, "<GUID=2>")
    one, other = (
        domain_plan(account({"mark": ()}, **fields)).operations
        for fields in ({}, {"held": held_there})
    )
    assert plan_hash(one, b"s") == plan_hash(other, b"s")


def test_who_loses_a_flag_is_the_person_whose_account_it_is() -> None:
    made = domain_plan(account({"flags": ("N",)}))
    assert made.losses(only(made)) == {("person", "SE1-A")}
    gains = domain_plan(account({"flags": ("ON", "N", "CARD")}))
    assert gains.losses(only(gains)) == frozenset()


def test_who_loses_a_membership_is_the_object_that_the_value_names() -> None:
    group = Entry("CN=g,DC=x", {"in": ("CN=a,DC=x", "CN=b,DC=x")})
    made = domain_plan(wanted("g", {"in": ("cn=A,dc=x",)}, held=group, rdns=()))
    assert made.losses(only(made)) == {("person", "id-b")}


def test_references_are_left_out_by_what_they_name() -> None:
    group = Entry("CN=g,DC=x", {})
    modify = only(domain_plan(wanted("g", {"in": ("CN=a,DC=x", "CN=b,DC=x")}, held=group, rdns=())))
    rest = modify.without({"id-a"}, {a.name: a for a in DOMAIN})
    assert rest is not None
    assert [change.add for change in rest.changes] == [("CN=b,DC=x",)]


def test_a_made_value_is_not_made_for_a_plan() -> None:
    add = only(
        domain_plan(account({"cn": ("a",), "password": ("made",)}, held=None, rdns=("CN=a",)))
    )
    assert Change("password", (), (), ("made",)) in add.changes


def test_a_date_explains_additions_of_what_grants_nothing_alone() -> None:
    # A mark that goes with a dated end is set with it; nobody gains anything by a date.
    dated = {"flags": ("ON", "CARD"), "mark": ("m",)}
    modify = only(
        domain_plan(account({"flags": ("N", "CARD"), "mark": ("k", "m", "n")}, dated=dated))
    )
    part, rest = modify.dated_part(), modify.undated_part()
    assert part is not None
    assert rest is not None
    assert [(c.attribute, c.delete, c.add) for c in part.changes] == [
        ("flags", ("ON",), ()),
        ("mark", (), ("m",)),
    ]
    assert [(c.attribute, c.delete, c.add) for c in rest.changes] == [
        ("flags", (), ("CARD",)),
        ("mark", (), ("n",)),
    ]


def test_a_dated_addition_to_an_attribute_without_values_is_dated_too() -> None:
    unmarked = Entry("CN=a,DC=x", {"flags": ("ON", "N")}, "<GUID=1>")
    dated = {"flags": ("ON",), "mark": ("m",)}
    modify = only(
        domain_plan(account({"flags": ("N",), "mark": ("m",)}, held=unmarked, dated=dated))
    )
    part = modify.dated_part()
    assert part is not None
    assert [(c.attribute, c.delete, c.add) for c in part.changes] == [
        ("flags", ("ON",), ()),
        ("mark", (), ("m",)),
    ]
    assert modify.undated_part() is None


def test_the_two_parts_of_an_operation_are_the_whole() -> None:
    dated = {"flags": ("ON",), "mark": ("m",)}
    modify = only(domain_plan(account({"flags": (), "mark": ("m", "n")}, dated=dated)))
    parts = [part for part in (modify.dated_part(), modify.undated_part()) if part]
    for name in ("flags", "mark"):
        changes = [c for op in (modify, *parts) for c in op.changes if c.attribute == name]
        whole, *some = changes
        assert sorted(v for c in some for v in c.delete) == sorted(whole.delete)
        assert sorted(v for c in some for v in c.add) == sorted(whole.add)


# --- the hash ------------------------------------------------------------------------------------

_text = st.text(max_size=4)
_names = st.lists(_text, max_size=3, unique=True).map(tuple)


@st.composite
def _operation(draw: st.DrawFn) -> Operation:
    change = st.tuples(_text, _names, _names, _names).filter(_does_something)
    changes = draw(st.lists(change, min_size=1, max_size=3))
    return Operation(
        action=draw(st.sampled_from(("add", "modify", "rename"))), key=draw(_text), kind="unit",
        id="i", level=0, dn=draw(_text), providers=frozenset(), new_rdn=draw(_text),
        changes=tuple(Change(*change) for change in changes),
    )  # fmt: skip


def _form(operations: list[Operation]) -> list[Any]:
    return [
        [op.action, op.key, op.dn, op.new_rdn]
        + [(c.attribute, sorted(c.delete), sorted(c.add)) for c in op.changes]
        for op in operations
    ]


def _does_something(change: tuple[str, Values, Values, Values]) -> bool:
    return bool(change[2] or change[3])


@given(st.lists(_operation(), max_size=3), st.lists(_operation(), max_size=3))
def test_plans_have_one_hash_exactly_when_they_do_the_same(
    one: list[Operation], other: list[Operation]
) -> None:
    same = _form(one) == _form(other)
    assert (plan_hash(one, b"s") == plan_hash(other, b"s")) is same


@given(_operation(), st.data())
def test_the_hash_is_the_same_for_values_in_another_order(
    operation: Operation, data: st.DataObject
) -> None:
    shuffled = tuple(
        replace(
            change,
            delete=tuple(data.draw(st.permutations(change.delete))),
            add=tuple(data.draw(st.permutations(change.add))),
        )
        for change in operation.changes
    )
    assert plan_hash([operation], b"s") == plan_hash([replace(operation, changes=shuffled)], b"s")


@pytest.mark.parametrize(
    "different",
    [
        {"action": "add"},
        {"key": "v"},
        {"dn": "ou=v"},
        {"new_rdn": "ou=w"},
        {"changes": (Change("mail", (), ("a",), ()),)},
        {"changes": (Change("ou", (), (), ("a",)),)},
        {"changes": (Change("mail", (), (), ("b",)),)},
        {"changes": (Change("mail", (), (), ("a",)), Change("ou", (), (), ("a",)))},
    ],
)
def test_the_hash_differs_when_anything_differs(different: dict[str, Any]) -> None:
    operation = Operation(
        action="modify", key="u", kind="unit", id="i", level=0, dn="ou=u",
        providers=frozenset({"alfa"}), changes=(Change("mail", (), (), ("a",)),),
    )  # fmt: skip
    hashes = {plan_hash([op], b"s") for op in (operation, replace(operation, **different))}
    assert len(hashes) == 2
    assert plan_hash([operation, replace(operation, **different)], b"s") not in hashes


def test_the_hash_is_the_same_before_and_after_dated_ends_are_done() -> None:
    # A refused plan is confirmed by the hash of the refusal, which did its dated ends.
    def hash_of(*members: str, **after: Values) -> str:
        entry = held(f"ou=u,{BASE}", ou="u", member=members, mail="m")
        entries = wanted(attributes=after, held=entry, dated={"member": ["p1", "p2"]})
        return plan_hash(plan(entries).operations, b"s")

    before, after = hash_of("p1", "p2", "p3", member=()), hash_of("p3", member=())
    assert before == after != ""
    assert hash_of("p1", mail=("n",), member=()) == hash_of(mail=("n",), member=())
    only_dated = {hash_of("p1", member=()), hash_of("p1", "p2", member=())}
    assert len(only_dated) == 2
    assert only_dated.isdisjoint({before, ""})


def test_the_hash_is_keyed_and_empty_for_nothing() -> None:
    operations = plan(wanted(attributes={"mail": ("m",)})).operations
    assert plan_hash(operations, b"one") != plan_hash(operations, b"two")
    assert plan_hash((), b"one") == ""


def test_a_plan_that_takes_away_bytes_that_are_no_text_has_a_hash() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", mail=b"\xff\xe5".decode("utf-8", "surrogateescape"))
    assert plan_hash(plan(wanted(attributes={"mail": ()}, held=entry)).operations, b"s")


def test_who_loses_a_right_is_whoever_the_entry_lets_in() -> None:
    entry = held(f"ou=u,{BASE}", ou="u", right=("a", "b"))
    members = frozenset({"SE1-A", "SE1-B"})
    made = plan(wanted(attributes={"right": ("A", "c")}, held=entry, members=members))
    assert made.losses(only(made)) == {("person", "SE1-A"), ("person", "SE1-B")}
    respelled = plan(wanted(attributes={"right": ("A", "b")}, held=entry, members=members))
    assert respelled.losses(only(respelled)) == frozenset()
