"""What an issuer has granted: how many tokens of each key to each client, in a file.

A grant is on the disk before anything is signed for it. So a crash at any moment leaves at most a grant whose
tokens never arrived, and never tokens without a grant. A client who comes again with the same batch has what the
crash took: the signatures over the same blinded messages are the same, so that gives nobody a token more.

What stands here: client, key and a digest of the blinded messages, which say nothing of the tokens to come.
"""

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from transport.tokens.database import Database

KIND = 0x46504752  # "FPGR"
_SCHEMA = (
    """
    CREATE TABLE grants (
        key_id BLOB NOT NULL, client TEXT NOT NULL, batch BLOB NOT NULL, tokens INTEGER NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (key_id, client, batch)
    ) WITHOUT ROWID
    """,
)


class Granting(Enum):
    """What came of it."""

    NEW = auto()
    AGAIN = auto()  # granted before, and so signed again
    OVER = auto()  # more than the client's quota leaves


@dataclass(frozen=True, slots=True)
class Grant:
    """An answer.

    Attributes:
        granting: What came of it.
        left: How many tokens of this key the client may still have.
    """

    granting: Granting
    left: int


class Grants:
    """The file.

    Args:
        path: Made when it is not there.

    Raises:
        DatabaseError: It cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, KIND, _SCHEMA)

    def grant(self, key_id: bytes, client: str, batch: bytes, tokens: int, quota: int, until: int) -> Grant:  # noqa: PLR0913, PLR0917 - what a grant is made of
        """Grant tokens, if the quota has room for all of them; on the disk when this returns.

        Args:
            key_id: Of the key that is to sign.
            client: Whose quota.
            batch: Digest of what is to be signed.
            tokens: How many.
            quota: How many of one key the client may have.
            until: Unix seconds; when the grant may be forgotten, since the key is over.

        Raises:
            DatabaseError: It cannot be written; nothing is granted.
        """
        with self._database.writing() as cursor:
            (had,) = cursor.execute(
                "SELECT coalesce(sum(tokens), 0) FROM grants WHERE key_id = ? AND client = ?", (key_id, client)
            ).fetchone()
            left = max(0, quota - had)
            known = cursor.execute(
                "SELECT 1 FROM grants WHERE key_id = ? AND client = ? AND batch = ?", (key_id, client, batch)
            ).fetchone()
            if known is not None:
                return Grant(Granting.AGAIN, left)
            if tokens > left:
                return Grant(Granting.OVER, left)
            row = (key_id, client, batch, tokens, until)
            cursor.execute("INSERT INTO grants VALUES (?, ?, ?, ?, ?)", row)
            return Grant(Granting.NEW, left - tokens)

    def forget(self, now: float) -> None:
        """Forget the grants of keys that are over.

        Raises:
            DatabaseError: It cannot be written.
        """
        with self._database.writing() as cursor:
            cursor.execute("DELETE FROM grants WHERE until < ?", (int(now),))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
