"""Podium: a workflow orchestration server that unmodified Prefect clients, flows and workers run on."""

__version__ = "0.1.0"
