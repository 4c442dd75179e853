"""Tables, migrations and the one way to run a unit of work on SQLite and PostgreSQL."""
