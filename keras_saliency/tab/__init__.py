"""The Saliency tab of TensorBoard, and the same view as one HTML file.

`loader.py` is what TensorBoard imports, `plugin.py` its routes, `reader.py` what they read,
`report.py` the file, `schema.py` what is in the events, `static/` what runs in the browser.
Nothing here imports another room, so that `tensorboard` starts without Keras, TensorFlow or OpenCV.
"""
