"""The parts of a flow run's screen, each imported when it is first shown."""
