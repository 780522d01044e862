"""Every model of `keras.applications`, at its default size, with the layer an expert would take.

`keras_hub` has no models without a download, only architectures: these are in `hub.py`.
"""

import functools

from end_to_end.zoo.entry import NO_POOLING, NO_RELU, Entry

# What comes last before the global pooling (in VGG, before the last max-pooling), by family:
# {name: (side of the image, Grad-CAM's layer, why DeconvNet is refused)}.
_RESNET = ("ResNet50", "ResNet101", "ResNet152")
_SPECS = {
    "Xception": (299, "block14_sepconv2_act", ""),
    "VGG16": (224, "block5_conv3", ""),
    "VGG19": (224, "block5_conv4", ""),
    **{name: (224, "conv5_block3_out", "") for name in _RESNET},
    **{f"{name}V2": (224, "post_relu", "") for name in _RESNET},
    "InceptionV3": (299, "mixed10", ""),
    "InceptionResNetV2": (299, "conv_7b_ac", ""),
    "MobileNet": (224, "conv_pw_13_relu", NO_POOLING),
    "MobileNetV2": (224, "out_relu", NO_POOLING),
    "MobileNetV3Small": (224, "activation_17", ""),
    "MobileNetV3Large": (224, "activation_19", ""),
    **{f"DenseNet{n}": (224, "relu", "") for n in (121, 169, 201)},
    "NASNetMobile": (224, "activation_187", ""),
    "NASNetLarge": (331, "activation_259", ""),
    **{
        f"EfficientNetB{i}": (side, "top_activation", NO_RELU)
        for i, side in enumerate((224, 240, 260, 300, 380, 456, 528, 600))
    },
    **{
        f"EfficientNetV2{name}": (side, "top_activation", NO_RELU)
        for name, side in (
            *(("B0", 224), ("B1", 240), ("B2", 260), ("B3", 300)),
            *(("S", 384), ("M", 480), ("L", 480)),
        )
    },
    # The sum at the end of the last block, which is no layer.
    "ConvNeXtTiny": (224, "convnext_tiny_1/Add_17", NO_RELU),
    **{
        f"ConvNeXt{name}": (224, "Add_35", NO_RELU) for name in ("Small", "Base", "Large", "XLarge")
    },
}
_OF_EACH_FAMILY = {
    *("Xception", "VGG16", "ResNet50", "ResNet50V2", "InceptionV3", "MobileNet", "MobileNetV2"),
    *("MobileNetV3Small", "DenseNet121", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B0"),
    "ConvNeXtTiny",
}


def _make(name):
    import keras

    return getattr(keras.applications, name)(weights=None)


APPLICATIONS = [
    Entry(
        name,
        functools.partial(_make, name),
        (side, side, 3),
        layer,
        deconvnet,
        is_slow=name not in _OF_EACH_FAMILY,
    )
    for name, (side, layer, deconvnet) in _SPECS.items()
]
