"""The blog channel: comments of WordPress and Disqus blogs, out of exports, REST answers and webhooks."""

from kinline import hookimpl
from kinline_blog.channel import BlogChannel

__all__ = ["BlogChannel"]


@hookimpl
def kinline_channel() -> type[BlogChannel]:
    return BlogChannel
