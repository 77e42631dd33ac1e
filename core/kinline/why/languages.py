"""The sentences of an explanation, language by language. Each is a table; ``{name}`` is a gap, and ``[n|one|many]`` the
form that fits a number (see `kinline.reasons`)."""

import msgspec


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """The sentences of one language, with named gaps, and the words that go into them."""

    code: str
    zone: str = "UTC"  #: of the times (IANA)
    months: tuple[str, ...]
    date: str
    verdicts: dict[str, str]
    deeds: dict[str, str]
    deed: str
    said: str
    nobody: str
    hidden: str
    deleted: str
    counted: str
    absence: str
    awaited: str
    read: str
    readings: dict[str, str]
    joined: str
    proofs: dict[str, str]
    by_hand: str
    said_why: str
    undone: str
    unproved: str
    reason: str
    given: str
    held_out: str
    outcome: str
    task: str
    states: dict[str, str]
    move: str
    tracks: dict[str, str]
    human: str
    message: dict[str, str]
    classes: dict[str, str]
    everybody: str
    steps: dict[str, str]
    calls: dict[str, str]
    took: str
    other_ways: str
    way: str
    cascade: str
    stopped: str
    led_to: str
    considered: str
    decided: dict[str, str]
    conjunction: str


ENGLISH = Language(
    code="en",
    months=("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December"),
    date="{day} {month} {year} at {time} {zone}",
    verdicts={
        "fired": "On {at}, the trigger “{trigger}” fired for {name}: {about}",
        "skipped": "On {at}, the trigger “{trigger}” would have fired for {name}, and was held back: {about}",
        "shadowed": "On {at}, the trigger “{trigger}”, which runs in shadow and does nothing, would have fired for "
        "{name}: {about}",
        "waits": "We will look again on {at}: if nothing comes between, the trigger “{trigger}” fires for {name}: {about}",
        "waited": "The trigger “{trigger}” waited for {name} until {at}, and that is over. {about}",
    },
    deeds={
        "message": "wrote", "comment": "commented", "mention": "mentioned us", "post": "posted", "article": "published",
        "share": "passed something on", "quote": "quoted", "reaction": "reacted", "follow": "started to follow",
        "review": "reviewed", "check_in": "checked in", "call": "called", "visit": "came by", "event": "took part", "app_event": "did something",
        "letter": "sent a letter", "order": "ordered", "page_view": "looked at a page", "note": "noted",
    },
    deed="did something",
    said="{by} {deed} ({channel}, {at}){text}",
    nobody="Somebody",
    hidden="something that you may not read",
    deleted="something that was deleted since",
    counted="What counted: {list}.",
    absence="From {since} to {until} we looked for {what}, and there was nothing.",
    awaited="Since {since} we look for {what}; if that comes before {until}, nothing happens.",
    read="At that moment {list}.",
    readings={
        "silence.calendar": "only the working time of “{value}” counted",
        "organisation.name": "the organisation was “{value}”",
        "habit.usual": "usually {value} passed from one time to the next",
        "habit.threshold": "more than {value} was unusual", "habit.gaps": "{value} [value|gap was|gaps were] known",
        "person.business": "the business stage was “{value}”", "person.relationship": "the relationship was “{value}”",
        "person.tags": "the tags were {value}", "interaction.topic": "the topic was “{value}”",
        "sentiment.before": "they had sounded like {value} on average", "sentiment.now": "they sounded like {value} lately",
        "interaction.language": "the language was “{value}”", "interaction.sentiment": "the sentiment was {value}",
        "interaction.rating": "the rating was {value}", "interaction.moderation": "the moderation said “{value}”",
        "nothing": "none",
    },
    joined="That this is one person we know, because {list}.",
    proofs={
        "one-time link": "a one-time code that went to {one} came back from {other} ({at})",
        "signed assertion": "{source} signed that {one} and {other} are the same person ({at})",
        "trusted account": "{account}, which is trusted for it, says that {one} and {other} are the same person ({at})",
        "reply token": "what was sent to {one} was answered, proved, from {other} ({at})",
    },
    by_hand="{by} said that {one} and {other} are the same person ({at})",
    said_why="{proof}: “{reason}”",
    undone="{by} undid that on {at}: they are two again, as far as nothing else joins them.",
    unproved="Somebody only says that they are this person, so nothing but an answer in the same place was allowed.",
    reason="The reason noted: {reason}.",
    given="In the experiment “{experiment}” chance gave them “{arm}”.",
    held_out="In the experiment “{experiment}” chance gave them nothing, so that the others can be compared with somebody.",
    outcome="What came of it: {list}.",
    task="a task for {team}, “{title}” ({state})",
    states={},
    move="{track} became “{stage}”",
    tracks={"business": "the business stage", "relationship": "the relationship"},
    human="{by} wrote this by hand, on {at}.",
    message={
        "sent": "a {sort} to {to}, sent on {at}",
        "pending": "a {sort} to {to}, still waiting{reason}",
        "sending": "a {sort} to {to}, being sent just now",
        "failed": "a {sort} to {to}, which failed{reason}",
        "unknown": "a {sort} to {to}, of which nobody knows whether it arrived{reason}",
        "cancelled": "a {sort} to {to}, which was held back{reason}",
        "expired": "a {sort} to {to}, which came too late to be sent{reason}",
    },
    classes={
        "human": "reply by hand", "service": "service message", "transactional": "message about what they did",
        "marketing": "marketing message", "public": "public post",
    },
    everybody="everybody",
    steps={
        "waiting": "the rest, which waits until {at}",
        "done": "after a wait until {at}, the rest{reason}",
        "stopped": "after a wait until {at}, nothing more{reason}",
    },
    calls={
        "pending": "a call to {endpoint}, still waiting{reason}",
        "delivered": "a call to {endpoint}",
        "failed": "a call to {endpoint}, which failed{reason}",
        "cancelled": "a call to {endpoint}, which was held back{reason}",
        "expired": "a call to {endpoint}, which was not taken in time{reason}",
    },
    took="The message took {channel} because {why}.",
    other_ways="Other ways to them were there: {list}.",
    way="{channel} to {handle} ({why})",
    cascade="Triggers led here one after the other: {list} ({depth} of {deepest} at most).",
    stopped="Triggers led here one after the other: {list}; no more than {deepest} may follow each other, so it stopped here.",
    led_to="It led to more: {list}.",
    considered="Other triggers looked at about the same time: {list}.",
    decided={
        "fired": "“{trigger}” fired{reason}", "skipped": "“{trigger}” was held back{reason}",
        "shadowed": "“{trigger}” would have fired, but is in shadow",
    },
    conjunction="and",
)  # fmt: skip

