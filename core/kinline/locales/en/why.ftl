# Explanations and reasons in English. Whatever stands in { $… } is data: nothing in it is translated or read.

## Explanations

date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year } at { $time } { $zone }
conjunction = and
verdict = { $verdict ->
    [skipped] On { $at }, the trigger “{ $trigger }” would have fired for { $name }, and was held back: { $about }
    [shadowed] On { $at }, the trigger “{ $trigger }”, which runs in shadow and does nothing, would have fired for { $name }: { $about }
    [waits] We will look again on { $at }: if nothing comes between, the trigger “{ $trigger }” fires for { $name }: { $about }
    [waited] The trigger “{ $trigger }” waited for { $name } until { $at }, and that is over. { $about }
   *[fired] On { $at }, the trigger “{ $trigger }” fired for { $name }: { $about }
}
said = { $by } { $kind ->
    [message] wrote
    [comment] commented
    [mention] mentioned us
    [post] posted
    [article] published
    [share] passed something on
    [quote] quoted
    [reaction] reacted
    [follow] started to follow
    [review] reviewed
    [check_in] checked in
    [call] called
    [visit] came by
    [event] took part
    [letter] sent a letter
    [order] ordered
    [page_view] looked at a page
    [note] noted
   *[app_event] did something
} ({ $channel }, { $at }){ $text }
nobody = Somebody
hidden = something that you may not read
deleted = something that was deleted since
counted = What counted: { $list }.
absence = From { $since } to { $until } we looked for { $what }, and there was nothing.
awaited = Since { $since } we look for { $what }; if that comes before { $until }, nothing happens.
read = At that moment { $list }.
read-silence =
    .calendar = only the working time of “{ $value }” counted
read-organisation =
    .name = the organisation was “{ $value }”
read-habit =
    .usual = usually { $value } passed from one time to the next
    .threshold = more than { $value } was unusual
    .gaps = { $value } { $value ->
        [one] gap was
       *[other] gaps were
    } known
read-person =
    .business = the business stage was “{ $value }”
    .relationship = the relationship was “{ $value }”
    .tags = the tags were { $value }
read-interaction =
    .topic = the topic was “{ $value }”
    .language = the language was “{ $value }”
    .sentiment = the sentiment was { $value }
    .rating = the rating was { $value }
    .moderation = the moderation said “{ $value }”
read-sentiment =
    .before = they had sounded like { $value } on average
    .now = they sounded like { $value } lately
nothing = none
joined = That this is one person we know, because { $list }.
proof = { $proof ->
    [one-time-link] a one-time code that went to { $one } came back from { $other } ({ $at })
    [signed-assertion] { $source } signed that { $one } and { $other } are the same person ({ $at })
    [trusted-account] { $account }, which is trusted for it, says that { $one } and { $other } are the same person ({ $at })
    [reply-token] what was sent to { $one } was answered, proved, from { $other } ({ $at })
   *[by-hand] { $by } said that { $one } and { $other } are the same person ({ $at })
}
proof-noted = { $proof }: “{ $note }”
undone = { $by } undid that on { $at }: they are two again, as far as nothing else joins them.
unproved = Somebody only says that they are this person, so nothing but an answer in the same place was allowed.
reason = The reason noted: { $reason }.
given = In the experiment “{ $experiment }” chance gave them “{ $arm }”.
held-out = In the experiment “{ $experiment }” chance gave them nothing, so that the others can be compared with somebody.
outcome = What came of it: { $list }.
task = a task for { $team }, “{ $title }” ({ $state })
move = { $track ->
    [business] the business stage
    [relationship] the relationship
   *[other] { $track }
} became “{ $stage }”
human = { $by } wrote this by hand, on { $at }.
message-class = { $class ->
    [human] reply by hand
    [service] service message
    [transactional] message about what they did
    [marketing] marketing message
    [public] public post
   *[other] { $class }
}
everybody = everybody
message = { $state ->
    [sent] a { $sort } to { $to }, sent on { $at }
    [sending] a { $sort } to { $to }, being sent just now
    [failed] a { $sort } to { $to }, which failed{ $reason }
    [unknown] a { $sort } to { $to }, of which nobody knows whether it arrived{ $reason }
    [cancelled] a { $sort } to { $to }, which was held back{ $reason }
    [expired] a { $sort } to { $to }, which came too late to be sent{ $reason }
   *[pending] a { $sort } to { $to }, still waiting{ $reason }
}
step = { $state ->
    [done] after a wait until { $at }, the rest{ $reason }
    [stopped] after a wait until { $at }, nothing more{ $reason }
   *[waiting] the rest, which waits until { $at }
}
call = { $state ->
    [delivered] a call to { $endpoint }
    [failed] a call to { $endpoint }, which failed{ $reason }
    [cancelled] a call to { $endpoint }, which was held back{ $reason }
    [expired] a call to { $endpoint }, which was not taken in time{ $reason }
   *[pending] a call to { $endpoint }, still waiting{ $reason }
}
took = The message took { $channel } because { $why }.
other-ways = Other ways to them were there: { $list }.
way = { $channel } to { $handle } ({ $why })
cascade = Triggers led here one after the other: { $list } ({ $depth } of { $deepest } at most).
cascade-stopped = Triggers led here one after the other: { $list }; no more than { $deepest } may follow each other, so it stopped here.
led-to = It led to more: { $list }.
considered = Other triggers looked at about the same time: { $list }.
decided = { $verdict ->
    [skipped] “{ $trigger }” was held back{ $reason }
    [shadowed] “{ $trigger }” would have fired, but is in shadow
   *[fired] “{ $trigger }” fired{ $reason }
}

