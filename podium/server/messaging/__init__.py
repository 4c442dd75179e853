"""How the parts of one or several processes wake and tell each other."""
