"""Tables that only a journal has which many machines share: who holds which run, who is there at all."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, func

tables = MetaData()
_Key = Text(collation="C")

about = Table("about", tables, Column("version", Integer, nullable=False))
"""One row: the version of all tables."""

holds = Table(
    "holds",
    tables,
    Column("run_id", _Key, primary_key=True),
    Column("token", Text, nullable=False),
    Column("holder", Text, nullable=False),  # for people
    Column("until", DateTime(timezone=True), nullable=False),
)
"""Which process holds which run, and for how long if nothing more is heard of it."""

workers = Table(
    "workers",
    tables,
    Column("id", _Key, primary_key=True),
    Column("seen", DateTime(timezone=True), nullable=False),
)
"""Processes that work runs off, and when each was last heard of."""

objects = Table(
    "objects",
    tables,
    Column("id", _Key, primary_key=True),
    Column("base", Text, nullable=False),
    Column("remote", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("packed", LargeBinary),
    Column("offered", DateTime(timezone=True), nullable=False, server_default=func.now()),  # the last time
)
"""Git objects that runs stand on: a commit or tree, what it builds on, and a pack of what it adds.

Without a pack it is part of the repository: `base` is the commit to fetch, from `branch` of `remote` if the
repository on this machine does not have it.
"""