## What a reason is about: the guard that held it back, or the action

about = { $about ->
    [quiet-hours] quiet hours
   *[other] { $about }
}: { $reason }

## Reasons: why a trigger decided not to act

reason-imported = history that was imported starts nothing
reason-late = late: it happened longer ago than this trigger's lateness
reason-own_doing = we caused it ourselves by this trigger
reason-chain_too_long = a chain of more than { $n } { $n ->
    [one] trigger
   *[other] triggers
} stops
reason-once_per = once per { $limit }
reason-hold_out = hold-out: this person gets nothing, so that the others can be compared with somebody
reason-if_not_met = its `if` did not hold
reason-unproved_stage = somebody only says who they are, and that moves no stage
reason-unproved_attribute = somebody only says who they are, and that sets nothing
reason-unreachable = no connected channel reaches this person
reason-unreachable_in_thread = no connected channel reaches this person in this thread
reason-no_files = { $channel } carries no files
reason-no_template = there is no template “{ $name }”; write its `text` in the trigger
reason-missing = missing { $name }
reason-trigger_not_live = the trigger “{ $name }” is not live
reason-trigger_not_live_yet = the trigger “{ $name }” was not live yet
reason-trigger_led_here = the trigger “{ $name }” led here itself
reason-trigger_for_others = the trigger “{ $name }” is for others, its `who` does not hold
reason-trigger_decided_before = the trigger “{ $name }” decided about this before
reason-account_paused = the account “{ $name }” is paused
reason-publishes_nothing = the channel { $channel } publishes nothing
reason-called_off = by { $by }, decision { $decision }

## Reasons: what held a message back

reason-not_live_any_more = its trigger is not live any more, it is { $state }
reason-refused = they asked not to be written to
reason-marketing_not_allowed = they never allowed marketing
reason-marketing_refused = they refused marketing
reason-not_their_thread = a service message answers something they wrote; this answers nothing of theirs
reason-unread_address = nobody reads { $handle }
reason-own_address = { $handle } is one of our own addresses
reason-suppressed = this handle is suppressed: { $why }
reason-copy_refused = somebody in copy is not written to any more
reason-reply_to_differs = They wrote from { $one } and want the answer at { $other }, and nothing proves that both are theirs: say which one gets it.
reason-budget_24_hours = they had { $n } automatic { $n ->
    [one] message
   *[other] messages
} in 24 hours, over all channels
reason-budget_7_days = they had { $n } automatic { $n ->
    [one] message
   *[other] messages
} in 7 days, over all channels
reason-budget_today = they had { $n } automatic { $n ->
    [one] message
   *[other] messages
} today, over all channels
reason-same_trigger_24_hours = this trigger wrote to them within 24 hours
reason-quiet_hours = it is { $time } where they are
reason-awaits_approval = it waits for somebody's approval
reason-storm_messages = the trigger reached its limit and paused itself: { $n } { $n ->
    [one] message
   *[other] messages
} in an hour
reason-storm_decisions = the trigger reached its limit and paused itself: { $n } { $n ->
    [one] decision
   *[other] decisions
} in an hour
reason-answers_machine = it would answer a machine ({ $why })
reason-same_conversation_24_hours = this conversation had an automatic message within 24 hours
reason-answers_automatic_answer = it would answer what answers an automatic message of ours
reason-same_trigger_answered = this trigger answered them within 24 hours
reason-answers_under_subject = they had { $n } automatic { $n ->
    [one] answer
   *[other] answers
} in 3 hours, { $m } under this subject
reason-messages_in_conversation = they had { $n } automatic { $n ->
    [one] message
   *[other] messages
} in { $m } minutes, { $k } in this conversation
reason-strangers_at_domain = { $n } { $n ->
    [one] stranger
   *[other] strangers
} at { $domain } had automatic answers within 24 hours

