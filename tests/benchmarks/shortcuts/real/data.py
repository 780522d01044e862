"""Real images with labels: `load(name)` reads one data set, the same for everybody.

The arrays are made once, from packages (see `sources.py`), and cached. Each loader returns
images (uint8), labels, masks (bool, or None where the packages give none), and whether an image
is for validation (None: every fourth of each class is).
"""

import numpy as np
from real import (
    boards,
    crops,
    cutouts,
    drawn,
    figures,
    games,
    grey,
    people,
    places,
    pockets,
    renders,
    scripts,
    series,
    sheets,
    signs,
    sounds,
    space,
    styles,
    various,
    writing,
)
from real.sources import data_folder

# No data set is in two splits. Emoji of other vendors, or two draws of one picture, would be one.
# "first" to "seventh" were scored once each, in `first_scored.jsonl` and so on. Rules that these
# scorings suggested were tuned on them since, so that they are tuning data now. "score" is in
# `scored.jsonl`, and no rule changed because of it. Nor did one because of "more", of which only
# clean trainings were run, in `more_clean.jsonl`. Of "ninth", only clean trainings were run, too,
# in `ninth_clean.jsonl`, and one rule changed because of it; how was chosen with the trainings of
# "score" in view that have a pattern and masks.
LOADERS = {
    "tune": {
        "mnist": grey.mnist,
        "digits": grey.digits,
        "silhouettes": grey.silhouettes,
        "icons": cutouts.icons,
        "sprites": cutouts.sprites,
        "textures": crops.textures,
        "satellite": crops.satellite,
    },
    "first": {
        "fashion": grey.fashion,
        "letters": grey.letters,
        "faces": grey.faces,
        "emoji": cutouts.emoji,
        "stamps": cutouts.stamps,
        "clipart": cutouts.clipart,
        "photographs": crops.photographs,
        "tissue": crops.tissue,
    },
    "second": {
        "greek": grey.greek,
        "head": grey.head,
        "brain": grey.brain,
        "units": cutouts.units,
        "apps": cutouts.apps,
        "planets": crops.planets,
        "panoramas": crops.panoramas,
        "materials": crops.materials,
    },
    "third": {
        "hebrew": grey.hebrew,
        "skull": grey.skull,
        "chess": sheets.chess,
        "creatures": sheets.creatures,
        "houses": sheets.houses,
        "wallpapers": crops.wallpapers,
        "scenery": crops.scenery,
        "terrain": crops.terrain,
    },
    "fourth": {
        "thai": writing.thai,
        "music": writing.music,
        "flags": boards.flags,
        "cards": boards.cards,
        "furniture": boards.furniture,
        "wasteland": boards.wasteland,
        "papers": crops.papers,
        "sounds": sounds.sounds,
    },
    "fifth": {
        "parts": renders.parts,
        "kana": writing.kana,
        "leaves": series.leaves,
        "voices": series.voices,
        "outfits": space.outfits,
        "landscapes": space.landscapes,
        "ships": space.ships,
        "monsters": boards.monsters,
    },
    "sixth": {
        "hangul": writing.hangul,
        "molecules": renders.molecules,
        "costumes": figures.costumes,
        "vehicles": figures.vehicles,
        "townsfolk": figures.townsfolk,
        "badguys": figures.badguys,
        "floors": crops.floors,
        "drums": sounds.drums,
    },
    "seventh": {
        "arabic": writing.arabic,
        "georgian": writing.georgian,
        "drawings": games.drawings,
        "penguins": games.penguins,
        "dungeon": games.dungeon,
        "workshops": games.workshops,
        "monuments": games.monuments,
        "rocks": games.rocks,
    },
    "score": {
        "prompts": people.prompts,
        "glasses": people.glasses,
        "canopies": people.canopies,
        "radicals": signs.radicals,
        "signs": signs.signs,
        "pictograms": signs.pictograms,
        "blocks": pockets.blocks,
        "views": pockets.views,
    },
    "more": {
        "cyrillic": scripts.cyrillic,
        "telugu": scripts.telugu,
        "ethiopic": scripts.ethiopic,
        "commands": styles.commands,
        "desktop": styles.desktop,
        "themes": styles.themes,
        "pictures": places.pictures,
        "streets": places.streets,
        "outdoors": places.outdoors,
    },
    "ninth": {
        "roads": drawn.roads,
        "robots": drawn.robots,
        "gear": drawn.gear,
        "haircuts": drawn.haircuts,
        "charts": drawn.charts,
        "nebulae": various.nebulae,
        "food": various.food,
        "surfaces": various.surfaces,
        "devanagari": various.devanagari,
    },
}
MAX_TRAINING, MAX_VALIDATION = 4000, 1000
VALIDATION_SHARE = 4  # one of four
VERSION = 1  # of the arrays: raised when a loader changes


def names(split):
    return tuple(LOADERS[split])


def load(name, size=None):
    """Reads one data set.

    Args:
        name: a key of one of `LOADERS`.
        size: height and width in pixels; None for the data set's own. Only cut-outs, whose
            files are larger, can be had at another size.

    Returns:
        x_train, y_train, x_val, y_val, masks_val: uint8 (n, H, W, C) with C = 1 or 3, int64
        (n,), the same for validation, and bool (m, H, W) of the objects, or None. In a random
        order that is always the same.
    """
    file = data_folder() / "arrays" / f"{name}-{size or 'own'}-{VERSION}.npz"
    if not file.exists():
        arrays = _make(name, size)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Written aside first: two processes may make the same file.
        aside = file.with_name(f"{file.stem}-{np.random.SeedSequence().entropy}.npz")
        np.savez_compressed(aside, **arrays)
        aside.replace(file)
    with np.load(file) as opened:
        found = dict(opened)
    keys = ("x_train", "y_train", "x_val", "y_val", "masks_val")
    return tuple(found.get(key) for key in keys)


def _make(name, size):
    loader = next(loaders[name] for loaders in LOADERS.values() if name in loaders)
    images, labels, masks, is_validation = loader() if size is None else loader(size)
    images = images if images.ndim == 4 else images[..., None]
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))
    labels = np.asarray(labels, np.int64)
    if is_validation is None:
        is_validation = np.zeros(len(labels), bool)
        for label in np.unique(labels):
            mine = order[labels[order] == label]
            is_validation[mine[::VALIDATION_SHARE]] = True
    seen = order[is_validation[order]][:MAX_VALIDATION]
    learned = order[~is_validation[order]][:MAX_TRAINING]
    arrays = {
        "x_train": images[learned],
        "y_train": labels[learned],
        "x_val": images[seen],
        "y_val": labels[seen],
    }
    if masks is not None:
        arrays["masks_val"] = masks[seen]
    return arrays
