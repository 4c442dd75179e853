"""The dashboard in a browser, where the extra `podium[web]` is installed."""
