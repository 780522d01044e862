"""Where in the image the values of a traced model come from, and how maps are laid over it.

`walk` follows the image op by op and notes an `Axis` for each axis of each tensor; `placement`
reads off where a layer's maps belong.
"""
