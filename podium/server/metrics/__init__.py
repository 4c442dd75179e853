"""What a server tells of itself in numbers, for Prometheus; `docs/metrics.md` lists them."""
