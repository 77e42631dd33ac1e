# Explicaciones y motivos en español. Lo que está en { $… } son datos: nada de ello se traduce ni se interpreta.

## Explicaciones

date = { $day } de { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
} de { $year } { HOUR($time) ->
    [one] a la
   *[other] a las
} { $time } { $zone }
conjunction = y
verdict = { $verdict ->
    [skipped] El { $at }, el disparador «{ $trigger }» se habría activado para { $name }, pero no llegó a actuar: { $about }
    [shadowed] El { $at }, el disparador «{ $trigger }», que está en sombra y no hace nada, se habría activado para { $name }: { $about }
    [waits] El { $at } volveremos a mirar: si hasta entonces no llega nada, el disparador «{ $trigger }» se activará para { $name }: { $about }
    [waited] El disparador «{ $trigger }» estuvo a la espera de { $name } hasta el { $at }, y eso terminó. { $about }
   *[fired] El { $at }, el disparador «{ $trigger }» se activó para { $name }: { $about }
}
said = { $by } { $kind ->
    [message] escribió
    [comment] comentó
    [mention] nos mencionó
    [post] publicó
    [article] publicó
    [share] compartió algo
    [quote] citó algo
    [reaction] reaccionó
    [follow] empezó a seguirnos
    [review] dejó una reseña
    [check_in] registró una visita
    [call] llamó
    [visit] vino
    [event] participó
    [letter] envió una carta
    [order] hizo un pedido
    [page_view] visitó una página
    [note] anotó
   *[app_event] hizo algo
} ({ $channel }, { $at }){ $text }
nobody = Alguien
hidden = algo que usted no puede leer
deleted = algo que después se borró
counted = Lo que se tuvo en cuenta: { $list }.
absence = Desde el { $since } hasta el { $until } buscamos { $what }, y no hubo nada.
awaited = Desde el { $since } buscamos { $what }; si llega antes del { $until }, no pasará nada.
read = En ese momento { $list }.
read-silence =
    .calendar = solo contaba el horario laboral de «{ $value }»
read-organisation =
    .name = la organización era «{ $value }»
read-habit =
    .usual = solían pasar { $value } de una vez a la siguiente
    .threshold = más de { $value } era inusual
    .gaps = { $value ->
        [one] se conocía { $value } intervalo
       *[other] se conocían { $value } intervalos
    }
read-person =
    .business = la etapa comercial era «{ $value }»
    .relationship = la relación era «{ $value }»
    .tags = las etiquetas eran { $value }
read-interaction =
    .topic = el tema era «{ $value }»
    .language = el idioma era «{ $value }»
    .sentiment = el tono era { $value }
    .rating = la valoración era { $value }
    .moderation = la moderación decía «{ $value }»
read-sentiment =
    .before = antes el tono era { $value } de media
    .now = últimamente el tono era { $value }
