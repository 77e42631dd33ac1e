"""Every hook a plugin may implement."""

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from kinline.contract.channel import AnyChannel
    from kinline.contract.condition import AnyPluginCondition
    from kinline.contract.scorer import Scorer

PROJECT = "kinline"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def kinline_channel() -> "type[AnyChannel]":  # type: ignore[empty-body]  # a specification has no body
    """Give the class of one channel.

    Called once for each plugin when the hub starts; a plugin that raises here is reported and left out.
    """


@hookspec
def kinline_scorer() -> "type[Scorer]":  # type: ignore[empty-body]  # a specification has no body
    """Give the class of one scorer, which judges what people wrote: sentiment, topic, language.

    Called like `kinline_channel`; a plugin gives a channel, a scorer, or one of each. Which scorer is used the setting
    ``scorer`` says.
    """


@hookspec
def kinline_condition() -> "type[AnyPluginCondition]":  # type: ignore[empty-body]  # a specification has no body
    """Give the class of one condition, a word of its own for ``when`` of a trigger.

    Called like `kinline_channel`; a plugin gives one of each at most.
    """
