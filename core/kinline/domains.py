"""Domains of the network: which are of one organisation, and under which very many strangers have a mailbox."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

#: Providers of mailboxes to everybody: two who write from under one of them need not know each other.
PUBLIC_PROVIDERS = frozenset(
    """
    126.com 163.com aol.com att.net bluewin.ch btinternet.com comcast.net fastmail.com free.fr freenet.de
    gmail.com gmx.at gmx.ch gmx.de gmx.net googlemail.com hotmail.co.uk hotmail.com hotmail.fr icloud.com
    laposte.net libero.it live.com live.nl mac.com mail.ru mailbox.org me.com msn.com naver.com orange.fr
    outlook.com outlook.de posteo.de proton.me protonmail.com qq.com rediffmail.com seznam.cz t-online.de
    terra.com.br uol.com.br verizon.net wanadoo.fr web.de wp.pl yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de
    yahoo.fr yandex.ru ymail.com ziggo.nl zoho.com
    """.split()  # noqa: SIM905 - reads as a list of words
)


@lru_cache(maxsize=10_000)
def registrable(domain: str) -> str:
    """The registrable domain (https://publicsuffix.org): shop.example of eu.mail.shop.example. "" for a bare suffix."""
    return _suffixes().privatesuffix(domain.lower().rstrip(".")) or ""


def organisation_of(address: str) -> str:
    """The registrable domain of a mail address; "" under a public provider, whose mailboxes anybody may have."""
    found = registrable(address.rpartition("@")[2])
    return "" if found in PUBLIC_PROVIDERS else found


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
