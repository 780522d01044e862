"""A traced Keras model, and questions to it: what its layers return, which of them are maps, what a
backward pass does with its ReLUs."""
