"""Automations at work: which events concern which triggers, when they fire, and what is done then."""
