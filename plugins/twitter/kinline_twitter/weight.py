"""How long a post is, as X counts: twitter-text's configuration v3 (280, links 23, emoji 2, CJK 2).

One thing is simpler than in twitter-text: emoji are recognised by their blocks and joiners instead of a list of
all of them.
"""

import re
import unicodedata

from kinline_twitter.links import links

LIMIT = 280
LINK = 23
#: Code points that count one; all others count two.
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))

_ELEMENT = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}"  # flags: two regional indicators
    "|[0-9#*]\ufe0f?\u20e3"  # keycaps
    "|\U0001f3f4[\U000e0061-\U000e007a]{1,8}\U000e007f"  # flags of regions
    "|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]?)"
)
EMOJI = re.compile(f"{_ELEMENT}(?:\u200d{_ELEMENT})*")


def weighted_length(text: str) -> int:
    """The length that must not exceed `LIMIT`. Counted over the NFC form, as X does."""
    text = unicodedata.normalize("NFC", text)
    total, at = 0, 0
    for link in links(text):
        total += _plain(text[at : link.start]) + LINK
        at = link.end
    return total + _plain(text[at:])


def _plain(text: str) -> int:
    shown = EMOJI.sub("", text)
    emoji = sum(1 for _ in EMOJI.finditer(text))
    return 2 * emoji + sum(1 if any(low <= ord(char) <= high for low, high in LIGHT) else 2 for char in shown)
