"""Makes the tables of what `benchmark.py` wrote.

    cd tests/benchmarks/shortcuts && python -m real.report real.jsonl [more.jsonl ...]

A cue is learned where the gap between biased and unbiased validation accuracy reaches 0.10 at the
end of some epoch. A cue that was not is counted with neither the clean runs nor the learned ones.
"""

import sys

import numpy as np
from real.cues import KINDS
from report import read, share, upper_bound

MIN_GAP = 0.10
VIEWS = "no masks", "masks"
# Which detectors name a cue rightly; fixed before the first scoring. Where the cue has one
# place and the finding a region, they must overlap.
RIGHT = {
    "corner_tag": ("stationary", "border", "moving", "background"),
    "class_tag": ("stationary", "border", "moving", "background"),
    "moving_tag": ("border", "moving", "background"),
    "frame": ("border", "background", "stationary"),
    "pattern": ("pattern", "background"),
    "brightness": ("colour",),
    "tint": ("colour",),
    "watermark": ("stationary", "border", "background", "pattern"),
    "jpeg": ("compression", "sharpness"),
    "noise": ("noise",),
    "blur": ("sharpness",),
}
# Where no object is found, their suspects count: what they see may be the object's own.
SUSPECTS_COUNT = ("brightness", "tint")


def gaps(row):
    # Rounded: the difference of two shares may fall short of 0.10 by 1e-17.
    return np.subtract(row["biased"], row["unbiased"]).round(9)


def is_clean(row):
    return row["kind"] == "clean"


def is_learned(row):
    return not is_clean(row) and gaps(row).max() >= MIN_GAP


def found(row, view, severity="alert"):
    return [f for f in row[view]["findings"] if f["severity"] == severity]


def is_right(finding, row):
    """Whether a finding names what was planted.

    A tag is a pattern that a class shares, too, where the finding says at which place.
    """
    is_placed = finding["detector"] == "pattern" and row["cue_box"] and finding["region"]
    if finding["detector"] not in RIGHT[row["kind"]] and not is_placed:
        return False
    if not row["cue_box"] or not finding["region"]:
        return True
    y0, x0, y1, x1 = finding["region"]
    top, left, bottom, right = row["cue_box"]
    return min(y1, bottom) > max(y0, top) and min(x1, right) > max(x0, left)


def is_caught(row, view):
    """Whether the first alert names the right thing; an earlier wrong one is a false alarm."""
    alerts = found(row, view)
    if alerts:
        return is_right(alerts[0], row)
    counts = row["kind"] in SUSPECTS_COUNT and not has_objects(row, view)
    return counts and any(is_right(f, row) for f in found(row, view, "suspect"))


def has_objects(row, view):
    """Whether objects were given or found, so that there was a background to swap."""
    return any("background" in check["trials"] for check in row[view]["checks"])


def is_tested(row, view):
    """Whether the network was accurate enough for swaps at two checks at least."""
    return sum(bool(check["trials"]) for check in row[view]["checks"]) > 1


def print_clean(rows):
    print("\n| data set | watched | runs | tested | with an alert | with a suspect only |")
    print("|---" * 6 + "|")
    for data in [*dict.fromkeys(row["data"] for row in rows), "all"]:
        for view in VIEWS:
            part = [r for r in rows if data in (r["data"], "all") and view in r]
            if not part:
                continue
            wrong = [bool(found(r, view)) for r in part]
            vague = [bool(found(r, view, "suspect")) and not found(r, view) for r in part]
            bound = f" (at most {upper_bound(sum(wrong), len(wrong)):.0%})" if data == "all" else ""
            counts = f"{len(part)} | {sum(is_tested(r, view) for r in part)}"
            counts += f" | {sum(wrong)}{bound} | {sum(vague)}"
            print(f"| {data} | {view} | {counts} |")
    print()
    for row in rows:
        for view in VIEWS:
            for alert in found(row, view) if view in row else []:
                print(f"* false: {row['name']} ({view}): {describe(alert)}")


