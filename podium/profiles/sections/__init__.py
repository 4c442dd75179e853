"""The settings themselves: one module per area, one section per group, one line and a sentence per setting."""