nothing = ninguna
joined = Sabemos que es una sola persona porque { $list }.
proof = { $proof ->
    [one-time-link] un código de un solo uso enviado a { $one } volvió desde { $other } ({ $at })
    [signed-assertion] { $source } firmó que { $one } y { $other } son la misma persona ({ $at })
    [trusted-account] { $account }, de confianza para ello, dice que { $one } y { $other } son la misma persona ({ $at })
    [reply-token] lo enviado a { $one } fue respondido, con prueba, desde { $other } ({ $at })
   *[by-hand] { $by } dijo que { $one } y { $other } son la misma persona ({ $at })
}
proof-noted = { $proof }: «{ $note }»
undone = { $by } lo deshizo el { $at }: vuelven a ser dos, mientras nada más las una.
unproved = Alguien solo dice ser esta persona, así que no cabía más que una respuesta en el mismo lugar.
reason = El motivo anotado: { $reason }.
given = En el experimento «{ $experiment }», el azar le asignó «{ $arm }».
held-out = En el experimento «{ $experiment }», el azar no le asignó nada, para poder comparar con alguien a las demás personas.
outcome = Lo que resultó: { $list }.
task = una tarea para { $team }, «{ $title }» ({ $state ->
    [open] abierta
    [done] hecha
   *[other] { $state }
})
move = { $track ->
    [business] la etapa comercial
    [relationship] la relación
   *[other] { $track }
} pasó a ser «{ $stage }»
human = { $by } lo escribió a mano, el { $at }.
message-class = { $class ->
    [human] una respuesta a mano
    [service] un mensaje de servicio
    [transactional] un aviso sobre lo suyo
    [marketing] un mensaje comercial
    [public] una publicación
   *[other] { $class }
}
everybody = todo el mundo
message = { $state ->
    [sent] { $sort } a { $to }, con salida el { $at }
    [sending] { $sort } a { $to }, que se está enviando
    [failed] { $sort } a { $to }, que falló{ $reason }
    [unknown] { $sort } a { $to }, sin que nadie sepa si llegó{ $reason }
    [cancelled] { $sort } a { $to }, que no llegó a salir{ $reason }
    [expired] { $sort } a { $to }, que ya llegaba tarde{ $reason }
   *[pending] { $sort } a { $to }, todavía en espera{ $reason }
}
step = { $state ->
    [done] tras esperar hasta el { $at }, lo demás{ $reason }
    [stopped] tras esperar hasta el { $at }, nada más{ $reason }
   *[waiting] lo demás, que espera hasta el { $at }
}
call = { $state ->
    [delivered] una llamada a { $endpoint }
    [failed] una llamada a { $endpoint }, que falló{ $reason }
    [cancelled] una llamada a { $endpoint }, que no llegó a hacerse{ $reason }
    [expired] una llamada a { $endpoint }, que no se aceptó a tiempo{ $reason }
   *[pending] una llamada a { $endpoint }, todavía en espera{ $reason }
}
took = El mensaje fue por { $channel } porque { $why }.
other-ways = Había otras vías para llegar a esta persona: { $list }.
way = { $channel } a { $handle } ({ $why })
cascade = Unos disparadores llevaron a otros hasta aquí: { $list } ({ $depth } de { $deepest } como máximo).
cascade-stopped = Unos disparadores llevaron a otros hasta aquí: { $list }; no pueden sucederse más de { $deepest }, así que la cadena se detuvo aquí.
led-to = Tuvo más consecuencias: { $list }.
considered = Otros disparadores miraron más o menos a la vez: { $list }.
decided = { $verdict ->
    [skipped] «{ $trigger }» no llegó a actuar{ $reason }
    [shadowed] «{ $trigger }» se habría activado, pero está en sombra
   *[fired] «{ $trigger }» se activó{ $reason }
}

## De qué trata un motivo: lo que retuvo el mensaje, o la acción

about = { $about ->
    [message] mensaje
    [task] tarea
    [tag] etiqueta
    [stage] etapa
    [attribute] atributo
    [webhook] llamada
    [publish] publicación
    [start] inicio
    [stop] parada
    [trigger] disparador
    [consent] consentimiento
    [suppression] direcciones excluidas
    [budget] límite de contactos
    [quiet-hours] horas de descanso
    [loop] bucle
    [storm] avalancha
    [approval] aprobación
    [stopped] detenido
   *[other] { $about }
}: { $reason }

## Motivos: por qué un disparador decidió no actuar

