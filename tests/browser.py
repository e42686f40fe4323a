"""What a page looks like from inside a real browser, headless Chromium."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


def rendered(address: str, profile: Path, seconds: int = 15, *flags: str) -> tuple[str, str]:
    """The document as it stands after some (virtual) seconds, and what the browser printed beside it.

    Figures that wait until they are scrolled to may wait for ever here: a busy machine makes few frames. Ask for
    ``?all``, which draws at once.

    Args:
        address: of the page.
        profile: a folder of this browser alone, so that browsers of tests beside this one do not meet.
        seconds: until then everything has to have happened.
        flags: more of Chromium's.
    """
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt install chromium")
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync",
               f"--user-data-dir={profile}", f"--virtual-time-budget={1000 * seconds}", *flags,
               "--dump-dom", address]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr
