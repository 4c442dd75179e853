"""How endpoint rows and plain functions become Falcon responders."""
