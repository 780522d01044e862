"""Makes the tables of docs/shortcuts.md from what `benchmark.py` wrote.

    python tests/benchmarks/shortcuts/report.py scored.jsonl [more.jsonl ...]

A run counts as a shortcut if its gap between biased and unbiased validation accuracy reaches
0.10 at some check; a planted cue that the network ignores counts as clean.
"""

import json
import sys
from pathlib import Path

import numpy as np
from cues import FIXED_PLACE, KINDS
from runs import STRENGTHS
from training import EPOCHS

MIN_GAP = 0.10
BLIND = 0.6  # a kind that is caught less often is called blind
VIEWS = "masks", "no masks"


def read(paths):
    rows = []
    for path in map(Path, paths):
        found = map(json.loads, path.read_text().splitlines())
        rows += [{**row, "draw": path.stem} for row in found]
    failed = [row for row in rows if "error" in row]
    for row in failed:
        print(f"FAILED: {row['name']}: {row['error']}")
    return [row for row in rows if "error" not in row]


def is_shortcut(row):
    return row["kind"] in KINDS and max(gaps(row)) >= MIN_GAP


def gaps(row):
    # Rounded: the difference of two shares of 300 images may fall short of 0.10 by 1e-17.
    return np.array([gap for _, gap in row["gaps"]]).round(9)


def first_gap(row):
    """The epoch in which the oracle sees the shortcut."""
    return row["gaps"][int(np.argmax(gaps(row) >= MIN_GAP))][0]


def alerts(row, view):
    return [f for f in row[view]["findings"] if f["severity"] == "alert"]


def is_caught(row, view):
    """Whether there is an alert; a tint in photographs may be the object's: a suspect will do."""
    suspects = [f for f in row[view]["findings"] if f["detector"] == "colour"]
    return bool(alerts(row, view) or (row["kind"] == "tint" and view == "no masks" and suspects))


def upper_bound(num_wrong, num):
    """Clopper and Pearson's one-sided upper 95 % bound, by bisection."""
    from math import comb

    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2
        tail = sum(comb(num, k) * p**k * (1 - p) ** (num - k) for k in range(num_wrong + 1))
        low, high = (p, high) if tail > 0.05 else (low, p)
    return high


def share(found, digits=0):
    return f"{sum(found)}/{len(found)}" + (f" = {np.mean(found):.{digits}%}" if found else "")


def print_false(rows):
    print("\n| runs without a shortcut | watched | false alerts | 95 % upper bound |")
    print("|---|---|---|---|")
    clean = [r for r in rows if not is_shortcut(r)]
    parts = {
        "clean kinds": [r for r in clean if r["kind"] not in KINDS],
        "planted, ignored by the network": [r for r in clean if r["kind"] in KINDS],
        "all": clean,
    }
    parts |= {f"of these in {d}": [r for r in clean if r["draw"] == d] for d in draws(rows)}
    for name, part in parts.items():
        for view in VIEWS:
            wrong = [bool(alerts(r, view)) for r in part if view in r]
            bound = upper_bound(sum(wrong), len(wrong)) if wrong else 1
            print(f"| {name} | {view} | {sum(wrong)} of {len(wrong)} | {bound:.1%} |")
    print()
    for row in clean:
        for view in VIEWS:
            for alert in alerts(row, view) if view in row else []:
                print(
                    f"* false: {row['name']} ({view}): {alert['detector']} "
                    f"{alert['accuracy_loss']:.2f} in epoch {alert['epoch']}, gaps "
                    f"{min(gaps(row)):.2f} … {max(gaps(row)):.2f}"
                )


def draws(rows):
    """The files that the rows are of; none where all are of one."""
    names = sorted({row["draw"] for row in rows})
    return names if len(names) > 1 else []


def shows_at_an_end(row):
    """Whether the gap is there at the end of an epoch as well, as validation accuracy is."""
    return np.subtract(row["biased"], row["unbiased"]).round(9).max() >= MIN_GAP


def caught_of(rows):
    return [share([is_caught(r, view) for r in rows if view in r], 1) for view in VIEWS]


