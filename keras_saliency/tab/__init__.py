"""The Saliency tab of TensorBoard, and the same view as one HTML file.

TensorBoard imports `loader.py`; `plugin.py` holds the routes, `reader.py` what they read,
`report.py` writes the file, `schema.py` describes the events, `static/` runs in the browser.
This package imports no other package of keras_saliency, so `tensorboard` starts without Keras,
TensorFlow and OpenCV.
"""
