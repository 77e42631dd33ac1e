"""Evidence in words, English and Spanish."""

from kinline.identity.suggestions.rules import SuggestionEvidence

#: By code, and by code and ``how``: English, Spanish.
SAYINGS: dict[str, tuple[str, str]] = {
    "same_mailbox case": (
        "{one} and {other} are one address but for upper and lower case",
        "{one} y {other} son la misma dirección salvo mayúsculas y minúsculas",
    ),
    "same_mailbox plus": (
        "{one} and {other} are one address but for what stands behind a plus",
        "{one} y {other} son la misma dirección salvo lo que va detrás de un más",
    ),
    "same_mailbox dots": (
        "{one} and {other} are one address but for dots and the like",
        "{one} y {other} son la misma dirección salvo puntos y similares",
    ),
    "same_name": ("both go by “{one}”", "ambos se llaman «{one}»"),
    "short_name": ("“{one}” and “{other}” are forms of one name", "«{one}» y «{other}» son formas de un mismo nombre"),
    "part_name": (
        "“{one}” and “{other}” are one name, the one more fully told",
        "«{one}» y «{other}» son el mismo nombre, uno más completo",
    ),
    "slip_name": (
        "“{one}” and “{other}” are one name but for a slip of the pen",
        "«{one}» y «{other}» son el mismo nombre salvo una errata",
    ),
    "one_word_name": (
        "“{one}” and “{other}” share a word and no more",
        "«{one}» y «{other}» solo comparten una palabra",
    ),
    "other_name": ("they go by other names: “{one}”, “{other}”", "se llaman de otra manera: «{one}», «{other}»"),
    "word_of_name": ("“{one}” and “{other}” share a word", "«{one}» y «{other}» comparten una palabra"),
    "same_login": ("both log in as “{login}”", "ambos usan el nombre de usuario «{login}»"),
    "name_as_login": (
        "“{login}” is “{name}” written as a login",
        "«{login}» es «{name}» escrito como nombre de usuario",
    ),
    "shown_together": ("a source showed {handle} with both", "una fuente mostró {handle} junto a ambos"),
    "same_handle": ("{handle} was shown with both", "{handle} se mostró junto a ambos"),
    "said_to_be_one": (
        "{account} says that {one} and {other} are one",
        "{account} dice que {one} y {other} son la misma persona",
    ),
    "answer_came_back": (
        "an answer to what was sent to the one came, proved, from the other",
        "una respuesta a lo que se envió a uno llegó, comprobada, del otro",
    ),
    "same_birthday": ("both were born on {one}", "ambos nacieron el {one}"),
    "near_birthday": (
        "their days of birth differ by a slip: {one}, {other}",
        "sus fechas de nacimiento difieren en una errata: {one}, {other}",
    ),
    "other_birthday": (
        "they were born on different days: {one}, {other}",
        "nacieron en días distintos: {one}, {other}",
    ),
    "same_place": ("both live at {place}", "ambos viven en {place}"),
    "told": ("{words}", "{words}"),
}


def said(evidence: SuggestionEvidence, language: str = "en") -> str:
    """One piece of evidence as a sentence. Another language than Spanish is told in English."""
    forms = SAYINGS.get(f"{evidence.code} {evidence.values.get('how', '')}") or SAYINGS[evidence.code]
    return forms[language.lower().startswith("es")].format_map(evidence.values)


KINDS = tuple(dict.fromkeys(key.partition(" ")[0] for key in SAYINGS))
