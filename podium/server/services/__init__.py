"""What runs without being asked; ``registry.py`` lists it."""
