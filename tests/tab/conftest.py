"""A browser of its own for each file that looks at the tab."""

import pytest
from helpers.browser import chromium


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    with chromium(tmp_path_factory.mktemp("profile"), downloads=downloads) as driver:
        yield driver
