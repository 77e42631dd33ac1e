"""A small story for the first start: a few people, four channels, one silence that the hub noticed. See `telling`."""

from kinline.story.telling import StoryTold, tell

__all__ = ["StoryTold", "tell"]
