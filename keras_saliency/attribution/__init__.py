"""From a model to heatmaps: `ModelGraph`, `explain`, `sanity_check`, and what is explained."""