reason-imported = lo que se importó como historial no pone nada en marcha
reason-late = llega tarde: ocurrió hace más tiempo del que admite este disparador
reason-own_doing = lo causamos nosotros mismos con este disparador
reason-chain_too_long = una cadena de más de { $n } { $n ->
    [one] disparador
   *[other] disparadores
} se detiene
reason-once_per = como máximo una vez cada { $limit }
reason-hold_out = grupo de control: esta persona no recibe nada, para poder comparar con ella a las demás
reason-if_not_met = no se cumplió su `if`
reason-unproved_stage = alguien solo dice quién es, y eso no cambia ninguna etapa
reason-unproved_attribute = alguien solo dice quién es, y eso no fija nada
reason-unreachable = ningún canal conectado llega a esta persona
reason-unreachable_in_thread = ningún canal conectado llega a esta persona en este hilo
reason-no_files = { $channel } no lleva archivos
reason-no_template = no hay ninguna plantilla «{ $name }»; escriba su `text` en el disparador
reason-missing = falta { $name }
reason-trigger_not_live = el disparador «{ $name }» no está activo
reason-trigger_not_live_yet = el disparador «{ $name }» todavía no estaba activo
reason-trigger_led_here = el disparador «{ $name }» es el que llevó hasta aquí
reason-trigger_for_others = el disparador «{ $name }» es para otras personas: no se cumple su `who`
reason-trigger_decided_before = el disparador «{ $name }» ya decidió sobre esto
reason-account_paused = la cuenta «{ $name }» está en pausa
reason-publishes_nothing = el canal { $channel } no publica nada
reason-called_off = por { $by }, decisión { $decision }

## Motivos: qué retuvo un mensaje

reason-not_live_any_more = su disparador ya no está activo, sino { $state ->
    [draft] en borrador
    [shadow] en sombra
    [paused] en pausa
    [live] activo
   *[other] { $state }
}
reason-refused = pidió que no se le escribiera
reason-marketing_not_allowed = nunca aceptó mensajes comerciales
reason-marketing_refused = rechazó los mensajes comerciales
reason-not_their_thread = un mensaje de servicio responde a algo que la persona escribió, y este no responde a nada suyo
reason-unread_address = nadie lee { $handle }
reason-own_address = { $handle } es una de nuestras propias direcciones
reason-suppressed = esta dirección está excluida: { $why }
reason-copy_refused = a alguien en copia ya no se le escribe
reason-reply_to_differs = Escribió desde { $one } y quiere la respuesta en { $other }, y nada prueba que ambas sean suyas: diga cuál la recibe.
reason-budget_24_hours = recibió { $n } { $n ->
    [one] mensaje automático
   *[other] mensajes automáticos
} en 24 horas, contando todos los canales
reason-budget_7_days = recibió { $n } { $n ->
    [one] mensaje automático
   *[other] mensajes automáticos
} en 7 días, contando todos los canales
reason-budget_today = hoy recibió { $n } { $n ->
    [one] mensaje automático
   *[other] mensajes automáticos
}, contando todos los canales
reason-same_trigger_24_hours = este disparador le escribió hace menos de 24 horas
reason-quiet_hours = allí { HOUR($time) ->
    [one] es la
   *[other] son las
} { $time }
reason-awaits_approval = espera a que alguien lo apruebe
reason-storm_messages = el disparador llegó a su límite y se puso en pausa: { $n } { $n ->
    [one] mensaje
   *[other] mensajes
} en una hora
reason-storm_decisions = el disparador llegó a su límite y se puso en pausa: { $n } { $n ->
    [one] decisión
   *[other] decisiones
} en una hora
reason-answers_machine = respondería a una máquina ({ $why })
reason-same_conversation_24_hours = en esta conversación hubo un mensaje automático hace menos de 24 horas
reason-answers_automatic_answer = respondería a lo que ya es respuesta a un mensaje automático nuestro
reason-same_trigger_answered = este disparador le respondió hace menos de 24 horas
reason-answers_under_subject = recibió { $n } { $n ->
    [one] respuesta automática
   *[other] respuestas automáticas
} en 3 horas, { $m } con este asunto
reason-messages_in_conversation = recibió { $n } { $n ->
    [one] mensaje automático
   *[other] mensajes automáticos
} en { $m } minutos, { $k } en esta conversación
reason-strangers_at_domain = { $n } { $n ->
    [one] persona desconocida de { $domain } recibió respuestas automáticas
   *[other] personas desconocidas de { $domain } recibieron respuestas automáticas
} en menos de 24 horas

## Motivos: qué fue del envío

