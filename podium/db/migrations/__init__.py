"""One history of the tables for both databases.

``REVISIONS`` lists the revisions, oldest first, so that a server can compare its database with the code without loading
Alembic. A revision is a file in ``versions``; what a revision created is never edited afterwards.
"""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")

HEAD = REVISIONS[-1]
