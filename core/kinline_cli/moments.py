"""Moments as people type them: 2025-03-01, 2025-03-01T10:00:00Z, or how long ago: 90d, 2h."""

from datetime import UTC, datetime

import rich_click as click

from kinline import clock
from kinline.triggers.durations import span


class MomentType(click.ParamType[int]):
    """Microseconds since 1970. A time without a zone is taken as UTC."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value)
        if text[-1:] in "wdhms" and text[:1].isdigit():
            try:
                return clock.now() - span(text).micros
            except ValueError as error:
                self.fail(str(error), param, ctx)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"“{text[:40]}” is no moment: write 2025-03-01, 2025-03-01T10:00:00Z, or 90d for 90 days ago.")
        return clock.from_datetime(found if found.tzinfo else found.replace(tzinfo=UTC))


MOMENT = MomentType()
