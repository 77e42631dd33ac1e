"""A stand-in for a WordPress: the part of its REST API that we use, and its comment form, without PHP or a database.

Written from the REST API Handbook (developer.wordpress.org/rest-api/reference/comments, …/using-the-rest-api/pagination)
and held against a real WordPress by our tests: the same tests run against both. ``moderated`` makes it keep comments
until somebody approves them, ``closed`` closes comments, ``rights`` takes the moderator's rights away, ``trash`` whether
there is one.
"""

import base64
import html
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from kinline.pretend import FakeAnswer, FakeCall, PretendServer, Route

Row = dict[str, Any]
STATES = {
    "all": ("approved", "hold"),
    "approve": ("approved",),
    "hold": ("hold",),
    "spam": ("spam",),
    "trash": ("trash",),
    "any": ("approved", "hold", "spam", "trash"),
}
NAMES = {"approve": "approved", "1": "approved", "0": "hold"}
GENERATOR = b'<?xml version="1.0"?><rss><channel><generator>https://wordpress.org/?v=6.1.9</generator></channel></rss>'
#: What is there when somebody tries it out.
SAID = (
    ("Ann", "ann@example.org", "Does the lamp come in blue?"),
    ("Ben", "ben@example.org", "I have had mine for ten years."),
)


class PretendWordPress(PretendServer):
    user, password = "cleo", "abcd EFGH 1234 ijkl MNOP 5678"

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, Row] = {}
        self.posts: dict[int, Row] = {}
        self.moderated = self.closed = False
        self.trash = True
        self.rights = True
        self._last = 0

    def settings_for(self, url: str) -> dict[str, Any]:
        self.post("Hello world!")
        for name, email, text in SAID:
            self.form(1, name, text, email=email)
        return {"site": url, "user": self.user, "application_password": self.password, "look_every": 5}

    def routes(self) -> Sequence[Route]:
        api = r"/wp-json/wp/v2"
        return [
            ("GET", r"/wp-json/", self._index),
            ("GET", r"/feed/", lambda asked: FakeAnswer(GENERATOR, headers={"content-type": "application/rss+xml"})),
            ("GET", rf"{api}/users/me", self._me),
            ("GET", rf"{api}/(posts|pages)", self._list_posts),
            ("GET", rf"{api}/comments", self._list),
            ("POST", rf"{api}/comments", self._create),
            ("GET", rf"{api}/comments/([0-9]+)", self._one),
            ("POST", rf"{api}/comments/([0-9]+)", self._update),
            ("DELETE", rf"{api}/comments/([0-9]+)", self._delete),
            ("POST", r"/wp-comments-post\.php", self._posted),
        ]

    def post(self, title: str) -> int:
        ident = len(self.posts) + 1
        self.posts[ident] = {
            "id": ident, "title": {"rendered": html.escape(title)}, "link": f"{self.url}/2026/post-{ident}/",
        }  # fmt: skip
        return ident

    def form(self, post: int, name: str, text: str, *, parent: int = 0, email: str = "") -> int:
        """Comment as a reader does. Returns the comment's number."""
        state = "hold" if self.moderated else "approved"
        state = "trash" if "casino" in text else state  # as WordPress does with its disallowed words
        with self.lock:
            return self._add(post, parent, text, state, name=name, email=email or f"{name.lower()}@example.org")

    def _add(self, post: int, parent: int, text: str, state: str, *, name: str, email: str, author: int = 0) -> int:
        self._last += 1
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self.rows[self._last] = {
            "id": self._last, "post": post, "parent": parent, "author": author, "author_name": name, "author_email": email,
            "author_url": "", "date": now, "date_gmt": now, "type": "comment", "status": state, "content": text,
            "link": f"{self.posts[post]['link']}#comment-{self._last}",
        }  # fmt: skip
        return self._last

    def _index(self, asked: FakeCall) -> FakeAnswer:
        return FakeAnswer({"name": "A blog about lamps", "home": self.url, "namespaces": ["oembed/1.0", "wp/v2"]})

    def _me(self, asked: FakeCall) -> FakeAnswer:
        if not self._known(asked):
            return _refused(401, "rest_not_logged_in", "You are not currently logged in.")
        return self._fields(asked, {"id": 1, "name": self.user, "capabilities": {"moderate_comments": self.rights}})

    def _list_posts(self, asked: FakeCall) -> FakeAnswer:
        wanted = {int(each) for each in asked.one("include").split(",") if each}
        found = [row for ident, row in self.posts.items() if ident in wanted and asked.groups[0] == "posts"]
        return FakeAnswer(found, headers={"x-wp-total": str(len(found)), "x-wp-totalpages": "1"})

    def _list(self, asked: FakeCall) -> FakeAnswer:
        count = int(asked.one("per_page", "10"))
        if not 1 <= count <= 100:
            return _refused(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        if asked.one("context", "view") == "edit" and not self._may(asked):
            return _refused(403 if self._known(asked) else 401, "rest_forbidden_context", "Sorry, you are not allowed.")
        state, kind = asked.one("status", "approve"), asked.one("type", "comment")
        if (state, kind) != ("approve", "comment") and not self._may(asked):
            return _refused(401, "rest_forbidden_param", "Query parameter not permitted: status, type")
        rows = [row for row in self.rows.values() if row["status"] in STATES.get(state, ()) and self._fits(asked, row)]
        rows.sort(key=lambda row: int(row["id"]), reverse=asked.one("order", "desc") == "desc")
        begin = int(asked.one("offset", "0")) or count * (int(asked.one("page", "1")) - 1)
        shown = [_shown(row, edit=asked.one("context") == "edit") for row in rows[begin : begin + count]]
        headers = {"x-wp-total": str(len(rows)), "x-wp-totalpages": str(-(-len(rows) // count))}
        return self._fields(asked, shown, headers)

    def _fits(self, asked: FakeCall, row: Row) -> bool:
        columns = {"parent": "parent", "author": "author", "post": "post", "include": "id"}
        return all(
            str(row[column]) in asked.one(name).split(",") for name, column in columns.items() if asked.one(name)
        )

    def _one(self, asked: FakeCall) -> FakeAnswer:
        row = self.rows.get(int(asked.groups[0]))
        if row is None:
            return _refused(404, "rest_comment_invalid_id", "Invalid comment ID.")
        if row["status"] != "approved" and not self._may(asked):
            return _refused(401, "rest_cannot_read", "Sorry, you are not allowed to read this comment.")
        return self._fields(asked, _shown(row, edit=asked.one("context") == "edit"))

    def _create(self, asked: FakeCall) -> FakeAnswer:
        said = asked.json()
        if not self._known(asked):
            return _refused(401, "rest_comment_login_required", "Sorry, you must be logged in to comment.")
        if said["post"] not in self.posts:
            return _refused(403, "rest_comment_invalid_post_id", "Sorry, you are not allowed to create this comment.")
        if self.closed:
            return _refused(403, "rest_comment_closed", "Sorry, comments are closed for this item.")
        if not said["content"].strip():
            return _refused(400, "rest_comment_content_invalid", "Invalid comment content.")
        alike = (said["post"], said.get("parent", 0), said["content"], 1)
        for row in self.rows.values():
            same = (row["post"], row["parent"], row["content"], row["author"]) == alike
            if same and row["status"] != "trash":
                return _refused(409, "comment_duplicate", "Duplicate comment detected.")
        state = "hold" if self.moderated and not self.rights else "approved"
        ident = self._add(
            said["post"],
            said.get("parent", 0),
            said["content"],
            state,
            name=self.user,
            email="cleo@example.org",
            author=1,
        )
        return FakeAnswer(_shown(self.rows[ident], edit=True), 201)

    def _update(self, asked: FakeCall) -> FakeAnswer:
        ident, said = int(asked.groups[0]), asked.json()
        if not self._may(asked):
            return _refused(401, "rest_cannot_edit", "Sorry, you are not allowed to edit this comment.")
        if ident not in self.rows:
            return _refused(404, "rest_comment_invalid_id", "Invalid comment ID.")
        if "status" in said:
            status = NAMES.get(said["status"], said["status"])
            if status == self.rows[ident]["status"] and len(said) == 1:
                return _refused(500, "rest_comment_failed_edit", "Updating comment status failed.")
            self.rows[ident]["status"] = status
        if "content" in said:
            self.rows[ident]["content"] = said["content"]
        return self._fields(asked, _shown(self.rows[ident], edit=True))

    def _delete(self, asked: FakeCall) -> FakeAnswer:
        ident = int(asked.groups[0])
        if not self._may(asked):
            return _refused(401, "rest_cannot_delete", "Sorry, you are not allowed to delete this comment.")
        if ident not in self.rows:
            return _refused(404, "rest_comment_invalid_id", "Invalid comment ID.")
        before = _shown(self.rows[ident], edit=True)
        if asked.one("force") in ("true", "1"):
            del self.rows[ident]
            return FakeAnswer({"deleted": True, "previous": before})
        if not self.trash:
            return _refused(501, "rest_trash_not_supported", "The comment does not support trashing.")
        if self.rows[ident]["status"] == "trash":
            return _refused(410, "rest_already_trashed", "The comment has already been trashed.")
        self.rows[ident]["status"] = "trash"
        return self._fields(asked, _shown(self.rows[ident], edit=True))

    def _posted(self, asked: FakeCall) -> FakeAnswer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        parent = int(form.get("comment_parent", "0"))
        ident = self.form(
            int(form["comment_post_ID"]), form["author"], form["comment"], parent=parent, email=form["email"]
        )
        return FakeAnswer(b"", 302, {"location": str(self.rows[ident]["link"])})

    def _known(self, asked: FakeCall) -> bool:
        right = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {right}"

    def _may(self, asked: FakeCall) -> bool:
        return self.rights and self._known(asked)

    def _fields(self, asked: FakeCall, value: Any, headers: dict[str, str] | None = None) -> FakeAnswer:
        """Only the fields that were asked for (“Limiting responses”)."""
        wanted = asked.one("_fields")
        if wanted:
            kept = set(wanted.split(","))
            rows = value if isinstance(value, list) else [value]
            cut = [{name: row[name] for name in row if name in kept} for row in rows]
            value = cut if isinstance(value, list) else cut[0]
        return FakeAnswer(value, headers=headers or {})


def _shown(row: Row, *, edit: bool) -> Row:
    said = str(row["content"])
    content = {"rendered": f"<p>{said}</p>\n"} | ({"raw": said} if edit else {})
    shown = row | {"content": content}
    return shown if edit else {name: value for name, value in shown.items() if name != "author_email"}


def _refused(status: int, code: str, message: str) -> FakeAnswer:
    return FakeAnswer({"code": code, "message": message, "data": {"status": status}}, status)
