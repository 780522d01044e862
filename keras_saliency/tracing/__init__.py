"""A traced Keras model, and questions to it.

What its layers return, which of these are maps, and what a backward pass does with its ReLUs.
"""
