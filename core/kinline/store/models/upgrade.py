"""Data of an older version on its way into the shape of this one."""

from kinline.store.models.base import Count, Instant, Key, Row, column, table


class UpgradeRow(Row, table=True):
    """One step of bringing stored data into this version's shape, and how far it came (`kinline.upgrades`).

    The migration that makes it necessary adds the row, where there is anything to bring; ``cursor`` is where to go on.
    """

    __tablename__ = "upgrade"
    __table_args__ = table()
    name: str = column(Key, primary=True)
    cursor: str = column(Key, default="")
    done: int = column(Count, default=0)
    finished_at: int | None = column(Instant, default=None)
