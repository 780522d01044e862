"""Maps of one method, and slow twins of the network that it explains."""

from helpers import slow_twins as slow

from keras_saliency.attribution.model_graph import ModelGraph

TOLERANCE = 1e-4
TARGETS = [0, 1, 2]


def maps_of(model, images, method, targets=TARGETS, **options):
    graph = ModelGraph(model, method, image_shape=images.shape[1:], **options)
    _, heatmaps = graph.attribute(images, targets, signals_of=range(len(images)))
    [found] = heatmaps.values()
    return found


def twins_of(model, images):
    return [slow.Twin(model.get_weights(), image) for image in images]
