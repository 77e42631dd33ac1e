"""The hub a process works with: its settings, secret and store, opened once and handed on."""

from dataclasses import dataclass

from kinline.secret import Secret
from kinline.settings import Settings, load
from kinline.store import Store


@dataclass(frozen=True)
class Hub:
    """Everything a door needs to serve. Close it when the process ends."""

    settings: Settings
    secret: Secret
    store: Store

    @classmethod
    def open(cls, settings: Settings | None = None) -> "Hub":
        """Open the hub that the settings describe, and read its durability back."""
        chosen = settings or load()
        secret, store = chosen.hub_secret(), Store(chosen.database)
        try:
            store.check()
        except BaseException:
            store.close()
            raise
        return cls(chosen, secret, store)

    def close(self) -> None:
        self.store.close()
