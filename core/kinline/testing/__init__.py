"""For us and for plugin authors: the conformance suites, the factories, the fixtures.

Load it with ``-p kinline.testing``.
"""

from kinline.testing.channel_contract import ChannelContract, pytest_generate_tests
from kinline.testing.condition_contract import ConditionContract
from kinline.testing.hubs import (
    database_url,
    hub,
    postgresql_shared,
    secret,
    settings,
    sqlite_template,
)
from kinline.testing.live_contract import LiveContract
from kinline.testing.scorer_contract import ScorerContract

__all__ = [
    "ChannelContract",
    "ConditionContract",
    "LiveContract",
    "ScorerContract",
    "database_url",
    "hub",
    "postgresql_shared",
    "pytest_generate_tests",
    "secret",
    "settings",
    "sqlite_template",
]
