"""What can be wrong with the database, each in one line that names the database and the fix.

::

    DatabaseError
    ├── DatabaseUnavailable       trouble with the database now; the same call may work later
    │   └── DatabaseUnreachable   it does not answer at all
    ├── ValueRefused              it cannot hold a value, and never will
    ├── AuthenticationFailed      it answers, and does not let us in
    ├── UnsupportedDatabase       not SQLite or PostgreSQL, or too old
    ├── SchemaError
    │   ├── SchemaBehind          made by an older Podium and not yet upgraded
    │   └── SchemaTooNew          made by a newer Podium (or by another program)
    ├── UnknownRevision           no such revision to go to
    └── MigrationFailed           a migration stopped half-way and was rolled back
"""


class DatabaseError(Exception):
    """Something about the database is wrong."""


class DatabaseUnavailable(DatabaseError):
    """Trouble with the database now; the same call may work later."""


class DatabaseUnreachable(DatabaseUnavailable):
    """The database does not answer."""


class ValueRefused(DatabaseError):
    """A value is too large, too long, too deep or of characters that the database does not have."""


class AuthenticationFailed(DatabaseError):
    """The database does not accept the user or the password."""


class UnsupportedDatabase(DatabaseError):
    """Not a database that Podium runs on."""


class SchemaError(DatabaseError):
    """The tables are not those of this version of Podium."""


class SchemaBehind(SchemaError):
    """The tables are older than the code."""


class SchemaTooNew(SchemaError):
    """The tables are newer than the code, or another program's."""


class UnknownRevision(DatabaseError):
    """There is no such revision."""


class MigrationFailed(DatabaseError):
    """A migration failed; what it had done was rolled back."""