reason-due_too_long_ago = debía salir hace ya demasiado tiempo
reason-not_approved_in_time = nadie lo aprobó a tiempo
reason-sender_stopped = el proceso que lo enviaba se detuvo a mitad del envío
reason-never_got_it = el proveedor nunca lo recibió
reason-unsaid = el canal no dijo qué había enviado
reason-nothing_prepared = el canal no preparó ningún mensaje
reason-channel_raised = el canal dio el error { $error }
reason-may_have_gone_out = { $reason }; puede que un intento anterior saliera
reason-cancelled = lo canceló { $by }
reason-cancelled_because = lo canceló { $by }: { $note }
reason-said_sent = { $by } dice que se envió
reason-said_sent_because = { $by } dice que se envió: { $note }
reason-said_not_sent = { $by } dice que no se envió
reason-said_not_sent_because = { $by } dice que no se envió: { $note }
reason-unless = se cumple su `unless`: { $text }
reason-unless_of_ours = se cumple su `unless`
reason-tried = se intentó { $n } { $n ->
    [one] vez
   *[other] veces
}; la última vez { $reason }
reason-took_nothing = no acepta nada desde { $since }; la última vez { $reason }
reason-answered_status = respondió { $status }
reason-not_taken_in_time = no se aceptó a tiempo; { $reason }
reason-endpoint_disabled = el destino está desactivado: { $reason }
reason-endpoint_gone = respondió 410: ya no existe
reason-tried_again = { $by } lo intentó de nuevo

## Motivos: por qué no se hizo lo que seguía a una espera

reason-trigger_gone = su disparador ya no existe
reason-version_changed = su disparador cambió: decidió la versión { $n }, y está activa la { $m }
reason-step_late = llega tarde: debía hacerse hace más tiempo del que admite este disparador

## Motivos: qué fue de una espera

reason-fired = se cumplió
reason-moved_on = llegó algo que rompió el silencio
reason-restarted = llegó algo que puso el reloj a cero
reason-not_addressed = no es una de las personas a las que se dirige
reason-ended = se cerró, se descartó o se retiró
reason-resting = respondió otra persona, y el reloj descansa
reason-no_calendar = no hay calendario laboral
reason-trigger_changed = el disparador se cambió

## Motivos: qué se buscaba

reason-any_of_us = cualquier cosa nuestra dirigida a esa persona
reason-any_of_them = cualquier cosa que hiciera esa persona
reason-any_of_anyone = cualquier cosa, de quien fuera
reason-any_of_organisation = cualquier cosa que hiciera alguien de la organización
reason-any_of_us_with = cualquier cosa nuestra dirigida a esa persona con { $filter }
reason-any_of_them_with = cualquier cosa que hiciera esa persona con { $filter }
reason-any_of_anyone_with = cualquier cosa, de quien fuera, con { $filter }
reason-any_of_organisation_with = cualquier cosa que hiciera alguien de la organización con { $filter }
reason-any_with = cualquier cosa con { $filter }
reason-move_on_track = un cambio en la etapa { $track ->
    [business] comercial
    [relationship] de relación
   *[other] { $track }
}

## Motivos: por qué un mensaje fue por esta vía, o no por aquella

reason-answers_there = escribió allí, y es la respuesta
reason-asked_for = así se pidió
reason-preferred = es el que prefiere
reason-used_last = es el último que usó
reason-only_way = era el único
reason-first_by_name = era el primero por orden alfabético
reason-answers_elsewhere = se responde donde escribió
reason-other_channel_asked_for = se pidió otro canal
reason-other_account_asked_for = se pidió otra cuenta
reason-other_preferred = prefiere otro
reason-other_used_since = después usó otro
reason-never_used = nunca lo usó
reason-other_first_by_name = el otro iba antes por orden alfabético

## Motivos: palabras de otros, que se dan tal cual, y varios motivos seguidos

reason-stated = { $text }
reason-other = { $text }
reason-several = { $all }
