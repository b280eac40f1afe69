"""Atomic writing: the old file or the new one, never half of one."""

import errno
import os
import stat

import pytest

from antiphon._files import write_atomically
from antiphon.errors import OutputError


def test_text_and_bytes_are_written_as_they_are(tmp_path):
    write_atomically(tmp_path / "a", "ä\r\nb\n")
    assert (tmp_path / "a").read_bytes() == "ä\r\nb\n".encode()
    write_atomically(str(tmp_path / "a"), b"\x00\x01")
    assert (tmp_path / "a").read_bytes() == b"\x00\x01"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch, step, error):
    target = tmp_path / "report.html"
    target.write_text("old")

    def fail(*arguments):
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the full device")
def test_a_full_disk_is_told():
    with pytest.raises(OutputError, match=r"No space left.*free some space"):
        write_atomically("/dev/full", "x")


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.EACCES, "permissions"), (errno.EROFS, "read-only"), (errno.EIO, "choose another path")],
)
def test_a_folder_that_cannot_be_written_to_is_told(tmp_path, monkeypatch, code, advice):
    def refuse(*arguments, **options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(OutputError, match=advice):
        write_atomically(tmp_path / "a", "x")


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(OutputError, match="create the folder first"):
        write_atomically(tmp_path / "no" / "a", "x")


def test_a_parent_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="parents are all folders"):
        write_atomically(tmp_path / "file" / "a", "x")


def test_a_folder_instead_of_a_file_is_told(tmp_path):
    with pytest.raises(OutputError, match="inside that folder"):
        write_atomically(tmp_path, "x")


def test_a_name_too_long_is_told(tmp_path):
    with pytest.raises(OutputError, match="shorter file name"):
        write_atomically(tmp_path / ("a" * 300), "x")


def test_a_link_is_written_through_and_the_mode_is_kept(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_device_is_never_replaced():
    write_atomically(os.devnull, "x" * 100_000)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
