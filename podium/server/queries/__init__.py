"""Reads and writes of rows; knows no HTTP."""
