"""The rules, one file for each family; the policies list them in order."""
