"""The number of a conversation that people can say, and its way back.

It is the head of the conversation's id in Crockford's base 32 (https://www.crockford.com/base32.html), as 4F7K-9QXT:
eight signs without I, L, O and U, read back with the signs that people confuse. It needs no counter, so it is the same
in every order of arrival and on every hub, and it tells nobody how many customers write. Two conversations of one
number are found together: with a million conversations that is likely for one pair.
"""

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8  #: signs, so 40 bits: the first ten hex digits of an id
_CONFUSED = str.maketrans("ILO", "110")


def number_of(conversation_id: str) -> str:
    value = int(conversation_id[:10], 16)
    signs = [SIGNS[value >> 5 * place & 31] for place in reversed(range(LENGTH))]
    return f"{''.join(signs[:4])}-{''.join(signs[4:])}"


def prefix_of(number: str) -> str | None:
    """With what the ids of this number begin. None: it is no number of ours."""
    signs = number.strip().upper().replace("-", "").replace(" ", "").translate(_CONFUSED)
    if len(signs) != LENGTH or any(sign not in SIGNS for sign in signs):
        return None
    value = 0
    for sign in signs:
        value = value << 5 | SIGNS.index(sign)
    return f"{value:010x}"
