"""No rule is lost between what a backend says and what there is."""

from __future__ import annotations

from orchestrate.core.agents.enforcing import accounted, in_workspace
from orchestrate.core.agents.permissions import Enforcement, Permissions, Restriction, denials

PUSH = denials("Bash(git push:*)", "s.json:3")


def names(items: tuple[Restriction, ...]) -> list[str]:
    """Names of restrictions."""
    return [item.name for item in items]


def test_rule_the_backend_does_not_mention_is_unenforced() -> None:
    found = accounted(Permissions(frozenset({"execute"}), denied=PUSH), Enforcement())
    assert names(found.unenforced) == ["execute:git push"]
    assert "s.json:3" in found.unenforced[0].how


def test_what_the_backend_says_is_kept() -> None:
    said = Enforcement((Restriction("execute:git push", "--deny"),), (Restriction("search", "no"),))
    assert accounted(Permissions(denied=PUSH), said) == said


def test_listed_on_both_sides_is_unenforced() -> None:
    item = Restriction("write", "sandbox")
    assert accounted(Permissions(), Enforcement((item,), (item,))) == Enforcement((), (item,))


def test_untranslated_rule_is_never_enforced_by_claim() -> None:
    permissions = Permissions(frozenset({"write"}), untranslated=denials("Write"))
    found = accounted(permissions, Enforcement((Restriction("write", "sandbox"),)))
    assert names(found.unenforced) == ["Write"]


def test_rule_about_an_ability_that_is_held_back_is_held_with_it() -> None:
    permissions = Permissions(frozenset({"read"}), denied=PUSH, untranslated=denials("Write"))
    held = Enforcement((Restriction("write", "sandbox"), Restriction("execute", "no shell")))
    found = accounted(permissions, held)
    assert names(found.enforced) == ["write", "execute", "execute:git push", "Write"]
    assert found.unenforced == ()


def test_absent_ability_that_the_backend_cannot_hold_back_holds_no_rule() -> None:
    said = Enforcement((), (Restriction("execute", "it always has a shell"),))
    found = accounted(Permissions(frozenset({"read"}), denied=PUSH), said)
    assert names(found.unenforced) == ["execute", "execute:git push"]


def test_tool_nobody_knows_is_not_held_by_the_absence_of_anything() -> None:
    permissions = Permissions(frozenset({"read"}), untranslated=denials("FutureTool"))
    found = accounted(permissions, Enforcement((Restriction("execute", "no shell"),)))
    assert names(found.unenforced) == ["FutureTool"]


def test_what_a_task_that_does_not_write_changes_is_thrown_away_and_so_held() -> None:
    said = Enforcement(
        (Restriction("fetch", "not offered"),),
        (
            Restriction("write", "a command can write"),
            Restriction("read:.env", "a command can read"),
        ),
    )
    held = in_workspace(said, writes=False)
    assert [item.name for item in held.enforced] == ["fetch", "write"]
    assert [item.name for item in held.unenforced] == ["read:.env"]
    assert in_workspace(said, writes=True) == said
