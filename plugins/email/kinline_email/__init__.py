"""The email channel: mail files in, mail over SMTP out. Start reading at ``channel.py``."""

from kinline import hookimpl
from kinline_email.channel import EmailChannel

__all__ = ["EmailChannel", "kinline_channel"]


@hookimpl
def kinline_channel() -> type[EmailChannel]:
    return EmailChannel
