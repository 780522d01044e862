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


def test_an_alert_says_all_that_a_suspect_would():
    told = Told()
    told.add(["tag"], "suspect")
    assert told.has("tag", "suspect") and not told.has("tag", "alert")
    told.add(["tag", "frame"], "alert")
    told.add(["frame"], "suspect")
    assert all(told.has(k, s) for k in ("tag", "frame") for s in ("suspect", "alert"))
    assert not told.has("colour", "suspect")


def test_what_was_told_is_forgotten_after_two_quiet_checks_in_a_row():
    told = Told()
    told.add(["tag"], "alert")
    for proven in ([], ["tag"], [], ["tag"], []):
        told.forget_what_is_over(proven)
        assert told.has("tag", "alert")
    told.forget_what_is_over([])
    assert not told.has("tag", "suspect")
    told.add(["tag"], "alert")
    told.forget_what_is_over([])
    assert told.has("tag", "alert"), "the quiet checks before it do not count"
