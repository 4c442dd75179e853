"""Measures any server that speaks the wire, alone or beside another, with the same workload for both."""