## Reasons: what became of the sending

reason-due_too_long_ago = it was due too long ago to be welcome
reason-not_approved_in_time = nobody approved it in time
reason-sender_stopped = its sender stopped while sending
reason-never_got_it = the provider never got it
reason-unsaid = the channel did not say what it sent
reason-nothing_prepared = the channel prepared no message
reason-channel_raised = the channel raised { $error }
reason-may_have_gone_out = { $reason }; an earlier try may have gone out
reason-cancelled = cancelled by { $by }
reason-cancelled_because = cancelled by { $by }: { $note }
reason-said_sent = { $by } says it was sent
reason-said_sent_because = { $by } says it was sent: { $note }
reason-said_not_sent = { $by } says it was not sent
reason-said_not_sent_because = { $by } says it was not sent: { $note }
reason-unless = its `unless` holds: { $text }
reason-unless_of_ours = its `unless` holds
reason-tried = tried { $n } { $n ->
    [one] time
   *[other] times
}; the last time { $reason }
reason-took_nothing = it took nothing since { $since }; the last time { $reason }
reason-answered_status = it answered { $status }
reason-not_taken_in_time = it was not taken in time; { $reason }
reason-endpoint_disabled = the endpoint is disabled: { $reason }
reason-endpoint_gone = it answered 410 Gone
reason-tried_again = tried again by { $by }

## Reasons: why the rest after a wait was not done

reason-trigger_gone = its trigger is gone
reason-version_changed = its trigger changed: version { $n } decided, { $m } is live
reason-step_late = late: it was due longer ago than this trigger's lateness

## Reasons: what became of a wait

reason-fired = it fired
reason-moved_on = something came that broke it
reason-restarted = something came that set its clock anew
reason-not_addressed = they are not among those whom it is for
reason-ended = it was closed, dismissed or withdrawn
reason-resting = somebody else answered, and its clock rests
reason-no_calendar = there is no calendar of working time
reason-trigger_changed = the trigger was changed

## Reasons: what was looked for

reason-any_of_us = anything that one of us did towards the person
reason-any_of_them = anything that the person did
reason-any_of_anyone = anything that anyone did
reason-any_of_organisation = anything that anybody of the organisation did
reason-any_of_us_with = anything that one of us did towards the person with { $filter }
reason-any_of_them_with = anything that the person did with { $filter }
reason-any_of_anyone_with = anything that anyone did with { $filter }
reason-any_of_organisation_with = anything that anybody of the organisation did with { $filter }
reason-any_with = anything with { $filter }
reason-move_on_track = a move on the { $track } track

## Reasons: why a message took this way to somebody, or not that one

reason-answers_there = they wrote there, and it answers that
reason-asked_for = it was asked for
reason-preferred = they prefer it
reason-used_last = they used it last
reason-only_way = it was the only one
reason-first_by_name = it came first by name
reason-answers_elsewhere = it answers where they wrote
reason-other_channel_asked_for = another channel was asked for
reason-other_account_asked_for = another account was asked for
reason-other_preferred = they prefer another
reason-other_used_since = they used another since
reason-never_used = they never used it
reason-other_first_by_name = the other came first by name

## Reasons: words of others, which are told as they are, and several reasons one after the other

reason-stated = { $text }
reason-other = { $text }
reason-several = { $all }
