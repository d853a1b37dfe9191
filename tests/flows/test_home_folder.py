"""A home that others prepared: refused where everybody may write into it, and its links are not followed."""

import os
from pathlib import Path

import pytest

from conf.errors import GenreflowError
from flows.paths import home_path
from tasks import store


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o1777, True), (0o775, False), (0o755, False)])
def test_home_of_another_user_that_everybody_may_write_into_is_refused(
    mode: int, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 4711, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    tmp_path.chmod(mode)
    if refused:
        with pytest.raises(
            GenreflowError, match=f"{tmp_path}: belongs to another user and everybody may write into it"
        ):
            home_path(tmp_path)
    else:
        assert home_path(tmp_path) == tmp_path


@pytest.mark.parametrize("mode", [0o777, 0o700])
def test_home_of_ones_own_is_taken(mode: int, tmp_path: Path) -> None:
    tmp_path.chmod(mode)
    assert home_path(tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["lock", "lock.json"])
def test_link_in_the_place_of_the_lock_leads_to_no_other_file(name: str, tmp_path: Path) -> None:
    other, home = tmp_path / "other", tmp_path / "home"
    home.mkdir()
    other.write_text("mine")
    (home / name).symlink_to(other)
    # Whether a link is refused or replaced is the lock's to choose.
    try:
        with store.lock_home(home, 0):
            pass
    except store.StoreError as error:
        assert str(home / name) in str(error)
    assert other.read_text() == "mine"


def test_link_in_the_place_of_a_result_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "a.json").symlink_to(other)
    store.write_json(tmp_path / "a.json", {"a": 1})
    assert (other.read_text(), (tmp_path / "a.json").is_symlink()) == ("mine", False)


def test_files_are_made_as_the_users_mask_says_and_temporary_folders_for_the_user_alone(tmp_path: Path) -> None:
    import tempfile

    before = os.umask(0o027)
    try:
        store.write_json(tmp_path / "a.json", {})
        with store.new_result(tmp_path / "step" / "x", step="step", version=1, fingerprint="f"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "step" / "x").stat().st_mode & 0o777 == 0o750
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
