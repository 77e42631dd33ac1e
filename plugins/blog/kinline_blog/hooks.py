"""What plugins and hosts post when a comment changes, in the words of our own events.

WP Webhooks (github.com/Ironikus/wp-webhooks, triggers ``create_comment``, ``update_comment``, ``trash_comment``,
``delete_comment``) posts JSON; WordPress.com (wordpress.com/support/webhooks) a form with the columns of the comment and
the name of the ``hook``. Neither says when it was so: where we have a user there, the comment is asked for instead.
"""

from urllib.parse import parse_qsl

from kinline import Unreadable
from kinline_blog import fields

#: Who sends it; and it always says where from.
PLUGIN = "x-wp-webhook-source"
#: Hooks of WordPress.com that tell of a comment.
HOOKS = frozenset({"comment_post", "edit_comment", "wp_insert_comment"})


def is_plugin(told: fields.Record) -> bool:
    return isinstance(told.get("comment_data"), dict) and "comment_id" in told


def of_plugin(told: fields.Record) -> fields.Record:
    """All triggers post the same; only the deletion comes without ``comment_meta``."""
    comment, post = fields.record(told.get("comment_data")), fields.record(told.get("current_post_data"))
    change = "updated" if "comment_meta" in told else "deleted"
    about = {"title": post.get("post_title"), "link": post.get("guid")}
    return {"event": f"comment.{change}", "comment": _columns(comment), "post": about}


def of_form(body: bytes) -> fields.Record:
    """A call of WordPress.com. Raises `Unreadable`."""
    try:
        told = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise Unreadable("This is no form in UTF-8.", code="not_a_form") from None
    hook = fields.line(told.get("hook"), 60)
    if hook not in HOOKS:
        return {"event": hook.replace(".", "_")}
    return {"event": "comment.updated", "comment": _columns(dict(told))}


def _columns(comment: fields.Record) -> fields.Record:
    """A comment as its table has it, in the words of the REST API."""
    return {
        "id": comment.get("comment_ID"), "post": comment.get("comment_post_ID"), "parent": comment.get("comment_parent"),
        "author": comment.get("user_id"), "author_name": comment.get("comment_author"),
        "author_email": comment.get("comment_author_email"), "author_url": comment.get("comment_author_url"),
        "date": comment.get("comment_date"), "date_gmt": comment.get("comment_date_gmt"),
        "content": {"raw": comment.get("comment_content")}, "status": comment.get("comment_approved"),
        "type": comment.get("comment_type"),
    }  # fmt: skip
