"""The dashboard's screens, each imported when it is first shown."""
