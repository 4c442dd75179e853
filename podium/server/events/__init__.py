"""Events: what they are, who builds them, how they are stored and matched."""
