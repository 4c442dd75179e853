"""The nouns: what can be listed, shown, chosen and acted on, a row each; for commands and the dashboard."""
