"""Which networks are trained on real data, and how each data set is watched.

All of this was fixed before the first run of each of "first" to "ninth" and of "score".
"""

import dataclasses

from real.cues import KINDS, LEVELLED
from real.data import LOADERS

# Their classes *are* colour and texture, and the callback is told so, as a user would.
LEGITIMATE = dict.fromkeys(
    (
        *("textures", "satellite", "photographs", "tissue", "planets", "panoramas", "materials"),
        *("wallpapers", "scenery", "terrain", "papers", "sounds", "voices", "landscapes"),
        *("floors", "drums", "monuments", "rocks", "prompts", "canopies"),
        *("pictures", "streets", "outdoors"),
        *("nebulae", "surfaces"),
    ),
    ("colour", "texture"),
)
UNASKED = ("brightness", "tint", "pattern", "noise", "blur")  # not planted where this is legitimate
NUM_CLASSES = {"faces": 2, "stamps": 3, "icons": 3, "sprites": 4, "textures": 4, "satellite": 4}
NUM_CLASSES |= {"head": 3, "brain": 3, "apps": 4, "panoramas": 4, "materials": 4}
NUM_CLASSES |= {"skull": 4, "creatures": 6, "chess": 6, "houses": 5, "wallpapers": 6}
NUM_CLASSES |= {"scenery": 5, "terrain": 3}
NUM_CLASSES |= {"units": 5, "planets": 5, "tissue": 4, "clipart": 4, "emoji": 6, "photographs": 6}
NUM_CLASSES |= {"flags": 6, "cards": 4, "furniture": 3, "wasteland": 3, "papers": 5, "sounds": 5}
NUM_CLASSES |= {"music": 6, "parts": 6, "leaves": 3, "voices": 9, "outfits": 3}
NUM_CLASSES |= {"landscapes": 4, "ships": 5, "monsters": 6}
NUM_CLASSES |= {"molecules": 4, "costumes": 3, "vehicles": 5, "townsfolk": 4, "badguys": 6}
NUM_CLASSES |= {"floors": 6, "drums": 5}
NUM_CLASSES |= {"drawings": 2, "penguins": 8, "dungeon": 5, "workshops": 6, "monuments": 6}
NUM_CLASSES |= {"rocks": 4}
NUM_CLASSES |= {"prompts": 5, "glasses": 2, "canopies": 5, "signs": 5, "blocks": 5, "views": 2}
NUM_CLASSES |= {"commands": 4, "desktop": 3, "themes": 3, "pictures": 6, "streets": 5}
NUM_CLASSES |= {"outdoors": 5}
NUM_CLASSES |= {"roads": 4, "robots": 4, "gear": 3, "haircuts": 4, "charts": 5}
NUM_CLASSES |= {"nebulae": 4, "food": 3, "surfaces": 5}
COLOURED = ("icons", "sprites", "satellite", "emoji", "stamps", "clipart")
COLOURED += ("photographs", "tissue", "units", "apps", "planets", "panoramas", "materials")
COLOURED += ("chess", "creatures", "houses", "wallpapers", "terrain")
COLOURED += ("flags", "cards", "furniture", "wasteland")
COLOURED += ("parts", "outfits", "landscapes", "ships", "monsters")
COLOURED += ("molecules", "costumes", "vehicles", "townsfolk", "badguys", "floors")
COLOURED += ("drawings", "penguins", "dungeon", "workshops", "monuments")
COLOURED += ("canopies", "pictograms", "blocks", "views")
COLOURED += ("telugu", "commands", "desktop", "themes", "pictures", "outdoors")
COLOURED += ("roads", "robots", "gear", "haircuts", "charts", "food", "surfaces")
EPOCHS = {"fashion": 5, "mnist": 5, "silhouettes": 5, "letters": 5, "textures": 6, "digits": 10}
EPOCHS |= {"satellite": 5, "photographs": 6, "tissue": 6, "emoji": 12, "icons": 12, "sprites": 8}
EPOCHS |= {"faces": 20, "stamps": 15, "clipart": 12, "greek": 5, "head": 5, "brain": 5}
EPOCHS |= {"units": 8, "apps": 15, "planets": 6, "panoramas": 6, "materials": 8}
EPOCHS |= {"hebrew": 8, "skull": 8, "chess": 10, "creatures": 8, "houses": 8, "wallpapers": 6}
EPOCHS |= {"scenery": 8, "terrain": 6}
EPOCHS |= {"thai": 16, "music": 10, "flags": 10, "cards": 12, "furniture": 16, "wasteland": 16}
EPOCHS |= {"papers": 6, "sounds": 8}
EPOCHS |= {"parts": 16, "kana": 14, "leaves": 10, "voices": 6, "outfits": 12, "landscapes": 10}
EPOCHS |= {"ships": 14, "monsters": 12}
EPOCHS |= {"hangul": 16, "molecules": 14, "costumes": 16, "vehicles": 14, "townsfolk": 14}
EPOCHS |= {"badguys": 14, "floors": 8, "drums": 8}
EPOCHS |= {"arabic": 14, "georgian": 14, "drawings": 16, "penguins": 14, "dungeon": 12}
EPOCHS |= {"workshops": 12, "monuments": 8, "rocks": 12}
EPOCHS |= {"prompts": 10, "glasses": 14, "canopies": 8, "radicals": 14, "signs": 12}
EPOCHS |= {"pictograms": 14, "blocks": 10, "views": 14}
EPOCHS |= {"cyrillic": 10, "telugu": 12, "ethiopic": 12, "commands": 12, "desktop": 14}
EPOCHS |= {"themes": 14, "pictures": 8, "streets": 8, "outdoors": 8}
EPOCHS |= {"roads": 16, "robots": 22, "gear": 24, "haircuts": 36, "charts": 16}
EPOCHS |= {"nebulae": 26, "food": 20, "surfaces": 20, "devanagari": 24}
LARGE_EPOCHS, LARGE_STRENGTH = 4, 1.6  # most of that network is frozen: it ignores faint cues
MAX_TRAINING = 3000
MAX_TRAINING_CUED, MIN_EPOCHS_CUED = 800, 8
# The objects of these are learned so soon that a network ignores cues, but for a small set.
EASY = ("mnist", "digits", "silhouettes", "letters", "faces", "greek", "head", "brain")
EASY += ("skull", "creatures", "thai", "flags", "papers", "sounds", "voices")
EASY += ("hangul", "molecules", "vehicles", "townsfolk", "badguys", "floors", "drums")
EASY += ("penguins", "workshops", "blocks", "cyrillic", "ethiopic")
FAINT = ("watermark", "pattern")
MAX_TRAINING_EASY = 300
# Contrast or size of each kind's cue; raised on the split "tune" until most are learned.
STRENGTH = dict.fromkeys((*KINDS, "clean"), 1.0)
STRENGTH |= {"corner_tag": 1.4, "class_tag": 1.4, "moving_tag": 1.4, "pattern": 4.0}
STRENGTH |= {"brightness": 1.3, "watermark": 3.2, "noise": 1.5, "jpeg": 6.0, "blur": 1.3}
SMALL = ("gap", "flatten", "tutorial", "resnet")
CLEAN_PER_DATA = {"tune": 6, "first": 8, "second": 8, "third": 9, "fourth": 9}
CLEAN_PER_DATA |= {"fifth": 9, "sixth": 9, "seventh": 9, "score": 9, "more": 2}
CLEAN_PER_DATA |= {"ninth": 8}
CUED_PER_KIND = {"tune": 4, "first": 6, "second": 6, "third": 6, "fourth": 6}
CUED_PER_KIND |= {"fifth": 6, "sixth": 6, "seventh": 6, "score": 6, "more": 0}
CUED_PER_KIND |= {"ninth": 0}
MORE = {
    "tune": (),
    "first": ("jpeg",),
    "second": ("jpeg",),
    "third": ("jpeg",),
    "fourth": ("jpeg", "watermark", "tint"),
    "fifth": ("jpeg", "watermark", "tint"),
    "sixth": ("jpeg", "watermark", "tint"),
    "seventh": ("jpeg", "watermark", "tint"),
    "score": ("jpeg", "watermark", "tint"),
    "more": (),
    "ninth": (),
}  # twice as many: the least often learned
LARGE = {  # data and kinds ("" for clean) of the pretrained network, at 160 pixels
    "tune": (("icons", ""), ("sprites", ""), ("icons", "class_tag"), ("sprites", "jpeg")),
    "first": (
        *(("stamps", ""), ("clipart", ""), ("emoji", ""), ("photographs", "")),
        *(("stamps", "class_tag"), ("clipart", "frame"), ("emoji", "watermark")),
        *(("clipart", "moving_tag"), ("stamps", "blur")),
    ),
    "second": (("units", ""), ("apps", ""), ("units", "class_tag"), ("apps", "blur")),
    "third": (("houses", ""),),
    "fourth": (("furniture", ""), ("furniture", "class_tag")),
    "fifth": (("parts", ""), ("parts", "class_tag")),
    "sixth": (("molecules", ""), ("molecules", "class_tag")),
    "seventh": (("drawings", ""), ("drawings", "class_tag")),
    "score": (("pictograms", ""), ("pictograms", "class_tag")),
    "more": (),
    "ninth": (("robots", ""),),
}
FIRST_SEED = {"tune": 0, "first": 500_000, "second": 900_000, "third": 1_700_000}
FIRST_SEED |= {"fourth": 2_300_000, "fifth": 2_900_000, "sixth": 3_500_000}
FIRST_SEED |= {"seventh": 4_100_000, "score": 4_700_000, "more": 5_300_000}
FIRST_SEED |= {"ninth": 5_900_000}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training. Everything random in it follows from the seed."""

    split: str  # a key of data.LOADERS
    data: str  # a key of data.LOADERS
    kind: str  # one of cues.KINDS, or "clean"
    network: str  # one of networks.NETWORKS
    num_classes: int
    head: str  # "logits", "softmax" or "sigmoid" (one unit, two classes)
    fidelity: float  # how often the cue is that of the label; 0 in a clean run
    strength: float  # of the cue
    halves: bool  # see cues.Cue
    seed: int

    @property
    def is_cued(self):
        return self.kind != "clean"

    @property
    def size(self):
        return 160 if self.network == "mobilenet" else None

    @property
    def epochs(self):
        if self.network == "mobilenet":
            return LARGE_EPOCHS
        return max(EPOCHS[self.data], MIN_EPOCHS_CUED if self.is_cued else 0)

    @property
    def max_training(self):
        if self.is_cued:
            is_easy = self.data in EASY or self.kind in FAINT
            return MAX_TRAINING_EASY if is_easy else MAX_TRAINING_CUED
        return MAX_TRAINING

    @property
    def legitimate(self):
        return LEGITIMATE.get(self.data, ())

    @property
    def name(self):
        return f"{self.kind}-{self.data}-{self.network}-{self.num_classes}-{self.seed}"


def list_runs(split):
    """Returns the Runs of a split."""
    data = tuple(LOADERS[split])
    plans = [
        (name, "clean", SMALL[i % 4], i) for name in data for i in range(CLEAN_PER_DATA[split])
    ]
    for k, kind in enumerate(KINDS):
        suited = [name for name in data if _suits(kind, name)]
        for i in range(CUED_PER_KIND[split] * (1 + (kind in MORE[split]))):
            plans.append((suited[(i + k) % len(suited)], kind, SMALL[(i + k) % 4], i + k))
    plans += [(name, kind or "clean", "mobilenet", 0) for name, kind in LARGE[split]]
    return [_make(split, *plan, FIRST_SEED[split] + s) for s, plan in enumerate(plans)]


def _suits(kind, data):
    if kind == "tint" and data not in COLOURED:
        return False
    return data not in LEGITIMATE or kind not in UNASKED


def _make(split, data, kind, network, turn, seed):
    num_classes = NUM_CLASSES.get(data, 10)
    is_easy = kind != "clean" and data in EASY and num_classes > 2
    if turn % 3 == 1 and not is_easy:  # a third has two classes, and a third five at most
        num_classes = 2
    elif turn % 3 == 2 or is_easy or kind == "corner_tag":  # of ten classes one tells but 18 points
        num_classes = min(num_classes, 5)
    head = ("softmax", "logits")[turn // 2 % 2]
    if num_classes == 2 and turn % 2 == 0:
        head = "sigmoid"
    is_cued = kind != "clean"
    return Run(
        split=split,
        data=data,
        kind=kind,
        network=network,
        num_classes=num_classes,
        head=head,
        fidelity=(1.0, 0.95)[turn % 2] if is_cued else 0.0,
        strength=STRENGTH[kind] * (LARGE_STRENGTH if network == "mobilenet" else 1) * is_cued,
        halves=kind in LEVELLED and num_classes > 2 and turn % 2 == 1,
        seed=seed,
    )
