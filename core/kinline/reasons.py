"""Every reason that the hub writes down, and how it is told in each language.

Reasons are stored as English sentences, where they arise, and found again here: ``{name}`` is a gap, and
``[n|one|many]`` the form that fits the number in gap ``n``. A reason that the outside world gave (what a mail server
said, what a person typed) is in no table and is told as it is. A test looks through the code for reasons without a line
here.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple


class Saying(NamedTuple):
    """As it is stored, in Spanish, and in English where that is told otherwise than it is stored."""

    stored: str
    spanish: str
    english: str = ""


#: What a reason may begin with: the guard that held it back, or the action that it is about.
HEADS = {
    "message": "mensaje", "task": "tarea", "tag": "etiqueta", "stage": "etapa", "attribute": "atributo",
    "webhook": "llamada", "publish": "publicación", "start": "inicio", "stop": "parada", "trigger": "disparador",
    "consent": "consentimiento", "suppression": "direcciones excluidas", "budget": "límite de contactos",
    "quiet hours": "horas de descanso", "loop": "bucle", "storm": "avalancha", "approval": "aprobación",
    "stopped": "detenido",
}  # fmt: skip
#: Words of ours that stand in gaps.
VALUES = {
    "draft": "en borrador", "shadow": "en sombra", "paused": "en pausa", "live": "activo", "business": "comercial",
    "relationship": "de relación",
}  # fmt: skip

SAYINGS = (
    # why a trigger decided not to act
    Saying("history that was imported starts nothing", "lo que se importó como historial no pone nada en marcha"),
    Saying(
        "late: it happened longer ago than this trigger's lateness",
        "llega tarde: ocurrió hace más tiempo del que admite este disparador",
    ),
    Saying("we caused it ourselves by this trigger", "lo causamos nosotros mismos con este disparador"),
    Saying(
        "a chain of more than {n} triggers stops",
        "una cadena de más de {n} [n|disparador|disparadores] se detiene",
        "a chain of more than {n} [n|trigger|triggers] stops",
    ),
    Saying("once per {limit}", "como máximo una vez cada {limit}"),
    Saying(
        "hold-out: this person gets nothing, so that the others can be compared with somebody",
        "grupo de control: esta persona no recibe nada, para poder comparar con ella a las demás",
    ),
    Saying("its `if` did not hold", "no se cumplió su `if`"),
    Saying(
        "somebody only says who they are, and that moves no stage",
        "alguien solo dice quién es, y eso no cambia ninguna etapa",
    ),
    Saying("somebody only says who they are, and that sets nothing", "alguien solo dice quién es, y eso no fija nada"),
    Saying("no connected channel reaches this person", "ningún canal conectado llega a esta persona"),
    Saying(
        "no connected channel reaches this person in this thread",
        "ningún canal conectado llega a esta persona en este hilo",
    ),
    Saying("{channel} carries no files", "{channel} no lleva archivos"),
    Saying(
        "there is no template “{name}”; write its `text` in the trigger",
        "no hay ninguna plantilla «{name}»; escriba su `text` en el disparador",
    ),
    Saying("missing {name}", "falta {name}"),
    Saying("the trigger “{name}” is not live", "el disparador «{name}» no está activo"),
    Saying("the trigger “{name}” was not live yet", "el disparador «{name}» todavía no estaba activo"),
    Saying("the trigger “{name}” led here itself", "el disparador «{name}» es el que llevó hasta aquí"),
    Saying(
        "the trigger “{name}” is for others, its `who` does not hold",
        "el disparador «{name}» es para otras personas: no se cumple su `who`",
    ),
    Saying("the trigger “{name}” decided about this before", "el disparador «{name}» ya decidió sobre esto"),
    Saying("the account “{name}” is paused", "la cuenta «{name}» está en pausa"),
    Saying("the channel {channel} publishes nothing", "el canal {channel} no publica nada"),
    Saying("by {by}, decision {decision}", "por {by}, decisión {decision}"),
    # what held a message back
    Saying("its trigger is not live any more, it is {state}", "su disparador ya no está activo, sino {state}"),
    Saying("they asked not to be written to", "pidió que no se le escribiera"),
    Saying("they never allowed marketing", "nunca aceptó mensajes comerciales"),
    Saying("they refused marketing", "rechazó los mensajes comerciales"),
    Saying(
        "a service message answers something they wrote; this answers nothing of theirs",
        "un mensaje de servicio responde a algo que la persona escribió, y este no responde a nada suyo",
    ),
    Saying("nobody reads {handle}", "nadie lee {handle}"),
    Saying("{handle} is one of our own addresses", "{handle} es una de nuestras propias direcciones"),
    Saying("this handle is suppressed: {why}", "esta dirección está excluida: {why}"),
    Saying("somebody in copy is not written to any more", "a alguien en copia ya no se le escribe"),
    Saying(
        "They wrote from {one} and want the answer at {other}, and nothing proves that both are theirs: say which one gets it.",
        "Escribió desde {one} y quiere la respuesta en {other}, y nada prueba que ambas sean suyas: diga cuál la recibe.",
    ),
    Saying(
        "they had {n} automatic messages in 24 hours, over all channels",
        "recibió {n} [n|mensaje automático|mensajes automáticos] en 24 horas, contando todos los canales",
        "they had {n} automatic [n|message|messages] in 24 hours, over all channels",
    ),
    Saying(
        "they had {n} automatic messages in 7 days, over all channels",
        "recibió {n} [n|mensaje automático|mensajes automáticos] en 7 días, contando todos los canales",
        "they had {n} automatic [n|message|messages] in 7 days, over all channels",
    ),
    Saying(
        "they had {n} automatic messages today, over all channels",
        "hoy recibió {n} [n|mensaje automático|mensajes automáticos], contando todos los canales",
        "they had {n} automatic [n|message|messages] today, over all channels",
    ),
    Saying("this trigger wrote to them within 24 hours", "este disparador le escribió hace menos de 24 horas"),
    Saying("it is {time} where they are", "allí [time|es la|son las] {time}"),
    Saying("it waits for somebody's approval", "espera a que alguien lo apruebe"),
    Saying(
        "the trigger reached its limit: it paused itself: {n} messages in an hour",
        "el disparador llegó a su límite y se puso en pausa: {n} [n|mensaje|mensajes] en una hora",
        "the trigger reached its limit and paused itself: {n} [n|message|messages] in an hour",
    ),
    Saying(
        "the trigger reached its limit: it paused itself: {n} decisions in an hour",
        "el disparador llegó a su límite y se puso en pausa: {n} [n|decisión|decisiones] en una hora",
        "the trigger reached its limit and paused itself: {n} [n|decision|decisions] in an hour",
    ),
    Saying("the trigger reached its limit: {reason}", "el disparador llegó a su límite: {reason}"),
    Saying("it paused itself: {what} in an hour", "se puso en pausa: {what} en una hora"),
    Saying("it would answer a machine ({why})", "respondería a una máquina ({why})"),
    Saying(
        "this conversation had an automatic message within 24 hours",
        "en esta conversación hubo un mensaje automático hace menos de 24 horas",
    ),
    Saying(
        "it would answer what answers an automatic message of ours",
        "respondería a lo que ya es respuesta a un mensaje automático nuestro",
    ),
    Saying("this trigger answered them within 24 hours", "este disparador le respondió hace menos de 24 horas"),
    Saying(
        "they had {n} automatic answers in 3 hours, {m} under this subject",
        "recibió {n} [n|respuesta automática|respuestas automáticas] en 3 horas, {m} con este asunto",
        "they had {n} automatic [n|answer|answers] in 3 hours, {m} under this subject",
    ),
    Saying(
        "they had {n} automatic messages in {m} minutes, {k} in this conversation",
        "recibió {n} [n|mensaje automático|mensajes automáticos] en {m} minutos, {k} en esta conversación",
        "they had {n} automatic [n|message|messages] in {m} minutes, {k} in this conversation",
    ),
    Saying(
        "{n} strangers at {domain} had automatic answers within 24 hours",
        "{n} [n|persona desconocida de {domain} recibió respuestas automáticas|personas desconocidas de {domain} "
        "recibieron respuestas automáticas] en menos de 24 horas",
        "{n} [n|stranger|strangers] at {domain} had automatic answers within 24 hours",
    ),
    # what became of the sending
    Saying("it was due too long ago to be welcome", "debía salir hace ya demasiado tiempo"),
    Saying("nobody approved it in time", "nadie lo aprobó a tiempo"),
    Saying("its sender stopped while sending", "el proceso que lo enviaba se detuvo a mitad del envío"),
    Saying("the provider never got it", "el proveedor nunca lo recibió"),
    Saying("the channel did not say what it sent", "el canal no dijo qué había enviado"),
    Saying("the channel prepared no message", "el canal no preparó ningún mensaje"),
    Saying("the channel raised {error}", "el canal dio el error {error}"),
    Saying("{reason}; an earlier try may have gone out", "{reason}; puede que un intento anterior saliera"),
    Saying("cancelled by {by}", "lo canceló {by}"),
    Saying("cancelled by {by}: {note}", "lo canceló {by}: {note}"),
    Saying("{by} says it was sent", "{by} dice que se envió"),
    Saying("{by} says it was sent: {note}", "{by} dice que se envió: {note}"),
    Saying("{by} says it was not sent", "{by} dice que no se envió"),
    Saying("{by} says it was not sent: {note}", "{by} dice que no se envió: {note}"),
    Saying("its `unless` holds: {text}", "se cumple su `unless`: {text}"),
    Saying("its `unless` holds: ", "se cumple su `unless`", "its `unless` holds"),
    Saying(
        "tried {n} times; the last time {reason}",
        "se intentó {n} [n|vez|veces]; la última vez {reason}",
        "tried {n} [n|time|times]; the last time {reason}",
    ),
    Saying(
        "it took nothing since {time}; the last time {reason}", "no acepta nada desde {time}; la última vez {reason}"
    ),
    Saying("it answered {status}", "respondió {status}"),
    Saying("it was not taken in time; {reason}", "no se aceptó a tiempo; {reason}"),
    Saying("the endpoint is disabled: {reason}", "el destino está desactivado: {reason}"),
    Saying("it answered 410 Gone", "respondió 410: ya no existe"),
    Saying("tried again by {by}", "{by} lo intentó de nuevo"),
    Saying(
        "tried {n} times; the last time {said}",
        "se intentó {n} [n|vez|veces]; la última: {said}",
        "tried {n} [n|time|times]; the last time {said}",
    ),
    # why the rest after a wait was not done
    Saying("its `unless` holds: {expression}", "se cumple su `unless`: {expression}"),
    Saying("its trigger is gone", "su disparador ya no existe"),
    Saying(
        "its trigger changed: version {n} decided, {m} is live",
        "su disparador cambió: decidió la versión {n}, y está activa la {m}",
    ),
    Saying(
        "late: it was due longer ago than this trigger's lateness",
        "llega tarde: debía hacerse hace más tiempo del que admite este disparador",
    ),
    # what became of a wait
    Saying("fired", "se cumplió", "it fired"),
    Saying("moved_on", "llegó algo que rompió el silencio", "something came that broke it"),
    Saying("restarted", "llegó algo que puso el reloj a cero", "something came that set its clock anew"),
    Saying("not_addressed", "no es una de las personas a las que se dirige", "they are not among those whom it is for"),
    Saying("ended", "se cerró, se descartó o se retiró", "it was closed, dismissed or withdrawn"),
    Saying("resting", "respondió otra persona, y el reloj descansa", "somebody else answered, and its clock rests"),
    Saying("no_calendar", "no hay calendario laboral", "there is no calendar of working time"),
    Saying("trigger changed", "el disparador se cambió", "the trigger was changed"),
    # what was looked for
    Saying("anything that one of us did towards the person", "cualquier cosa nuestra dirigida a esa persona"),
    Saying("anything that the person did", "cualquier cosa que hiciera esa persona"),
    Saying("anything that anyone did", "cualquier cosa, de quien fuera"),
    Saying("anything that anybody of the organisation did", "cualquier cosa que hiciera alguien de la organización"),
    Saying(
        "anything that one of us did towards the person with {filter}",
        "cualquier cosa nuestra dirigida a esa persona con {filter}",
    ),
    Saying("anything that the person did with {filter}", "cualquier cosa que hiciera esa persona con {filter}"),
    Saying("anything that anyone did with {filter}", "cualquier cosa, de quien fuera, con {filter}"),
    Saying(
        "anything that anybody of the organisation did with {filter}",
        "cualquier cosa que hiciera alguien de la organización con {filter}",
    ),
    Saying("anything with {filter}", "cualquier cosa con {filter}"),
    Saying("a move on the {track} track", "un cambio en la etapa {track}"),
    # why a message took this way to somebody, or not that one
    Saying("they wrote there, and it answers that", "escribió allí, y es la respuesta"),
    Saying("it was asked for", "así se pidió"),
    Saying("they prefer it", "es el que prefiere"),
    Saying("they used it last", "es el último que usó"),
    Saying("it was the only one", "era el único"),
    Saying("it came first by name", "era el primero por orden alfabético"),
    Saying("it answers where they wrote", "se responde donde escribió"),
    Saying("another channel was asked for", "se pidió otro canal"),
    Saying("another account was asked for", "se pidió otra cuenta"),
    Saying("they prefer another", "prefiere otro"),
    Saying("they used another since", "después usó otro"),
    Saying("they never used it", "nunca lo usó"),
    Saying("the other came first by name", "el otro iba antes por orden alfabético"),
)

_GAP = re.compile(r"\{(\w+)\}")
_FORM = re.compile(r"\[(\w+)\|([^|\]]*)\|([^|\]]*)\]")


def told(stored: str, language: str) -> str:
    """A stored reason in this language (``en``, ``es``); what is in no table stays as it is."""
    head, colon, rest = stored.partition(": ")
    if colon and head in HEADS and ("; " not in rest or _found(rest)):
        return f"{HEADS[head] if language == 'es' else head}: {told(rest, language)}"
    found = _found(stored)
    if found is None:
        return "; ".join(told(each, language) for each in stored.split("; ")) if "; " in stored else stored
    saying, gaps = found
    told_in = {name: told(value, language) for name, value in gaps.items()}
    if language == "es":
        return filled(saying.spanish, **{name: VALUES.get(value, value) for name, value in told_in.items()})
    return filled(saying.english or saying.stored, **told_in)


def known(stored: str) -> bool:
    """Whether this reason has its line here, behind its head where it has one."""
    head, colon, rest = stored.partition(": ")
    return _found(rest if colon and head in HEADS else stored) is not None


def filled(template: str, **gaps: Any) -> str:
    """The template with its gaps filled, and the forms that fit their numbers."""
    chosen = _FORM.sub(lambda form: form[2] if _number(gaps.get(form[1])) == 1 else form[3], template)
    return _GAP.sub(lambda gap: str(gaps.get(gap[1], gap[0])), chosen)


def _number(value: Any) -> int | None:
    leading = re.match(r"\d+", str(value))
    return int(leading[0]) if leading else None


@lru_cache(maxsize=4096)
def _found(stored: str) -> tuple[Saying, dict[str, str]] | None:
    """The line that fits, the one with the most words of its own first."""
    for pattern, saying in _PATTERNS:
        if match := pattern.fullmatch(stored):
            return saying, match.groupdict()
    return None


def _pattern(saying: Saying) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", saying.stored)
    return re.compile(
        "".join(f"(?P<{each}>.+?)" if place % 2 else re.escape(each) for place, each in enumerate(pieces)), re.DOTALL
    )


_PATTERNS = [(_pattern(saying), saying) for saying in sorted(SAYINGS, key=lambda each: -len(_GAP.sub("", each.stored)))]
