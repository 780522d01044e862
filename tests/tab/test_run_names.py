"""The order of runs."""

from keras_saliency.tab.run_names import natural


def test_numbers_count_and_folders_stay_together():
    expected = [
        *("9", "10", "a2", "a10b2", "a10b10", "fold_2", "fold_2/a", "fold_2/a_2", "fold_2/a_10"),
        *("fold_10/a", "saliency", "saliency_2", "saliency_10"),
    ]
    assert sorted(reversed(expected), key=natural) == expected


def test_names_that_are_odd_are_sorted_too():
    names = [".", "", "9" * 400, "٣", "²", "a//b", "\\", "a"]
    assert sorted(sorted(names, key=natural)) == sorted(names)
