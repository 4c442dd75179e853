"""What is deleted when nobody wants it any longer, in every table: ``rules.py`` is the page to read."""
