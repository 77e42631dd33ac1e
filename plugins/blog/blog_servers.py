"""A real WordPress for tests: Debian's package, PHP's own server, a database of its own that is dropped at the end.

Needs ``wordpress``, ``php-cli`` and ``php-mysql`` (Debian, Ubuntu) and a MariaDB or MySQL at ``KINLINE_TEST_MARIADB``
(default ``mysql://root@127.0.0.1:3306``). Without them its tests skip, saying what to install; in CI they fail.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from kinline import http
from kinline.pretend import until
from kinline.testing.hubs import missing

DATABASE = os.environ.get("KINLINE_TEST_MARIADB", "mysql://root@127.0.0.1:3306")
PACKAGE = Path("/usr/share/wordpress")
OURS = Path(__file__).parent / "wordpress"
CURE = "apt-get install --no-install-recommends wordpress php-cli php-mysql mariadb-server"


class WordPress:
    """One blog that runs. ``user`` may do everything, ``reader`` may only read."""

    user, reader = "cleo", "dora"

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._folder, self._name = folder / "blog", f"kinline_test_{uuid.uuid4().hex[:12]}"
        self._server: subprocess.Popen[bytes] | None = None
        self.passwords: dict[str, str] = {}

    def start(self) -> None:
        self._sql(f"CREATE DATABASE {self._name} CHARACTER SET utf8mb4")
        shutil.copytree(PACKAGE, self._folder, symlinks=True, ignore=shutil.ignore_patterns("plugins", "themes"))
        for wanted in ("plugins", "themes", "mu-plugins"):
            (self._folder / "wp-content" / wanted).mkdir(parents=True)
        shutil.copy(OURS / "wp-config.php", self._folder / "wp-config.php")
        shutil.copy(OURS / "quiet.php", self._folder / "wp-content" / "mu-plugins")
        self.passwords = json.loads(self._php(str(OURS / "install.php"), str(self._folder), self.url))
        self.serve()

    def serve(self) -> None:
        """Serve, and return when it answers."""
        port, log = urlsplit(self.url).port, (self._folder / "server.log").open("ab")
        self._server = subprocess.Popen(
            ["php", "-S", f"127.0.0.1:{port}", "-t", str(self._folder)],
            env=self._env() | {"PHP_CLI_SERVER_WORKERS": "3"},
            stdout=log, stderr=log, start_new_session=True, cwd=self._folder,
        )  # fmt: skip
        log.close()
        assert until(lambda: _listens(port or 0), 20), "PHP's server did not come up"

    def away(self) -> None:
        """Stop serving: nobody listens any more."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGTERM)
            self._server.wait(10)
            self._server = None
            # Its workers share the listening socket and may outlive it by a moment.
            assert until(lambda: not _listens(urlsplit(self.url).port or 0), 10), "PHP's workers did not go"

    def stop(self) -> None:
        self.away()
        self._sql(f"DROP DATABASE IF EXISTS {self._name}")

    def settings(self, **more: Any) -> dict[str, Any]:
        """The settings with which an account talks to it."""
        return {"site": self.url, "user": self.user, "application_password": self.passwords[self.user], **more}

    def form(self, post: int, name: str, text: str, *, parent: int = 0, email: str = "") -> int:
        """Comment as a reader does, over the blog's own form. Returns the comment's number."""
        fields = {
            "comment_post_ID": post, "author": name, "email": email or f"{name.lower()}@example.org", "url": "",
            "comment": text, "comment_parent": parent,
        }  # fmt: skip
        told = http.call(
            "POST", f"{self.url}/wp-comments-post.php", content=urlencode(fields).encode(), trusted=True,
            headers={"content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert told.status == 302, told.body[:500]
        return int(told.headers["location"].rpartition("#comment-")[2])

    def rest(self, method: str, path: str, *, user: str = user, **fields: Any) -> Any:
        """Call its REST API, as its own screens do."""
        right = base64.b64encode(f"{user}:{self.passwords[user]}".encode()).decode()
        told = http.call(
            method, f"{self.url}/wp-json/wp/v2/{path}", content=json.dumps(fields).encode() if fields else None,
            headers={"authorization": f"Basic {right}", "content-type": "application/json"}, trusted=True,
        )  # fmt: skip
        assert told.ok, (told.status, told.body[:500])
        return json.loads(told.body)

    def post(self, title: str) -> int:
        return int(self.rest("POST", "posts", title=title, status="publish", content="About it.")["id"])

    def run(self, code: str) -> str:
        """Run PHP inside it, for what only its screens can do."""
        begin = f"$_SERVER['HTTP_HOST'] = '{urlsplit(self.url).netloc}'; require '{self._folder}/wp-load.php'; "
        return self._php("-r", f"{begin}{code}")

    @contextmanager
    def plugin(self, name: str, code: str) -> Iterator[None]:
        """With one more file of PHP that it runs."""
        path = self._folder / "wp-content" / "mu-plugins" / name
        path.write_text(code)
        yield
        path.unlink()

    def empty(self) -> None:
        """Without comments, and with its own settings again."""
        self.run(
            "global $wpdb; $wpdb->query('TRUNCATE wp_comments'); $wpdb->query('TRUNCATE wp_commentmeta');"
            "update_option('comment_moderation', 0); wp_cache_flush();"
        )

    def _php(self, *arguments: str) -> str:
        done = subprocess.run(
            ["php", *arguments], env=self._env(), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, (done.stdout[-500:], done.stderr[-500:])
        return done.stdout.strip()

    def _env(self) -> dict[str, str]:
        parts = urlsplit(DATABASE)
        return {
            "PATH": os.environ["PATH"], "WP_TEST_URL": self.url, "WP_TEST_DB": self._name,
            "WP_TEST_DB_USER": parts.username or "root", "WP_TEST_DB_PASSWORD": parts.password or "",
            "WP_TEST_DB_HOST": f"{parts.hostname}:{parts.port or 3306}",
        }  # fmt: skip

    def _sql(self, statement: str) -> None:
        code = (
            "mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT); [$host, $port] = explode(':', getenv('WP_TEST_DB_HOST'));"
            "$db = new mysqli($host, getenv('WP_TEST_DB_USER'), getenv('WP_TEST_DB_PASSWORD'), '', (int) $port);"
        )
        self._php("-r", f"{code} $db->query({json.dumps(statement)});")


@pytest.fixture(scope="session")
def wordpress_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    parts = urlsplit(DATABASE)
    if not PACKAGE.is_dir() or not shutil.which("php"):
        missing("WordPress", CURE)
    if not _listens(parts.port or 3306):
        missing("MariaDB", f"start one, or name it in KINLINE_TEST_MARIADB ({CURE})")
    made = WordPress(tmp_path_factory.mktemp("wordpress"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def wordpress(wordpress_server: WordPress) -> WordPress:
    """A real blog with one post and no comments."""
    wordpress_server.empty()
    return wordpress_server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