def describe(finding):
    loss = finding["accuracy_loss"]
    number = f"adoption {finding['adoption']:.2f}" if finding["adoption"] is not None else ""
    if loss is not None:
        low, high = finding["loss_interval"]
        number = f"loss {loss:.2f} ({low:.2f} to {high:.2f})"
    return f"{finding['detector']}, {number}, epoch {finding['epoch']}, {finding['region']}"


def print_cued(rows):
    print("\n| cue | watched | planted | learned | alert named right | any alert | suspect only |")
    print("|---" * 7 + "|")
    for kind in [*KINDS, "all"]:
        planted = [r for r in rows if kind in (r["kind"], "all")]
        for view in VIEWS:
            seen = [r for r in planted if view in r]
            learned = [r for r in seen if is_learned(r)]
            caught = [is_caught(r, view) for r in learned]
            any_alert = [bool(found(r, view)) for r in learned]
            vague = [bool(found(r, view, "suspect")) and not found(r, view) for r in learned]
            counts = f"{len(seen)} | {len(learned)} | {share(caught)} | {sum(any_alert)}"
            print(f"| {kind} | {view} | {counts} | {sum(vague)} |")
    print("\n| not learned | watched | runs | with an alert |\n|---|---|---|---|")
    for view in VIEWS:
        part = [r for r in rows if view in r and not is_learned(r)]
        print(f"| | {view} | {len(part)} | {sum(bool(found(r, view)) for r in part)} |")
    print()
    for row in rows:
        for view in VIEWS:
            if view in row and is_learned(row) and not is_caught(row, view):
                told = "; ".join(map(describe, found(row, view))) or "nothing"
                print(f"* missed: {row['name']} ({view}), gap {gaps(row).max():.2f}: {told}")


def print_delays(rows):
    print("\n| | no masks | masks |\n|---|---|---|")
    late, wrong = {}, {}
    for view in VIEWS:
        late[view], wrong[view] = [], []
        for row in rows:
            told = found(row, view) if view in row and is_learned(row) else []
            told = [alert for alert in told if is_right(alert, row)]
            if told:
                late[view].append(told[0]["epoch"] - int(np.argmax(gaps(row) >= MIN_GAP)))
                losses = [a["accuracy_loss"] for a in told if a["accuracy_loss"] is not None]
                at = [gaps(row)[a["epoch"]] for a in told if a["accuracy_loss"] is not None]
                wrong[view] += np.abs(np.subtract(losses, at)[:1]).tolist()
    cells = [f"{np.median(late[v]):+.0f}" if late[v] else "–" for v in VIEWS]
    print(f"| alert less gap, epochs, median | {cells[0]} | {cells[1]} |")
    cells = [f"{np.median(wrong[v]):.2f}" if wrong[v] else "–" for v in VIEWS]
    print(f"| loss less gap, absolute, median | {cells[0]} | {cells[1]} |")


def print_seconds(rows):
    print("\n| network | runs | seconds of training | seconds of checks |\n|---|---|---|---|")
    for network in dict.fromkeys(row["network"] for row in rows):
        part = [row for row in rows if row["network"] == network]
        checks = [sum(r[v]["seconds"] for v in VIEWS if v in r) for r in part]
        alone = [r["seconds"] - c for r, c in zip(part, checks, strict=True)]
        print(f"| {network} | {len(part)} | {np.mean(alone):.0f} | {np.mean(checks):.0f} |")


def main():
    rows = read(sys.argv[1:])
    print(f"{len(rows)} runs, {sum(map(is_learned, rows))} of them with a learned cue.")
    print_clean([row for row in rows if is_clean(row)])
    print_cued([row for row in rows if not is_clean(row)])
    print_delays(rows)
    print_seconds(rows)


if __name__ == "__main__":
    main()
