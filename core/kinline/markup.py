"""HTML that we send: cleaned by an allow-list, and refused where cleaning it would take long.

What agents and triggers write goes into other people's programs, and onto our own timeline. nh3 is quadratic in
nesting (5,000 tags in one another: 34 ms) and in signs written as entities (400,000 no-break spaces: 5 s), so more of them
than a person writes are refused before it looks.
"""

import nh3

from kinline.errors import Invalid

LONGEST = 200_000  #: characters
MOST_TAGS = 5_000
MOST_ESCAPED = 50_000  #: signs that are written as entities

_STYLES = {
    "background-color", "border", "border-collapse", "border-radius", "color", "display", "font-family", "font-size",
    "font-style", "font-weight", "height", "line-height", "margin", "max-width", "padding", "text-align",
    "text-decoration", "vertical-align", "width",
}  # fmt: skip
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {"style", "dir", "lang", "title", "align"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "width", "valign"},
    "table": {"width", "cellpadding", "cellspacing", "border"},
}


def clean(html: str, pointer: str = "/html") -> str:
    """What is left of it by the allow-list: text, tables, links and pictures over https. Raises `Invalid`."""
    if len(html) > LONGEST:
        raise Invalid(f"HTML of over {LONGEST:,} characters is not sent.", code="html_too_long", pointer=pointer)
    if html.count("<") > MOST_TAGS:
        raise Invalid(f"HTML of over {MOST_TAGS:,} tags is not sent.", code="html_too_long", pointer=pointer)
    if html.count("&") + html.count("\xa0") > MOST_ESCAPED:
        said = f"HTML with over {MOST_ESCAPED:,} no-break spaces and ampersands is not sent."
        raise Invalid(said, code="html_too_long", pointer=pointer)
    return nh3.clean(
        html,
        attributes=_ATTRIBUTES,
        clean_content_tags={"script", "style", "title"},
        url_schemes={"https", "http", "mailto", "tel"},
        filter_style_properties=_STYLES,
        link_rel=None,
    )
