"""Runs Python in a virtual environment in which this checkout is installed.

    python3 in_venv.py examples/quickstart.py
    python3 in_venv.py -m pytest

The environment is `.venv` beside this file, or what the environment
variable KERAS_SALIENCY_VENV says. It is made when it is missing, and brought
up to date when it is there. Needs nothing but Python's standard library.

What pip alone would leave broken is mended, and only where it is broken:
`opencv-python` does not import on a server without libGL, so
`opencv-python-headless` of the same version is laid over it; TensorBoard
before 2.21 does not start without pkg_resources, which setuptools 82 dropped,
so an older setuptools is installed.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("KERAS_SALIENCY_VENV") or ROOT / ".venv").absolute()
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_environment():
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        sys.exit(
            "keras_saliency needs Python 3.10 to 3.13 (TensorFlow has no other wheels). Received: "
            f"Python {sys.version.split()[0]}. Run this line with another one, e.g. python3.12."
        )
    if subprocess.call([sys.executable, "-m", "venv", str(VENV)]):
        sys.exit(
            f"Could not make a virtual environment in {VENV}. On Debian and Ubuntu: "
            "apt install python3-venv, then run this line again."
        )


def pip(*arguments):
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    if subprocess.call([*command, *arguments]):
        sys.exit(f"pip install {' '.join(arguments)} failed; its own words are above.")


def import_error(module):
    """Returns None where the module imports, else the last line of its complaint."""
    code = f"import {module}"
    run = subprocess.run([str(PYTHON), "-c", code], stderr=subprocess.PIPE, text=True)
    return (run.stderr.strip() or "no message").splitlines()[-1] if run.returncode else None


def version_of(package):
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.check_output([str(PYTHON), "-c", code], text=True).strip()


def mend_opencv():
    if import_error("cv2") is None:
        return
    # Over it, not instead of it: pip goes on finding the requirement
    # opencv-python met, and does not bring the other build back next time.
    headless = f"opencv-python-headless=={version_of('opencv-python')}"
    pip("--force-reinstall", "--no-deps", headless)
    complaint = import_error("cv2")
    if complaint is not None:
        sys.exit(f"OpenCV does not import in {VENV}, nor does its headless build: {complaint}")
    print("libGL is missing here, so opencv-python-headless was installed.", flush=True)


def mend_tensorboard():
    version = version_of("tensorboard")
    needs_it = tuple(int(part) for part in version.split(".")[:2]) < (2, 21)
    if needs_it and import_error("pkg_resources") is not None:
        pip("setuptools<82")
        print(f"TensorBoard {version} needs pkg_resources, so setuptools<82 was installed.")


def install():
    print(f"Installing keras_saliency into {VENV} (the first time takes minutes) ...", flush=True)
    pip("-e", f"{ROOT}[examples,test]")
    mend_opencv()
    mend_tensorboard()


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    if not PYTHON.exists():
        make_environment()
    install()
    return subprocess.call([str(PYTHON), *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
