"""The commands, one module per group.

A group imports what only some of its commands need inside those: starting a command costs what it uses.
"""
