"""Files of models: the same as the command line's."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import LENET, TIED, cli

import weightinit
from weightinit import _zip


def path_of(manifest: object, folder: Path) -> Path:
    """The file of a manifest, which is a path or a dict."""
    if isinstance(manifest, Path):
        return manifest
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest))
    return path


def content(path: Path) -> dict[str, bytes]:
    """The files of a directory."""
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize("manifest", [LENET, TIED])
@pytest.mark.parametrize("extension", ["safetensors", "npz", "bin"])
def test_a_saved_model_is_the_file_of_the_command_line(
    source: weightinit.Source, tmp_path: Path, manifest: Any, extension: str
) -> None:
    ours, theirs = tmp_path / f"ours.{extension}", tmp_path / f"theirs.{extension}"
    source.save(manifest, ours, seed=5)
    assert [p.name for p in tmp_path.iterdir()] == [ours.name]
    cli("model", "init", str(path_of(manifest, tmp_path)), "--seed=5", f"--output={theirs}")
    assert ours.read_bytes() == theirs.read_bytes()
    assert ours.stat().st_mode == theirs.stat().st_mode


@pytest.mark.parametrize("manifest", [LENET, TIED])
@pytest.mark.parametrize("limit", [None, 1, 1000, 50000])
def test_a_saved_directory_is_that_of_the_command_line(
    source: weightinit.Source, tmp_path: Path, manifest: Any, limit: int | None
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    source.save(manifest, ours, seed=5, max_file_bytes=limit)
    assert [p.name for p in tmp_path.iterdir()] == ["ours"]
    options = [] if limit is None else [f"--max-file-bytes={limit}"]
    path = str(path_of(manifest, tmp_path))
    cli("model", "init", path, "--seed=5", f"--output={theirs}", *options)
    assert content(ours) == content(theirs)
    assert ours.stat().st_mode == theirs.stat().st_mode
    assert len(content(ours)) > 1 or limit is None or limit > 1000


@pytest.mark.parametrize("name", ["ours.safetensors", "ours/"])
def test_a_saved_shard_is_the_file_of_the_command_line(
    source: weightinit.Source, tmp_path: Path, name: str
) -> None:
    (tmp_path / "theirs").mkdir()
    ours, theirs = f"{tmp_path}/{name}", f"{tmp_path}/theirs/{name}"
    limit = 1000 if name.endswith("/") else None
    source.save(LENET, ours, shard=(1, 2), only=["fc*"], max_file_bytes=limit)
    options = [] if limit is None else [f"--max-file-bytes={limit}"]
    cli("model", "init", str(LENET), "--shard=1/2", "--only=fc*", f"--output={theirs}", *options)
    if limit is None:
        assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    else:
        assert content(Path(ours)) == content(Path(theirs))


def test_a_model_without_elements_has_files(source: weightinit.Source, tmp_path: Path) -> None:
    manifest = {"version": 1, "entries": [{"name": "e", "tensor": {"shape": [0, 3]}}]}
    for extension in ("safetensors", "npz", "bin"):
        ours, theirs = tmp_path / f"ours.{extension}", tmp_path / f"theirs.{extension}"
        source.save(manifest, ours)
        cli("model", "init", str(path_of(manifest, tmp_path)), f"--output={theirs}")
        assert ours.read_bytes() == theirs.read_bytes()


def test_an_empty_directory_is_filled_and_keeps_its_mode(
    source: weightinit.Source, tmp_path: Path
) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o750)
    (tmp_path / "link").symlink_to(real)
    source.save(LENET, tmp_path / "link")
    assert list(content(real)) == ["model.safetensors"]
    assert real.stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "link").is_symlink()


def test_many_entries_of_an_npz_file_are_counted_in_zip64(tmp_path: Path) -> None:
    manifest = {
        "version": 1,
        "entries": [
            {
                "name": "t{i}",
                "repeat": [{"index": "i", "count": 65536}],
                "tensor": {"scheme": "ones"},
            }
        ],
    }
    ours, theirs = tmp_path / "ours.npz", tmp_path / "theirs.npz"
    weightinit.save(manifest, ours)
    cli("model", "init", str(path_of(manifest, tmp_path)), f"--output={theirs}")
    assert ours.read_bytes() == theirs.read_bytes()
    with np.load(ours) as arrays:
        assert len(arrays.files) == 65536


def test_large_entries_of_an_npz_file_are_in_zip64_fields(tmp_path: Path) -> None:
    entries, offset = [], 0
    for size in (0xFFFFFFFE, 0xFFFFFFFF, 5 << 32, 7):
        entries.append(_zip.Entry(f"{size}.npy".encode(), size, offset, crc32=size % 97))
        offset += len(_zip.local_header(entries[-1])) + size
    path = tmp_path / "large.npz"
    with path.open("wb") as file:  # Sparse.
        for entry in entries:
            file.seek(entry.offset)
            file.write(_zip.local_header(entry))
        file.seek(offset)
        file.write(_zip.directory(entries, offset, b"comment"))
    with zipfile.ZipFile(path) as archive:
        assert archive.comment == b"comment"
        for entry, info in zip(entries, archive.infolist(), strict=True):
            told = (info.filename.encode(), info.file_size, info.header_offset, info.CRC)
            assert told == (entry.name, entry.size, entry.offset, entry.crc32)
            archive.open(info).close()  # Reads the local header.


def test_nothing_stays_of_a_file_that_cannot_be_made(
    source: weightinit.Source, tmp_path: Path
) -> None:
    (tmp_path / "taken.npz").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    for name in ("taken.npz", "full", "file/", "model.h5", ".npz"):
        with pytest.raises(weightinit.InvalidArgument, match="path"):
            source.save(LENET, f"{tmp_path}/{name}")
    with pytest.raises(weightinit.NotFound, match="path"):
        source.save(LENET, tmp_path / "nowhere" / "model.bin")
    assert {p.name for p in tmp_path.iterdir()} == {"taken.npz", "full", "file"}


@pytest.mark.parametrize(
    ("name", "limit", "error"),
    [
        ("model/", 0, "it has to be from 1 to"),
        ("model/", "9", "an int"),
        ("model.bin", 9, "is one file"),
    ],
)
def test_a_wrong_max_file_bytes_is_named(
    source: weightinit.Source, tmp_path: Path, name: str, limit: Any, error: str
) -> None:
    with pytest.raises(weightinit.InvalidArgument, match=f"max_file_bytes: .*{error}"):
        source.save(LENET, f"{tmp_path}/{name}", max_file_bytes=limit)
    assert not list(tmp_path.iterdir())


def test_nothing_stays_of_a_directory_that_is_not_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = weightinit.Local()

    def fail(*_: object) -> None:
        raise weightinit.Unavailable("no")

    monkeypatch.setattr(source, "_model", fail)
    for name in ("model/", "model.bin"):
        with pytest.raises(weightinit.Unavailable):
            source.save(LENET, f"{tmp_path}/{name}")
    assert not list(tmp_path.iterdir())
