"""Where people stop what they do not want: the address behind List-Unsubscribe (RFC 2369, RFC 8058)."""

from kinline.identity import stops
from kinline_api.call import Call
from kinline_api.response import Answer
from kinline_api.route import get, post

_HTML = "text/html; charset=utf-8"
_HEADERS = (
    ("content-security-policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
)
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title><h1>{title}</h1>{body}</html>'
)
_ASK = '<p>You get no more such messages from us.</p><form method="post"><button>Stop them</button></form>'
#: A mail program posts ``List-Unsubscribe=One-Click``, a browser an empty form.
LONGEST = 10_000


@get("/v1/stop/{token}", scope="open", answers=bytes, media="text/html")
def show_stop(call: Call, token: str) -> Answer:
    """Show a page with a button that stops these messages. Looking changes nothing."""
    stops.read(call.hub.secret, token)
    return _page("Stop these messages?", _ASK)


@post("/v1/stop/{token}", scope="open", answers=bytes, media="text/html", limit=LONGEST, takes="A form, or nothing.")
def stop_messages(call: Call, token: str, body: bytes) -> Answer:
    """Stop these messages: for mail programs (RFC 8058) and for the button on the page.

    The signed token in the address is all the proof there is. Once this is answered, nothing of the kind goes out any
    more. Calling it again changes nothing.
    """
    wanted = stops.read(call.hub.secret, token)
    with call.write() as session:
        stops.stop(session, wanted)
    return _page("Done.", "<p>You will get no more of these messages.</p>")


def _page(title: str, body: str) -> Answer:
    return Answer(_PAGE.format(title=title, body=body).encode(), 200, _HTML, _HEADERS)
