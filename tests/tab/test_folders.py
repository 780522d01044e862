"""The folders of a log directory, whatever they are called and however they are linked."""

import os

from keras_saliency.tab.folders import folders_below


def names(top):
    found, left_out = folders_below(str(top))
    return [folder.name for folder in found], left_out


def test_folders_are_named_by_their_path(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    found, left_out = folders_below(str(tmp_path))
    assert [(f.name, f.files) for f in found] == [(".", []), ("a", ["file"]), ("a/b", [])]
    assert [f.path for f in found] == [str(tmp_path / name) for name in ("", "a", "a/b")]
    assert not left_out


def test_links_are_followed_but_not_in_circles(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "c").symlink_to(tmp_path / "a" / "b")
    assert names(tmp_path)[0] == [".", "a", "a/b", "c", "c/up"]


def test_names_that_are_no_utf_8_are_left_out_and_named(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/a/\xff/b")
    (tmp_path / "ü🐈").mkdir()
    assert names(tmp_path) == ([".", "a", "ü🐈"], [r"a/\xff"])


def test_a_folder_that_is_not_there_has_none(tmp_path):
    assert names(tmp_path / "gone") == ([], [])
