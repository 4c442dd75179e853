"""Run by Alembic for each of its commands: on the connection it is given, or writing SQL instead."""

from alembic import context
from sqlalchemy import Connection

options = context.config.attributes


def run_online(connection: Connection) -> None:
    context.configure(
        connection=connection,
        transactional_ddl=True,
        transaction_per_migration=True,
        on_version_apply=options.get("on_version_apply", ()),
        **options.get("comparison", {}),
    )
    with context.begin_transaction():
        context.run_migrations()


def run_offline(dialect: str) -> None:
    context.configure(dialect_name=dialect, literal_binds=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline(options["dialect"])
else:
    run_online(options["connection"])
