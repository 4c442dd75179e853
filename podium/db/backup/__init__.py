"""Backups: one portable file for both databases, made while servers run, and restored into either."""
