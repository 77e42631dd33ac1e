"""What was read by eye in texts whose right answer stands in no file: by the numbers of the lines, not their words."""

#: The lines a person wrote: no quotation, no signature, no footer of a mailing list. ``all`` is every line.
WRITTEN = {
    "correct_sig": "1",
    "email_1_1": "1-5",
    "email_1_2": "1 9-34",
    "email_1_3": "1-3",
    "email_1_4": "1",
    "email_1_5": "all",
    "email_1_6": "1",
    "email_1_7": "1",
    "email_1_8": "13 19",
    "email_2_1": "1",
    "email_2_2": "1",
    "email_2_3": "1",
    "email_BlackBerry": "1",
    "email_bullets": "1-9",
    "email_gmail": "1",
    "email_headers_no_delimiter": "1",
    "email_iPhone": "1",
    "email_long_quote": "1-4 6-8",
    "email_multi_word_sent_from_my_mobile_device": "1",
    "email_one_is_not_on": "1-5",
    "email_partial_quote_header": "1-6",
    "email_sent_from_my_not_signature": "all",
    "email_sig_delimiter_in_middle_of_line": "all",
    "greedy_on": "1-6",
    "pathological": "1-2",
}


def written(text: str, name: str) -> str:
    """The lines of a text that `WRITTEN` names, counted from 1."""
    lines = text.split("\n")
    if WRITTEN[name] == "all":
        return text
    kept: list[str] = []
    for one in WRITTEN[name].split():
        first, _, last = one.partition("-")
        kept += lines[int(first) - 1 : int(last or first)]
    return "\n".join(kept)


#: The answers in talon's mails, which are all alike.
PLAIN = "Hello"
HTML = "Hi. I am fine. Thanks, Alex"
#: Where an answer begins and ends in the others.
OTHERS = {
    "reply-separated-by-hr.html": ("Hi there", "Bob"),
    "OLK_SRC_BODY_SECTION.html": ("Reply", "Reply"),
    "reply-quotations-share-block.eml": ("Hi", "soon. Joe XXX"),
}

#: isemail's verdicts under which mail can be sent to an address: valid by RFC 5321, whether or not its domain is known.
ADDRESSES = frozenset({"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321"})
