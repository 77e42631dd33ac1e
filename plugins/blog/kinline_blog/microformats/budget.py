"""How much of a page may be read again and again.

Properties stand inside properties, and each says all that is inside it: a page of a few kilobytes could ask for
gigabytes. So each reading costs what it looks at, and a page that costs more than any that people write is refused.
"""

from selectolax.lexbor import LexborNode

from kinline import Unreadable
from kinline_blog.microformats.includes import MAX_DEEP
from kinline_blog.page import MAX_DEPTH, walk

MAX_COST = 200_000  #: an element costs one, and 64 characters of text another


class Budget:
    """The cost of each element with all inside, and what is left."""

    def __init__(self, root: LexborNode) -> None:
        self.left = MAX_COST
        self._costs: dict[int, int] = {}
        inside = [0] * (MAX_DEPTH + MAX_DEEP + 3)
        for node, depth in reversed(list(walk(root))):
            own = 1 + (len(node.text_content or "") // 64 if node.tag == "-text" else 0)
            self._costs[node.mem_id] = total = own + inside[depth + 1]
            inside[depth + 1] = 0
            inside[depth] += total

    def spend(self, node: LexborNode) -> None:
        """Pay for reading this element with all inside."""
        self._pay(self._costs[node.mem_id])

    def spend_text(self, text: str) -> None:
        self._pay(len(text) // 64)

    def _pay(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise Unreadable("The page says too many things inside one another.", code="page_too_large")
