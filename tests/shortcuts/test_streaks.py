"""How long a suspicion lasts, and what of it is news."""

from keras_saliency.shortcuts.streaks import Streaks, Told


def test_a_streak_is_as_long_as_its_checks_in_a_row():
    streaks = Streaks()
    found = [streaks.update("tag", epoch, is_over) for epoch, is_over in enumerate([1, 1, 0, 1])]
    assert found == [1, 2, 0, 1]
    assert streaks.length("tag") == 1 and streaks.since("tag") == 3


def test_streaks_of_different_suspicions_are_counted_apart():
    streaks = Streaks()
    streaks.update("tag", 4, True)
    assert streaks.update("frame", 5, True) == 1
    assert streaks.update("tag", 5, True) == 2 and streaks.since("tag") == 4
    streaks.clear()
    assert streaks.length("tag") == streaks.length("frame") == 0


def test_one_streak_is_one_suspect_and_one_alert():
    told = Told()
    checks = [(True, False), (True, True), (True, True), (False, False), (True, False)]
    assert [told.update("tag", *check) for check in checks] == ["suspect", "alert"] + [None] * 3
    assert told.has_alert(["frame", "tag"]) and not told.has_alert(["frame"])
    assert [told.update("tag", False, False) for _ in range(2)] == [None, None]
    assert not told.has_alert(["tag"]), "over after two quiet checks"
    assert told.update("tag", True, True) == "alert"
