"""Where everything is kept: tables, migrations, sessions."""

from kinline.store.engine import Store

__all__ = ["Store"]
