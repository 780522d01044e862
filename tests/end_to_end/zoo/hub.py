"""Image classifiers of `keras_hub`, small and without a download."""

import functools

from end_to_end.zoo.entry import ATTENTION, NO_POOLING, Entry

_SIZE = (64, 64, 3)
_VIT = {
    **{"image_shape": _SIZE, "patch_size": 16, "num_layers": 2},
    **{"num_heads": 2, "hidden_dim": 16},
}
_BACKBONES = {
    "ViT": _VIT | {"mlp_dim": 32},
    "DeiT": _VIT | {"intermediate_dim": 32},
    "SwinTransformer": {
        "image_shape": _SIZE,
        "embed_dim": 8,
        "depths": (2, 2),
        "num_heads": (1, 2),
        "window_size": 4,
    },
    "MiT": {
        "layerwise_depths": [1, 1],
        "num_layers": 2,
        "layerwise_num_heads": [1, 2],
        "layerwise_sr_ratios": [8, 4],
        "max_drop_path_rate": 0.1,
        "layerwise_patch_sizes": [7, 3],
        "layerwise_strides": [4, 2],
        "hidden_dims": [8, 16],
        "image_shape": _SIZE,
    },
    "ResNet": {
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 64, 64],
        "stackwise_num_blocks": [2, 2, 2],
        "stackwise_num_strides": [1, 2, 2],
        "block_type": "basic_block",
        "image_shape": _SIZE,
    },
    "VGG": {
        "stackwise_num_repeats": [1, 1, 2],
        "stackwise_num_filters": [8, 8, 8],
        "image_shape": _SIZE,
    },
    "DenseNet": {"stackwise_num_repeats": [1, 2, 2, 1], "image_shape": _SIZE},
    "CSPNet": {
        "stem_filters": 8,
        "stem_kernel_size": 3,
        "stem_strides": 1,
        "stackwise_depth": [1, 2, 2],
        "stackwise_strides": [1, 2, 2],
        "stackwise_num_filters": [8, 16, 16],
        "block_type": "dark_block",
        "stage_type": "dark",
        "image_shape": _SIZE,
    },
    "Xception": {
        "stackwise_conv_filters": [[8, 8], [8, 16], [16, 16]],
        "stackwise_pooling": [True, True, False],
        "image_shape": _SIZE,
    },
    "HGNetV2": {
        "depths": [1, 2],
        "embedding_size": 8,
        "hidden_sizes": [16, 32],
        "stem_channels": [3, 8, 8],
        "hidden_act": "relu",
        "use_learnable_affine_block": False,
        "stackwise_stage_filters": [(8, 8, 16, 1, 1, 3), (16, 8, 32, 2, 1, 3)],
        "apply_downsample": [False, True],
        "use_lightweight_conv_block": [False, False],
        "image_shape": _SIZE,
    },
}


def _make(name):
    import keras_hub

    backbone = getattr(keras_hub.models, f"{name}Backbone")(**_BACKBONES[name])
    classifier = getattr(keras_hub.models, f"{name}ImageClassifier")
    return classifier(backbone=backbone, preprocessor=None, num_classes=4)


# {name: (Grad-CAM's layer, why DeconvNet is refused)}; of transformers with a class token what the
# last attention is given, of the others the last norm.
_EXPECTED = {
    "ViT": ("vi_t_backbone/vit_encoder/transformer_block_2/ln_1", ATTENTION),
    "DeiT": ("dei_t_backbone/deit_encoder/transformer_block_2/ln_1", ATTENTION),
    "SwinTransformer": ("swin_transformer_backbone/norm", ATTENTION),
    "MiT": ("output_level_1", ATTENTION),
    "ResNet": ("stack2_block1_out", ""),
    "VGG": ("fc2", ""),  # of convolutions, in keras_hub
    "DenseNet": ("relu", ""),
    "CSPNet": ("stage_2_block_1_dark_block_add", NO_POOLING),
    "Xception": ("block3_sepconv2_act", ""),
    "HGNetV2": ("head_last_relu", ""),
}
HUB = [
    Entry(f"keras_hub {name}", functools.partial(_make, name), _SIZE, layer, deconvnet)
    for name, (layer, deconvnet) in _EXPECTED.items()
]
