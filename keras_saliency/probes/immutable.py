"""`Immutable`: attributes that are set once."""

from typing import Any

import numpy as np


class Immutable:
    """Refuses to change an attribute; copies of it are the object itself."""

    def __setattr__(self, name: str, value: object) -> None:
        kind = type(self).__name__
        raise AttributeError(f"{kind} is immutable, so {name} cannot be set. Make a new {kind}.")

    def __delattr__(self, name: str) -> None:
        kind = type(self).__name__
        raise AttributeError(
            f"{kind} is immutable, so {name} cannot be deleted. Make a new {kind}."
        )

    def __copy__(self) -> "Immutable":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Immutable":
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Makes arrays read-only again, which a pickle does not keep."""
        self.__dict__.update(state)
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def _set(self, **attributes: object) -> None:
        self.__dict__.update(attributes)
