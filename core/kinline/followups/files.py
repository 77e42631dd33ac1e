"""The files that go out with a message: kept once, as blobs, and put together when it is prepared."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import blobs
from kinline.errors import Invalid
from kinline.messages import Attachment, Prepared
from kinline.secret import Secret
from kinline.store import sql
from kinline.store.ask import Ask, among, columns
from kinline.store.models import Blob, FollowUpFile, metadata

_FILES = metadata.tables[str(FollowUpFile.__tablename__)]
MOST = 20
#: Bytes of one file, and of all of a message. Mail grows by a third on its way, and most servers stop at 25 MB.
LARGEST, LARGEST_TOGETHER = 10_000_000, 18_000_000
#: Bytes of a prepared message above which they are kept beside its row.
LONG = 65_536
USE = "outgoing-file"


class File(msgspec.Struct, frozen=True):
    """A file that is kept already."""

    name: str
    media_type: str
    blob: str


class _BlobSize(msgspec.Struct, frozen=True):
    hash: str
    size: int


_SIZES = Ask(select(*columns(Blob, _BlobSize)).where(among(Blob.hash, "blobs")), _BlobSize)
_LISTED = Ask(
    select(*columns(FollowUpFile, File, blob=col(FollowUpFile.blob_hash)))
    .where(col(FollowUpFile.followup_id) == bindparam("followup"))
    .order_by(col(FollowUpFile.position)),
    File,
)


def ticket(secret: Secret, digest: str) -> str:
    """What an uploaded file is called from then on. Who only knows a hash may not send what it stands for."""
    return f"kf1_{digest}_{secret.sign(USE, digest.encode())[:16].hex()}"


def redeem(secret: Secret, given: str, pointer: str) -> str:
    """The hash of the file that a ticket stands for. Raises `Invalid`."""
    digest = given[4:68]
    if len(given) > 200 or not given.isascii() or given != ticket(secret, digest):
        raise Invalid("This is no ticket of POST /v1/files.", code="unknown_file", pointer=pointer)
    return digest


def attach(session: Session, followup_id: str, files: Iterable[File]) -> None:
    """Raises `Invalid` for too many or too much."""
    found = list(files)
    if not found:
        return
    sizes = {row.hash: row.size for row in _SIZES.rows(session, blobs={one.blob for one in found})}
    if any(one.blob not in sizes for one in found):
        raise Invalid("A file of this message is not kept any more.", code="unknown_file", pointer="/attachments")
    if len(found) > MOST or sum(sizes[one.blob] for one in found) > LARGEST_TOGETHER:
        raise Invalid(
            f"A message takes {MOST} files of {LARGEST_TOGETHER // 1_000_000} MB together.",
            code="files_too_large", pointer="/attachments",
        )  # fmt: skip
    rows = [(followup_id, number, one.blob, one.name, one.media_type) for number, one in enumerate(found)]
    sql.insert(session, _FILES, rows)


def listed(session: Session, followup_id: str) -> list[File]:
    return _LISTED.rows(session, followup=followup_id)


def attached(session: Session, followup_id: str) -> tuple[Attachment, ...]:
    """The files with their content."""
    return tuple(_whole(one, blobs.read(session, one.blob)) for one in listed(session, followup_id))


def _whole(file: File, content: bytes) -> Attachment:
    return Attachment(name=file.name, media_type=file.media_type, content=content, size=len(content))


def put_prepared(session: Session, prepared: Prepared) -> tuple[str, str | None]:
    """A prepared message as its row keeps it, and the hash of its bytes where they are kept beside it."""
    if len(prepared.body) <= LONG:
        return msgspec.json.encode(prepared).decode(), None
    digest = blobs.put(session, prepared.body, prepared.media_type)
    return msgspec.json.encode(msgspec.structs.replace(prepared, body=b"")).decode(), digest


def get_prepared(session: Session, text: str, digest: str | None) -> Prepared:
    prepared = msgspec.json.decode(text, type=Prepared)
    return msgspec.structs.replace(prepared, body=blobs.read(session, digest)) if digest else prepared
