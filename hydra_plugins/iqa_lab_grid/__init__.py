"""What Hydra finds by itself: the sweeper ``grid``, which plans the factor grid and shares it out among jobs."""
