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
    ├── MigrationFailed           a migration stopped half-way and was rolled back
    ├── DatabaseInUse             a server works with it, which must not be
    └── BackupError
        ├── BackupExists          there is a file of that name
        ├── BackupDamaged         not a backup, or not all of one any more
        └── DatabaseNotEmpty      a restore would delete what the database holds
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


class DatabaseInUse(DatabaseError):
    """A server works with the database."""


class BackupError(DatabaseError):
    """A backup cannot be made or restored."""


class BackupExists(BackupError):
    """There is a file of the name that the backup should get."""


class BackupDamaged(BackupError):
    """The file is no backup, or does not hold what was written into it."""


class DatabaseNotEmpty(BackupError):
    """The database to restore into holds something."""
