"""The curve of drift, as SVG."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_saliency.cards import markup

Curve = Sequence[tuple[float, float]]  # (epoch, 0-based; value)
_WIDTH, _HEIGHT = 640, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 24
_MOST_POINTS = 300
# Each stands out on white and on black.
_COLOURS = ("#3f8fd2", "#e0792b", "#2fa36b", "#c25bb8", "#b89b1d", "#d84a4a")


def drift_chart(curves: Mapping[str, Curve]) -> str:
    """Returns the drift of methods over the epochs as markup; "" where there is none yet.

    Args:
        curves: (epoch, value) in ascending order, by method; epochs are 0-based, and counted from 1
            in the chart.
    """
    drawn = {name: _thinned(curve) for name, curve in curves.items() if len(curve)}
    if not drawn:
        return ""
    first = min(curve[0][0] for curve in drawn.values())
    last = max(curve[-1][0] for curve in drawn.values())
    highest = max(value for curve in drawn.values() for _, value in curve) or 1.0

    def x(epoch: float) -> float:
        share = 0.5 if last == first else (epoch - first) / (last - first)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / highest * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_tick(_LEFT - 6, y(value) + 4, f"{value:.2g}", "end") for value in (0, highest)]
    parts += [
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}" '
        'stroke="currentColor" stroke-opacity="0.25"/>'
        for v in (0, highest)
    ]
    parts += [
        _tick(x(epoch), _HEIGHT - 6, f"epoch {epoch + 1:.0f}", anchor)
        for epoch, anchor in _ends(first, last)
    ]
    for colour, curve in zip(_colours(len(drawn)), drawn.values(), strict=True):
        points = " ".join(f"{x(e):.1f},{y(v):.1f}" for e, v in curve)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        epoch, value = curve[-1]
        parts.append(f'<circle cx="{x(epoch):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>')
    legend = ", ".join(
        f'<span style="color: {colour}">&#9632;</span> {markup.text(name)} {curve[-1][1]:.3g}'
        for colour, (name, curve) in zip(_colours(len(drawn)), drawn.items(), strict=True)
    )
    return (
        f"<div>Drift since the previous epoch: {legend}</div>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="drift by epoch" '
        f'style="width: {_WIDTH}px; max-width: 100%; display: block">{"".join(parts)}</svg>'
    )


def _thinned(curve: Curve) -> list[tuple[float, float]]:
    places = np.linspace(0, len(curve) - 1, min(len(curve), _MOST_POINTS)).round().astype(int)
    return [curve[i] for i in places]


def _ends(first: float, last: float) -> list[tuple[float, str]]:
    return [(first, "middle")] if last == first else [(first, "start"), (last, "end")]


def _colours(number: int) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(number)]


def _tick(x: float, y: float, label: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="{anchor}" fill="currentColor" '
        f'fill-opacity="0.75">{label}</text>'
    )
