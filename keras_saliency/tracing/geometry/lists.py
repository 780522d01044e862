"""Lists of tensors, over which loops run: `tf.map_fn` takes each image from one, and fills one."""

from collections.abc import Sequence

from keras_saliency.tracing.geometry.parts import Free, Geometry, astray_in
from keras_saliency.tracing.geometry.rule import Move, Unknown


def _same(move: Move) -> Sequence[Geometry]:
    return [move.geometry()]


def _item(move: Move) -> Sequence[Geometry]:
    return [move.geometry()[1:]]


def _with_item(move: Move) -> Sequence[Geometry]:
    item, whole = move.geometry(2), move.geometry(0)
    if whole and whole[1:] != item and any(map(astray_in, whole)):
        raise Unknown
    return [((), *item)]  # how many there are is known when they are stacked


def _stacked(move: Move) -> Sequence[Geometry]:
    axes, number = move.geometry(), move.op.outputs[0].shape[:1]
    if not axes:
        raise Unknown
    first = (Free(number[0]),) if number.rank and number[0] and number[0] > 1 else axes[0]
    return [(first, *axes[1:])]


LISTS = {
    "TensorListFromTensor": _same,
    "TensorListGetItem": _item,
    "TensorListSetItem": _with_item,
    "TensorListStack": _stacked,
}
