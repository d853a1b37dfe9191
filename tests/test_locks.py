"""The locked packages: exact versions with hashes, from no particular index, under terms that MIT code can stand on."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
# gensim is under the LGPL, used unchanged and from outside; text-unidecode leaves the choice of the Artistic License.
KNOWN = {"gensim", "text-unidecode"}


def requirements(name: str) -> dict[str, str]:
    """Return each locked requirement, by its package's name, with all that its lines say."""
    joined = (ROOT / name).read_text().replace("\\\n", " ")
    return {re.split(r"[=\[ ;]", line, maxsplit=1)[0]: line for line in joined.splitlines() if line.strip()}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_one_version_and_hashes_and_no_address(lock: str) -> None:
    found = requirements(lock)
    assert len(found) > 200
    for name, line in found.items():
        assert re.match(rf"{re.escape(name)}(\[[a-z,]+\])?==[^ ;]+ ", line), line[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), name
        assert "://" not in line and "@" not in line, name


@pytest.mark.parametrize("lock", LOCKS)
def test_no_package_is_under_terms_that_bind_the_code(lock: str) -> None:
    bound = {}
    for name in requirements(lock):
        try:
            told = metadata(name)
        except PackageNotFoundError:
            # Of another platform.
            continue
        stated = [told.get("License-Expression") or "", *(told.get_all("Classifier") or [])]
        if any(re.search(r"\bA?L?GPL|General Public License", each) for each in stated):
            bound[name] = stated[0]
    assert set(bound) <= KNOWN, bound