def print_caught(rows):
    print("\n| kind of cue | runs | caught with masks | without masks |")
    print("|---|---|---|---|")
    found = {view: [] for view in VIEWS}
    for kind in KINDS:
        part = [r for r in rows if r["kind"] == kind and is_shortcut(r)]
        cells = []
        for view in VIEWS:
            caught = [is_caught(r, view) for r in part if view in r]
            found[view] += caught
            blind = " (blind)" if caught and np.mean(caught) < BLIND else ""
            cells.append(share(caught) + blind)
        planted = sum(r["kind"] == kind for r in rows)
        print(f"| {kind} | {len(part)} of {planted} planted | {cells[0]} | {cells[1]} |")
    cells = [f"**{share(found[view], 1)}**" for view in VIEWS]
    print(f"| **all** | | {cells[0]} | {cells[1]} |")
    for draw in draws(rows):
        cells = caught_of([r for r in rows if r["draw"] == draw and is_shortcut(r)])
        print(f"| of these in {draw} | | {cells[0]} | {cells[1]} |")
    cells = caught_of([r for r in rows if is_shortcut(r) and shows_at_an_end(r)])
    print(f"| of these, gap at the end of an epoch | | {cells[0]} | {cells[1]} |")
    print("\n| strength | runs | with masks | without masks |\n|---|---|---|---|")
    for strength in STRENGTHS:
        part = [r for r in rows if r["strength"] == strength and is_shortcut(r)]
        cells = caught_of(part)
        print(f"| {strength:.0%} | {len(part)} | {cells[0]} | {cells[1]} |")


def print_when_and_where(rows):
    print("\n| | with masks | without masks |\n|---|---|---|")
    late, early, named, off = {}, {}, {}, {}
    for view in VIEWS:
        late[view], early[view], named[view], off[view] = [], [], [], []
        for row in (r for r in rows if is_shortcut(r) and view in r):
            told = alerts(row, view)
            if not told:
                continue
            first = min(alert["epoch"] for alert in told)
            late[view].append(first - first_gap(row))
            early[view].append(first < EPOCHS / 3)
            at = [gap for epoch, gap in row["gaps"] if epoch == told[0]["epoch"]]
            off[view].append(min(abs(told[0]["accuracy_loss"] - gap) for gap in at))
            if row["kind"] in FIXED_PLACE:
                named[view] += [is_named(alert["region"], row) for alert in told]
    both = [f"{np.median(late[v]):+.0f}" if late[v] else "–" for v in VIEWS]
    print(f"| alert less oracle, epochs, median | {both[0]} | {both[1]} |")
    both = [f"{np.median(off[v]):.2f}" if off[v] else "–" for v in VIEWS]
    print(f"| loss less gap in the epoch of the alert, size, median | {both[0]} | {both[1]} |")
    both = [share(early[v]) for v in VIEWS]
    print(f"| first alert in the first third of the training | {both[0]} | {both[1]} |")
    both = [share(named[v]) for v in VIEWS]
    print(f"| alerts of cues at a fixed place that name it | {both[0]} | {both[1]} |")


def is_named(region, row):
    """Covers half of the cue, and is at most 4 × its area or a tenth of the image."""
    if region is None:
        return False
    y0, x0, y1, x1 = region
    top, left, bottom, right = row["cue_box"]
    area = (bottom - top) * (right - left)
    inside = max(0, min(y1, bottom) - max(y0, top)) * max(0, min(x1, right) - max(x0, left))
    size = 96 if row["network"] == "mobilenet" else 40
    return inside >= area / 2 and (y1 - y0) * (x1 - x0) <= max(4 * area, 0.1 * size * size)


def print_cost(rows):
    seconds = [r[v]["seconds"] / EPOCHS for r in rows for v in VIEWS if v in r]
    small = [
        r[v]["seconds"] / EPOCHS
        for r in rows
        for v in VIEWS
        if v in r and r["network"] != "mobilenet"
    ]
    print(f"\nAn epoch's checks took {np.mean(seconds):.2f} s in the mean, {np.max(seconds):.2f} s")
    print(f"at most; {np.mean(small) / 10:.1%} of an epoch of 10 s for the small networks,")
    print(f"{np.mean(seconds) / 10:.1%} for all (early checks counted).")


def main():
    rows = read(sys.argv[1:])
    pretrained = [r for r in rows if r["network"] == "mobilenet"]
    print(f"{len(rows)} runs, {sum(map(is_shortcut, rows))} of them shortcuts; {len(pretrained)}")
    print(f"fine-tune a pretrained network ({sum(map(is_shortcut, pretrained))} shortcuts).")
    print_false(rows)
    print_caught(rows)
    print_when_and_where(rows)
    print_cost(rows)


if __name__ == "__main__":
    main()
