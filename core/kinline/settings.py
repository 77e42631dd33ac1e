"""Settings: a TOML file (``kinline.toml``, or the one ``KINLINE_CONFIG`` names) and the environment.

The environment wins. A wrong setting is named at start, with what it should be. Each field is documented
in docs/settings.md, which a test checks.
"""

import os
import secrets
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from kinline.errors import Misconfigured
from kinline.secret import Secret

PREFIX = "KINLINE_"


class Settings(BaseSettings):
    """Everything an operator may set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", env_ignore_empty=True)

    home: Path = Field(Path("kinline-data"), description="Folder of the embedded hub: database, secret, outbox.")
    database_url: str = Field(
        "", description="sqlite:///path/kinline.db or postgresql://user@host/name. Empty: SQLite in the home folder."
    )
    redis_url: str = Field("", description="redis://host:6379/0. Empty: embedded mode, no Redis.")
    secret: SecretStr = Field(
        SecretStr(""), description="Signs and encrypts. Empty: made once and kept in the home folder (embedded mode)."
    )
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8765, ge=0, le=65535, description="Port the API listens on; 0 takes a free one.")
    allowed_hosts: list[str] = Field(
        ["localhost", "127.0.0.1", "[::1]"], description="Host names the API answers to; others get 400."
    )
    public_url: str = Field(
        "", description="Where the world reaches the API, as https://hub.example.org: for links, consents, webhooks."
    )
    outbound: Literal["live", "file"] = Field(
        "file", description="live: channels really send. file: messages are written to home/outbox, none leaves."
    )
    time_zone: str = Field("UTC", description="The company's zone (IANA), where a person's is unknown.")
    quiet_from: int = Field(22, ge=0, le=24, description="Hour of the person's day from which we keep quiet.")
    quiet_until: int = Field(8, ge=0, le=24, description="Hour of the person's day until which we keep quiet.")
    contact_budget: int = Field(3, ge=0, description="Automatic messages to one person in a day, over all channels.")
    contact_budget_week: int = Field(10, ge=0, description="Automatic messages to one person in seven days.")
    storm_limit: int = Field(500, ge=1, description="Messages, or decisions, of a trigger in an hour; then it pauses.")
    max_lateness: int = Field(24, ge=1, description="Hours after its due time when a follow-up expires.")
    approval_hours: int = Field(
        72, ge=1, le=8760, description="Hours that a message or call waits for somebody's approval before it expires."
    )
    phone_region: str = Field("", description="Country (ISO 3166, as ES) of phone numbers without a country code.")
    max_body: int = Field(1_000_000, ge=1000, description="Largest body of an API call, in bytes.")
    max_webhook: int = Field(30_000_000, ge=1000, description="Largest body of a webhook call, in bytes.")
    max_mail: int = Field(50_000_000, ge=1000, description="Largest mail that the SMTP door takes, in bytes.")
    rate_limit: float = Field(0, ge=0, le=1_000_000, description="Calls a second that one API key may make; 0: any.")
    scorer: str = Field("lexicon", description="Name of the plugin that judges what people write. “none”: nobody does.")
    scoring: Literal["wanted", "always"] = Field(
        "wanted",
        description="wanted: only what live triggers look at is judged as it comes. always: all that people write.",
    )
    scorer_words: str = Field("", description="YAML file of words and topics of your own for the scorer.")
    scorer_patience: float = Field(5.0, gt=0, le=60, description="Seconds that the scorer may take for one call.")
    lease: int = Field(60, ge=5, description="Seconds a worker may hold a job before another may take it.")
    sweep: float = Field(1.0, gt=0, le=60, description="Seconds between two looks for work that is due.")
    worker_threads: int = Field(4, ge=1, le=64, description="Threads of one worker process.")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError("is no IANA time zone; write it as Europe/Madrid") from None
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        toml = TomlConfigSettingsSource(settings_cls, os.environ.get("KINLINE_CONFIG", "kinline.toml"))
        return init_settings, env_settings, toml

    @property
    def database(self) -> str:
        """The database address with its default filled in."""
        url = self.database_url or f"sqlite:///{self.home / 'kinline.db'}"
        return url.replace("postgres://", "postgresql://", 1)

    @property
    def hosts(self) -> list[str]:
        """The host names the API answers to: those that are named, and that of the public address."""
        public = urlsplit(self.public_url).hostname
        return [*self.allowed_hosts, *([public] if public else [])]

    @property
    def embedded(self) -> bool:
        return not self.redis_url

    def hub_secret(self) -> Secret:
        """The secret given, or the one kept in the home folder, made on first use and readable by its owner only."""
        given = self.secret.get_secret_value()
        return Secret(given or _kept_secret(self.home / "secret"))


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    return path.read_text().strip()


def load(**given: Any) -> Settings:
    """Read the settings. Raises `Misconfigured` naming each wrong one and what it should be."""
    _refuse_unknown_environment()
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_url=False)]
        raise Misconfigured("Wrong settings:\n  " + "\n  ".join(lines), code="wrong_settings") from None
    except ValueError as error:  # a TOML file that cannot be read
        raise Misconfigured(f"The settings file cannot be read: {error}", code="wrong_settings") from None


def _refuse_unknown_environment() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {"KINLINE_CONFIG", "KINLINE_WRITE_EXPECTED"}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith("KINLINE_TEST_"):
            raise Misconfigured(
                f"There is no setting {name}. Known: {', '.join(sorted(known))}.", code="wrong_settings"
            )
