"""The routes of the Saliency tab. Everything is read through TensorBoard's data provider."""

import functools
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorboard import plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from keras_saliency.tab import schema
from keras_saliency.tab.log import EventFiles
from keras_saliency.tab.reader import Reader, message_of

STATIC = Path(__file__).with_name("static")
# By suffix, not by the system's own table, which calls a .js text/plain on some.
_TYPES = {".js": "application/javascript", ".css": "text/css"}
_READING = "GET", "HEAD"
_log = logging.getLogger("tensorboard.saliency")


class SaliencyPlugin(base_plugin.TBPlugin):
    """Serves the tab's files and data. A failure is answered with an error message, never raised.

    Args:
        context: `base_plugin.TBContext`.

    Raises:
        OSError: if the tab's own files are missing.
    """

    plugin_name = schema.PLUGIN

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._provider = context.data_provider
        self._event_files = EventFiles()
        self._files = [name for name in os.listdir(STATIC) if Path(name).suffix in _TYPES]

    def is_active(self) -> bool:
        """Returns False: TensorBoard itself lists the plugins that have data."""
        return False

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="Saliency")

    def get_plugin_apps(self) -> dict[str, Any]:
        files = {f"/{name}": functools.partial(self._serve_file, name) for name in self._files}
        answers = {f"/data/{n}": functools.partial(self._serve_data, n) for n in Reader.ANSWERS}
        return {
            route: wrappers.Request.application(functools.partial(_only_read, app))
            for route, app in {**files, **answers}.items()
        }

    def _serve_file(self, name: str, request: wrappers.Request) -> wrappers.Response:
        try:
            content = (STATIC / name).read_bytes()
        except OSError:
            return _error(request, 404, f"{name} is missing from this installation")
        return http_util.Respond(request, content, _TYPES[Path(name).suffix])

    def _serve_data(self, name: str, request: wrappers.Request) -> wrappers.Response:
        try:
            context = plugin_util.context(request.environ)
            experiment = plugin_util.experiment_id(request.environ)
            reader = Reader(self._provider, context, experiment, self._event_files)
            content, content_type = reader.answer(name, request.args.to_dict())
        except KeyError as error:
            return _error(request, 404, message_of(error))
        except ValueError as error:
            return _error(request, 400, message_of(error))
        except Exception:
            _log.warning("The Saliency tab cannot answer %s", name, exc_info=True)
            return _error(request, 503, "The Saliency tab cannot answer now: see TensorBoard's log")
        return http_util.Respond(request, content, content_type)


def _only_read(app: Callable[..., wrappers.Response], request: wrappers.Request) -> Any:
    if request.method in _READING:
        return app(request)
    answer = _error(request, 405, "The Saliency tab can only be read")
    answer.headers["Allow"] = ", ".join(_READING)
    return answer


def _error(request: wrappers.Request, code: int, message: str) -> wrappers.Response:
    return http_util.Respond(request, json.dumps({"error": message}), "application/json", code=code)
