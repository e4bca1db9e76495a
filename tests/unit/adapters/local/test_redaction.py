"""Excerpts never show a secret, and fingerprints survive moved lines."""

from __future__ import annotations

from pathlib import Path

from orchestrate.adapters.backends.local.fingerprint import Ordinals, fingerprint
from orchestrate.adapters.backends.local.redaction import Redactor, redacted
from orchestrate.adapters.backends.local.repository import SourceFile, survey


def _file(tmp_path: Path, text: str) -> tuple[Redactor, SourceFile]:
    (tmp_path / "a.py").write_text(text)
    return Redactor(tmp_path), survey(tmp_path).files[0]


def test_the_rest_of_a_token_goes_with_the_part_that_was_reported() -> None:
    line = 'token = "ghp_0123456789abcdef=="'
    assert redacted([line], {1: [(9, 12)]}) == ['token = "***"']


def test_overlapping_places_are_masked_once() -> None:
    assert redacted(["a: xyz-1, b"], {1: [(3, 5), (4, 8)]}) == ["a: ***, b"]


def test_a_place_outside_the_line_is_harmless() -> None:
    assert redacted(["ab"], {1: [(50, 60)], 9: [(0, 1)]}) == ["***"]


def test_the_body_of_a_private_key_is_masked_up_to_its_end() -> None:
    begin, end = "-----BEGIN RSA " + "PRIVATE KEY-----", "-----END RSA " + "PRIVATE KEY-----"
    shown = redacted([f'K = """{begin}', "MIIEabc", "xyz==", f'{end}"""', "x = 1"], {})
    assert "MIIE" not in "".join(shown)
    assert "xyz" not in "".join(shown)
    assert shown[-1] == "x = 1"


def test_a_private_key_on_one_line_is_masked() -> None:
    begin, end = "BEGIN " + "PRIVATE KEY", "END " + "PRIVATE KEY"
    shown = redacted([f'k = "-----{begin}-----MIIEabc-----{end}-----"'], {})
    assert "MIIE" not in shown[0]


def test_a_finding_beside_a_secret_does_not_show_it(tmp_path: Path) -> None:
    redactor, file = _file(tmp_path, 'import os\npassword = "hunter2"\nos.system(x)\n')
    redactor.add("a.py", 2, [(12, 19)])
    shown, first = redactor.excerpt(file, 3)
    assert (shown, first) == ('import os\npassword = "***"\nos.system(x)', 1)


def test_without_a_finished_search_only_the_line_itself_is_shown_without_strings(
    tmp_path: Path,
) -> None:
    redactor, file = _file(tmp_path, 'password = "hunter2"\nconnect("hunter2", 5)\n')
    redactor.complete = False
    assert redactor.excerpt(file, 2) == ('connect("***", 5)', 2)


def test_fingerprints_ignore_position_and_spacing_and_tell_equals_apart() -> None:
    first, second = Ordinals(), Ordinals()
    one = first.fingerprint("R", "a.py", "x  = 1")
    two = first.fingerprint("R", "a.py", "x = 1")
    assert one == fingerprint("R", "a.py", "  x = 1", 0)
    assert two == fingerprint("R", "a.py", "x = 1", 1)
    assert one != two
    assert second.fingerprint("R", "b.py", "x = 1") not in {one, two}
