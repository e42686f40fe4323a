"""Claims that are registered: before the first unit, after it, changed, damaged."""

import json
from pathlib import Path

import pytest

from iqa_lab.errors import UserError
from iqa_lab.store.reading import Unusable
from iqa_lab.store.registration import claims_file, read_versions, register, status_of
from iqa_lab.store.signature import DIGEST, digest_of, seal

CLAIMS = ["a > b", "all >  baseline/psnr"]


def test_before_the_first_unit_and_the_same_again(tmp_path: Path) -> None:
    assert "not registered" in status_of(tmp_path, "task", CLAIMS)
    first = register(tmp_path, "task", CLAIMS, ["k1", "k2"], ["of another study"])
    assert first is not None and first.finished == 0 and first.claims == ("a > b", "all > baseline/psnr")
    assert first.hash == digest_of(["a > b", "all > baseline/psnr"]) and first.date.endswith("+00:00")
    content = claims_file(tmp_path, "task").read_bytes()
    # spaces make no difference; what is done meanwhile does not either
    assert register(tmp_path, "task", ["a  > b", CLAIMS[1]], ["k1", "k2", "k3"], ["k1"]) is None
    assert claims_file(tmp_path, "task").read_bytes() == content
    said = status_of(tmp_path, "task", CLAIMS)
    assert said.startswith("Claims: registered on 20") and "UTC before the first unit" in said and "changed" not in said


def test_what_is_changed_is_named(tmp_path: Path) -> None:
    register(tmp_path, "task", CLAIMS, ["k1"], [])
    said = status_of(tmp_path, "task", ["b > a", CLAIMS[1]])  # only in the file, no sweep since
    assert "before the first unit" in said and "changed after that: new “b > a”, gone “a > b”." in said
    register(tmp_path, "task", ["c > d"], ["k1"], [])  # still before the first unit
    assert "changed" not in status_of(tmp_path, "task", ["c > d"])
    late = register(tmp_path, "task", CLAIMS, ["k1"], ["k1"])
    assert late is not None and late.finished == 1 and len(read_versions(tmp_path, "task")) == 3
    assert "new “a > b”; “all > baseline/psnr”, gone “c > d”" in status_of(tmp_path, "task", CLAIMS)


def test_another_grid_does_not_make_late_claims_early(tmp_path: Path) -> None:
    register(tmp_path, "task", ["a > b"], ["k1"], [])
    late = register(tmp_path, "task", ["b > a"], ["k9"], ["k1"])
    assert late is not None and late.finished == 1
    assert "gone “a > b”" in status_of(tmp_path, "task", ["b > a"])


def test_claims_after_results_are_no_registered_ones(tmp_path: Path) -> None:
    register(tmp_path, "task", CLAIMS, ["k1", "k2"], ["k2"])
    said = status_of(tmp_path, "task", CLAIMS)
    assert said.startswith("Claims: not registered before the results") and "1 unit had one already." in said


def test_a_study_without_claims_leaves_nothing_and_removed_claims_are_seen(tmp_path: Path) -> None:
    assert register(tmp_path, "task", [], ["k"], []) is None and not claims_file(tmp_path, "task").exists()
    register(tmp_path, "task", CLAIMS, ["k"], [])
    assert register(tmp_path, "task", [], ["k"], ["k"]) is not None


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "edited", "other study", "list", "claims", "date", "hash", "folder"]
)
def test_a_damaged_file_is_named_never_believed_and_stays(tmp_path: Path, damage: str) -> None:
    register(tmp_path, "task", CLAIMS, ["k1"], [])
    file = claims_file(tmp_path, "task")
    content = json.loads(file.read_text())
    del content["digest"]
    (version,) = content["versions"]
    changed = {
        "cut": lambda: file.read_text()[:-20],
        "empty": lambda: "",
        "edited": lambda: file.read_text().replace("a > b", "b > a"),
        "other study": lambda: json.dumps(seal({**content, "experiment": "depth"})),
        "list": lambda: json.dumps(seal({**content, "versions": []})),
        "claims": lambda: json.dumps(seal({**content, "versions": [{**version, "claims": [1]}]})),
        "date": lambda: json.dumps(seal({**content, "versions": [{**version, "date": "yesterday"}]})),
        "hash": lambda: json.dumps(seal({**content, "versions": [{**version, "claims": ["b > a"]}]})),
    }
    if damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_text(changed[damage]())
    before = None if damage == "folder" else file.read_bytes()
    said = status_of(tmp_path, "task", CLAIMS)
    assert "is not known" in said and str(file) in said and "registered on" not in said
    with pytest.raises(Unusable, match="task.json"):
        register(tmp_path, "task", CLAIMS, ["k1"], [])
    assert before is None or file.read_bytes() == before


def test_claims_of_the_version_before_stay_registered(tmp_path: Path) -> None:
    """Results have to be made anew after the schema changed; when claims were written down has not changed."""
    first = register(tmp_path, "task", CLAIMS, ["k1"], [])
    file = claims_file(tmp_path, "task")
    content = {key: value for key, value in json.loads(file.read_text()).items() if key != DIGEST}
    for schema in (2, 1):
        earlier = {**content, "schema": schema}
        file.write_text(json.dumps({**earlier, DIGEST: digest_of(earlier)}))
        if schema == 2:
            assert read_versions(tmp_path, "task") == [first]
            assert status_of(tmp_path, "task", CLAIMS).startswith("Claims: registered on 20")
            assert register(tmp_path, "task", CLAIMS, ["k1"], ["k1"]) is None
    with pytest.raises(Unusable, match="of another version"):
        register(tmp_path, "task", CLAIMS, ["k1"], [])


def test_a_studys_name_stays_inside_the_folder(tmp_path: Path) -> None:
    assert claims_file(tmp_path, "mine/task").parent.name == "mine"
    with pytest.raises(UserError, match="experiment"):
        claims_file(tmp_path, "../../task")