SPANISH = Language(
    code="es",
    months=("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
            "noviembre", "diciembre"),
    date="{day} de {month} de {year} [time|a la|a las] {time} {zone}",
    verdicts={
        "fired": "El {at}, el disparador «{trigger}» se activó para {name}: {about}",
        "skipped": "El {at}, el disparador «{trigger}» se habría activado para {name}, pero no llegó a actuar: {about}",
        "shadowed": "El {at}, el disparador «{trigger}», que está en sombra y no hace nada, se habría activado para {name}: "
        "{about}",
        "waits": "El {at} volveremos a mirar: si hasta entonces no llega nada, el disparador «{trigger}» se activará para "
        "{name}: {about}",
        "waited": "El disparador «{trigger}» estuvo a la espera de {name} hasta el {at}, y eso terminó. {about}",
    },
    deeds={
        "message": "escribió", "comment": "comentó", "mention": "nos mencionó", "post": "publicó", "article": "publicó",
        "share": "compartió algo", "quote": "citó algo", "reaction": "reaccionó", "follow": "empezó a seguirnos",
        "review": "dejó una reseña", "check_in": "registró una visita", "call": "llamó", "visit": "vino", "event": "participó", "app_event": "hizo algo",
        "letter": "envió una carta", "order": "hizo un pedido", "page_view": "visitó una página", "note": "anotó",
    },
    deed="hizo algo",
    said="{by} {deed} ({channel}, {at}){text}",
    nobody="Alguien",
    hidden="algo que usted no puede leer",
    deleted="algo que después se borró",
    counted="Lo que se tuvo en cuenta: {list}.",
    absence="Desde el {since} hasta el {until} buscamos {what}, y no hubo nada.",
    awaited="Desde el {since} buscamos {what}; si llega antes del {until}, no pasará nada.",
    read="En ese momento {list}.",
    readings={
        "silence.calendar": "solo contaba el horario laboral de «{value}»",
        "organisation.name": "la organización era «{value}»",
        "habit.usual": "solían pasar {value} de una vez a la siguiente",
        "habit.threshold": "más de {value} era inusual", "habit.gaps": "[value|se conocía {value} intervalo|se conocían {value} intervalos]",
        "person.business": "la etapa comercial era «{value}»", "person.relationship": "la relación era «{value}»",
        "person.tags": "las etiquetas eran {value}", "interaction.topic": "el tema era «{value}»",
        "sentiment.before": "antes el tono era {value} de media", "sentiment.now": "últimamente el tono era {value}",
        "interaction.language": "el idioma era «{value}»", "interaction.sentiment": "el tono era {value}",
        "interaction.rating": "la valoración era {value}", "interaction.moderation": "la moderación decía «{value}»",
        "nothing": "ninguna",
    },
    joined="Sabemos que es una sola persona porque {list}.",
    proofs={
        "one-time link": "un código de un solo uso enviado a {one} volvió desde {other} ({at})",
        "signed assertion": "{source} firmó que {one} y {other} son la misma persona ({at})",
        "trusted account": "{account}, de confianza para ello, dice que {one} y {other} son la misma persona ({at})",
        "reply token": "lo enviado a {one} fue respondido, con prueba, desde {other} ({at})",
    },
    by_hand="{by} dijo que {one} y {other} son la misma persona ({at})",
    said_why="{proof}: «{reason}»",
    undone="{by} lo deshizo el {at}: vuelven a ser dos, mientras nada más las una.",
    unproved="Alguien solo dice ser esta persona, así que no cabía más que una respuesta en el mismo lugar.",
    reason="El motivo anotado: {reason}.",
    given="En el experimento «{experiment}», el azar le asignó «{arm}».",
    held_out="En el experimento «{experiment}», el azar no le asignó nada, para poder comparar con alguien a las demás personas.",
    outcome="Lo que resultó: {list}.",
    task="una tarea para {team}, «{title}» ({state})",
    states={"open": "abierta", "done": "hecha"},
    move="{track} pasó a ser «{stage}»",
    tracks={"business": "la etapa comercial", "relationship": "la relación"},
    human="{by} lo escribió a mano, el {at}.",
    message={
        "sent": "{sort} a {to}, con salida el {at}",
        "pending": "{sort} a {to}, todavía en espera{reason}",
        "sending": "{sort} a {to}, que se está enviando",
        "failed": "{sort} a {to}, que falló{reason}",
        "unknown": "{sort} a {to}, sin que nadie sepa si llegó{reason}",
        "cancelled": "{sort} a {to}, que no llegó a salir{reason}",
        "expired": "{sort} a {to}, que ya llegaba tarde{reason}",
    },
    classes={
        "human": "una respuesta a mano", "service": "un mensaje de servicio", "transactional": "un aviso sobre lo suyo",
        "marketing": "un mensaje comercial", "public": "una publicación",
    },
    everybody="todo el mundo",
    steps={
        "waiting": "lo demás, que espera hasta el {at}",
        "done": "tras esperar hasta el {at}, lo demás{reason}",
        "stopped": "tras esperar hasta el {at}, nada más{reason}",
    },
    calls={
        "pending": "una llamada a {endpoint}, todavía en espera{reason}",
        "delivered": "una llamada a {endpoint}",
        "failed": "una llamada a {endpoint}, que falló{reason}",
        "cancelled": "una llamada a {endpoint}, que no llegó a hacerse{reason}",
        "expired": "una llamada a {endpoint}, que no se aceptó a tiempo{reason}",
    },
    took="El mensaje fue por {channel} porque {why}.",
    other_ways="Había otras vías para llegar a esta persona: {list}.",
    way="{channel} a {handle} ({why})",
    cascade="Unos disparadores llevaron a otros hasta aquí: {list} ({depth} de {deepest} como máximo).",
    stopped="Unos disparadores llevaron a otros hasta aquí: {list}; no pueden sucederse más de {deepest}, así que la cadena se "
    "detuvo aquí.",
    led_to="Tuvo más consecuencias: {list}.",
    considered="Otros disparadores miraron más o menos a la vez: {list}.",
    decided={
        "fired": "«{trigger}» se activó{reason}", "skipped": "«{trigger}» no llegó a actuar{reason}",
        "shadowed": "«{trigger}» se habría activado, pero está en sombra",
    },
    conjunction="y",
)  # fmt: skip

LANGUAGES = {"en": ENGLISH, "es": SPANISH}
