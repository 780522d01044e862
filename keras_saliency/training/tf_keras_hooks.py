"""What `tf_keras` (Keras 2) asks of a callback and a Keras 3 callback does not have."""

_BEGIN_AND_END = ("begin", "end")


class TfKerasHooks:
    """Lets a Keras 3 callback be passed to the `fit` of a `tf_keras` model.

    A mixin for a `keras.callbacks.Callback`. `tf_keras` calls batch hooks, and waits for each
    step's results, only where a callback says that it has some.
    """

    _supports_tf_logs = False
    _chief_worker_only = None

    def _implements_train_batch_hooks(self) -> bool:
        return self._has_own("on_batch") or self._has_own("on_train_batch")

    def _implements_test_batch_hooks(self) -> bool:
        return self._has_own("on_test_batch")

    def _implements_predict_batch_hooks(self) -> bool:
        return self._has_own("on_predict_batch")

    def _has_own(self, hook: str) -> bool:
        """Whether a hook is bound on the instance or defined in a class of its own.

        One that is marked as Keras marks its empty ones does not count: it is glad to be called.
        """
        hooks = [getattr(self, f"{hook}_{when}") for when in _BEGIN_AND_END]
        return not all(getattr(bound, "_is_default", False) for bound in hooks)
