import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tasks import store

LOCK_AND_WAIT = """
import sys
from pathlib import Path
from tasks import store
with store.lock_home(Path(sys.argv[1]), 0):
    print("locked", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def result(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora" / "summary"
    with store.new_result(folder, step="prepare", version=1, fingerprint="abc") as draft:
        (draft.folder / "table.txt").write_text("one\ntwo\n")
        draft.summary["titles"] = 2
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_atomic_write_puts_the_whole_file(tmp_path):
    store.write_bytes(tmp_path / "deep" / "file.bin", b"whole")
    assert (tmp_path / "deep" / "file.bin").read_bytes() == b"whole"
    assert names(tmp_path / "deep") == ["file.bin"]


def test_atomic_write_leaves_nothing_on_error(tmp_path):
    path = tmp_path / "file.bin"
    with pytest.raises(RuntimeError), store.atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert names(tmp_path) == []


def test_atomic_write_keeps_the_old_file_on_error(tmp_path):
    path = tmp_path / "file.bin"
    store.write_bytes(path, b"old")
    with pytest.raises(RuntimeError), store.atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file.bin"]


def test_fingerprint_ignores_the_order_of_keys():
    assert store.fingerprint(a={"x": 1, "y": 2}, b=1) == store.fingerprint(b=1, a={"y": 2, "x": 1})


def test_fingerprint_changes_with_a_value():
    assert store.fingerprint(version=1) != store.fingerprint(version=2)


def test_fingerprint_refuses_what_has_no_canonical_form():
    with pytest.raises(TypeError, match="cannot fingerprint a object"):
        store.fingerprint(a=object())


def test_a_whole_result_is_found(result):
    manifest = store.find_result(result, "abc")
    assert manifest is not None
    assert (manifest.step, manifest.version, manifest.summary) == ("prepare", 1, {"titles": 2})
    assert manifest.files["table.txt"].bytes == 8


def test_files_in_folders_are_named_by_their_path(tmp_path):
    with store.new_result(tmp_path / "a" / "b", step="s", version=1, fingerprint="f") as draft:
        (draft.folder / "parts").mkdir()
        (draft.folder / "parts" / "one.txt").write_text("1")
    manifest = store.find_result(tmp_path / "a" / "b", "f")
    assert manifest is not None
    assert list(manifest.files) == ["parts/one.txt"]


def test_another_fingerprint_is_not_found(result):
    assert store.find_result(result, "abd") is None


def test_a_truncated_file_is_not_found(result):
    (result / "table.txt").write_text("one\n")
    assert store.find_result(result, "abc") is None


def test_a_flipped_bit_is_not_found(result):
    (result / "table.txt").write_text("one\ntwn\n")
    manifest = store.read_manifest(result)
    assert manifest is not None
    assert store.damaged_files(result, manifest) == ["table.txt"]
    assert store.find_result(result, "abc") is None


def test_a_missing_file_is_not_found(result):
    (result / "table.txt").unlink()
    assert store.find_result(result, "abc") is None


def test_a_missing_manifest_is_not_found(result):
    (result / store.MANIFEST).unlink()
    assert store.find_result(result, "abc") is None


def test_a_missing_folder_is_not_found(tmp_path):
    assert store.find_result(tmp_path / "none", "abc") is None


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff"])
def test_a_damaged_manifest_is_named_and_not_found(result, content):
    (result / store.MANIFEST).write_bytes(content)
    with pytest.raises(store.StoreError, match=r"manifest\.json: not a manifest"):
        store.read_manifest(result)
    assert store.find_result(result, "abc") is None


def test_an_unfinished_crawl_is_not_found(result):
    manifest = store.read_manifest(result)
    assert manifest is not None
    store.write_manifest(result, manifest.model_copy(update={"complete": False}))
    assert store.find_result(result, "abc") is None


def test_a_new_result_replaces_a_damaged_folder(result):
    (result / "table.txt").write_text("one\n")
    (result / "stray.txt").write_text("stray")
    with store.new_result(result, step="prepare", version=1, fingerprint="abc") as draft:
        (draft.folder / "table.txt").write_text("anew\n")
    assert names(result) == ["manifest.json", "table.txt"]
    assert store.find_result(result, "abc") is not None


def test_a_failed_result_leaves_the_old_one(result):
    with (
        pytest.raises(RuntimeError),
        store.new_result(result, step="prepare", version=1, fingerprint="new") as draft,
    ):
        (draft.folder / "table.txt").write_text("half")
        raise RuntimeError
    assert store.find_result(result, "abc") is not None
    assert names(result.parent) == ["summary"]


def test_drafts_of_dead_processes_are_swept(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    orphan = tmp_path / "models" / "summary" / f".running-linear-{ended.pid}"
    living = tmp_path / "models" / f".running-seed-{os.getppid()}"
    reused = tmp_path / "models" / f".running-linear-{os.getpid()}"
    odd = tmp_path / "models" / ".running-something"
    for folder in (orphan, living, reused, odd):
        folder.mkdir(parents=True)
    assert set(store.sweep_drafts(tmp_path)) == {odd, orphan, reused}
    assert [folder.exists() for folder in (orphan, living, reused, odd)] == [False, True, False, False]


def test_temporary_files_of_dead_processes_are_swept(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    orphan = tmp_path / "raw" / "imdb" / f".manifest.json.{ended.pid}.tmp"
    living = tmp_path / f".runs.json.{os.getppid()}.tmp"
    others = [tmp_path / ".notes.tmp", tmp_path / "raw" / "part.tmp"]
    orphan.parent.mkdir(parents=True)
    for file in (orphan, living, *others):
        file.write_text("{")
    assert store.sweep_drafts(tmp_path) == [orphan]
    assert [file.exists() for file in (orphan, living, *others)] == [False, True, True, True]


def test_draft_of_a_dead_process_is_swept_whose_number_another_has_now(tmp_path):
    draft = tmp_path / "models" / f".running-linear-{os.getppid()}"
    draft.mkdir(parents=True)
    before = psutil.Process(os.getppid()).create_time() - 60
    os.utime(draft, (before, before))
    assert store.sweep_drafts(tmp_path) == [draft]


def test_a_home_can_be_locked_again(tmp_path):
    for _ in range(2):
        with store.lock_home(tmp_path, 0):
            assert (tmp_path / "lock.json").exists()
    assert not (tmp_path / "lock.json").exists()


def test_a_second_run_is_told_who_holds_the_home(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK_AND_WAIT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        told: list[str] = []
        with (
            pytest.raises(store.StoreError, match=rf"in use by another run \(process {holder.pid}, since 20"),
            store.lock_home(tmp_path, 0.1, told.append),
        ):
            pytest.fail("locked twice")
        assert told[0].startswith(f"process {holder.pid}, since ")
    finally:
        holder.communicate("\n")
    with store.lock_home(tmp_path, 0):
        pass


def test_the_lock_of_a_killed_run_is_free(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK_AND_WAIT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    holder.kill()
    holder.wait()
    holder.communicate()
    with store.lock_home(tmp_path, 0):
        assert (tmp_path / "lock.json").exists()


@pytest.mark.parametrize("name", ["../other/part-00000.parquet", "/etc/passwd", "a/../../b", "..", ""])
def test_manifest_that_names_a_file_elsewhere_is_none(name: str, tmp_path: Path) -> None:
    told = {"step": "collect", "version": 3, "fingerprint": "f", "summary": {}, "created": store.now()}
    entry = {"bytes": 1, "sha256": "0" * 64, "rows": 1}
    store.write_json(tmp_path / "manifest.json", {**told, "files": {name: entry}})
    with pytest.raises(store.StoreError, match="manifest.json: not a manifest"):
        store.read_manifest(tmp_path)
