"""A checksum either compares something or is refused; nothing counts as verified that was not."""

import hashlib
from pathlib import Path

import pytest

from iqa_lab.config import BenchmarkConfig, configuration_folder
from iqa_lab.downloads.checksum import Checksum, parse_checksum
from iqa_lab.downloads.files import download
from iqa_lab.errors import UserError

SHA, MD5 = hashlib.sha256(b"x").hexdigest(), hashlib.md5(b"x").hexdigest()


@pytest.mark.parametrize(
    "text",
    ["", " ", ":", "sha256:", "md5:", "sha256: ", SHA[:7], f"sha256:{SHA[:7]}", "null", "none", "g" * 64,
     SHA[:-1] + "g",
     SHA + "0", f"md5:{SHA}", f"sha1:{'0' * 40}", f"crc32:{'0' * 8}", f":{SHA}", f"sha256:sha256:{SHA}",
     "0x" + SHA[:20],
     SHA[:8] + " " + SHA[8:16]],
)  # fmt: skip
def test_what_compares_nothing_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weights.sha256="):
        parse_checksum(text, "weights.sha256")
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(UserError, match="checksum="):
        download("http://127.0.0.1:9/x", tmp_path / "x", text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (SHA, Checksum("sha256", SHA)),
        (SHA.upper(), Checksum("sha256", SHA)),
        (f" sha256:{SHA[:8]} ", Checksum("sha256", SHA[:8])),
        (f"SHA256:{SHA}", Checksum("sha256", SHA)),
        (f"md5:{MD5}", Checksum("md5", MD5)),
        (None, None),
    ],
)
def test_what_can_be_compared(text: str | None, meant: Checksum | None, tmp_path: Path) -> None:
    assert parse_checksum(text, "checksum") == meant
    path = tmp_path / "x"
    path.write_bytes(b"x")
    assert download("http://127.0.0.1:9/x", path, text) == path
    if meant:
        path.write_bytes(b"y")
        with pytest.raises(UserError, match=f"damaged or another file: its {meant.kind} begins with"):
            download("http://127.0.0.1:9/x", path, text)


def test_a_kind_that_is_not_compared_here_is_refused() -> None:
    with pytest.raises(UserError, match="a checksum here is sha256"):
        parse_checksum(f"md5:{MD5}", "weights.sha256", kinds=("sha256",))


def test_all_checksums_of_the_options_can_be_compared() -> None:
    import yaml

    texts = [
        archive.get("checksum")
        for path in (configuration_folder() / "benchmark").glob("*.yaml")
        for archive in yaml.safe_load(path.read_text()).get("archives", [])
    ]
    assert BenchmarkConfig().archives == [] and sum(text is not None for text in texts) >= 4
    for text in texts:
        parse_checksum(text, "checksum")
