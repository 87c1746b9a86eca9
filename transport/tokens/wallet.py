"""A client's tokens, in a file that nobody else reads: fetched before they are used, each taken once.

What was asked for is in the file before it is sent, so that an answer that got lost can be had again with the same
request. The tokens of an answer come into it in the one transaction that forgets the request. A token that is taken
is out of the file, on the disk, before whoever takes it has it: whatever happens then, nobody has it again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transport.tokens import requesting
from transport.tokens.blind_rsa import Draw
from transport.tokens.database import Cursor, Database, DatabaseError
from transport.tokens.keys import IssuerKey, issuer_key
from transport.tokens.requesting import Requested
from transport.tokens.tokens import MODULUS_OCTETS, RESPONSE_OCTETS, Token, TokenChallenge, TokenError, split

KIND = 0x4650574C  # "FPWL"
MAX_WALLET = 100_000  # tokens; some 50 MB, and more than a quota of two days
_SCHEMA = (
    "CREATE TABLE challenge (wire BLOB NOT NULL)",
    "CREATE TABLE tokens (number INTEGER PRIMARY KEY, until INTEGER NOT NULL, token BLOB NOT NULL)",
    "CREATE INDEX by_end ON tokens (until, number)",
    "CREATE TABLE asked (spki BLOB NOT NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL)",
    "CREATE TABLE requests (number INTEGER PRIMARY KEY, nonce BLOB, inverse BLOB, message BLOB)",
)


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What was asked for and not answered.

    Attributes:
        key: Of which key.
        requested: In order.
    """

    key: IssuerKey
    requested: tuple[Requested, ...]

    @property
    def body(self) -> bytes:
        """Return what is sent to the issuer."""
        return b"".join(one.to_wire(self.key) for one in self.requested)


@dataclass(frozen=True, slots=True)
class Left:
    """Tokens of one key.

    Attributes:
        until: Unix seconds; when they end.
        key_id: Of the key: the same for all clients of the issuer, or they can be told apart.
        count: How many.
    """

    until: int
    key_id: bytes
    count: int


class Wallet:
    """The file. `create` makes it.

    Args:
        path: The file.

    Raises:
        DatabaseError: It is not there, cannot be used, or others may read it.
        TokenError: It holds what is none of ours.

    Attributes:
        challenge: For what its tokens are.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, KIND, _SCHEMA, create=False)
        try:
            with self._database.writing() as cursor:
                rows = cursor.execute("SELECT wire FROM challenge").fetchall()
            if len(rows) != 1:
                raise TokenError(f"{path}: is no wallet")
            self.challenge = TokenChallenge.from_wire(rows[0][0])
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def create(cls, path: Path, challenge: TokenChallenge) -> "Wallet":
        """Make one.

        Raises:
            DatabaseError: It cannot be made, or is there already.
            TokenError: The challenge has no wire form.
        """
        challenge.check()
        if path.exists():
            raise DatabaseError(f"{path}: is there already")
        database = Database(path, KIND, _SCHEMA)
        try:
            with database.writing() as cursor:
                if cursor.execute("SELECT 1 FROM challenge").fetchone() is not None:
                    raise DatabaseError(f"{path}: is there already")
                cursor.execute("INSERT INTO challenge VALUES (?)", (challenge.to_wire(),))
        finally:
            database.close()
        return cls(path)

    def ask(self, key: IssuerKey, count: int, draw: Draw) -> Outstanding:
        """Make requests, and keep them until they are answered.

        Raises:
            TokenError: Others are outstanding, or the wallet would be too full.
            DatabaseError: They cannot be kept; nothing is asked for.
        """
        digest = self.challenge.digest
        outstanding = Outstanding(key, tuple(requesting.request(digest, key, draw) for _ in range(count)))
        with self._database.writing() as cursor:
            if cursor.execute("SELECT 1 FROM asked").fetchone() is not None:
                raise TokenError("other requests are not answered yet")
            (held,) = cursor.execute("SELECT count(*) FROM tokens").fetchone()
            if held + count > MAX_WALLET:
                raise TokenError(f"a wallet holds at most {MAX_WALLET} tokens")
            cursor.execute("INSERT INTO asked VALUES (?, ?, ?)", (key.spki, key.not_before, key.not_after))
            cursor.executemany(
                "INSERT INTO requests (nonce, inverse, message) VALUES (?, ?, ?)",
                [
                    (one.nonce, one.inverse.to_bytes(MODULUS_OCTETS, "big"), one.message)
                    for one in outstanding.requested
                ],
            )
        return outstanding

    def outstanding(self) -> Outstanding | None:
        """Return what was asked for and is not answered, if anything."""
        with self._database.writing() as cursor:
            asked = cursor.execute("SELECT spki, begins, ends FROM asked").fetchone()
            rows = cursor.execute("SELECT nonce, inverse, message FROM requests ORDER BY number").fetchall()
        if asked is None:
            return None
        found = tuple(Requested(nonce, int.from_bytes(inverse, "big"), message) for nonce, inverse, message in rows)
        return Outstanding(issuer_key(*asked), found)

    def finish(self, outstanding: Outstanding, answer: bytes) -> int:
        """Take in the issuer's answer; return how many tokens it brought.

        Raises:
            TokenError: It is no answer to what is outstanding; nothing has changed.
            DatabaseError: It cannot be kept; nothing has changed.
        """
        wanted = len(outstanding.requested)
        responses = split(answer, RESPONSE_OCTETS, max(wanted, 1))
        if len(responses) != wanted:
            raise TokenError(f"{len(responses)} signatures, expected {wanted}")
        digest, key = self.challenge.digest, outstanding.key
        tokens = [
            requesting.token_of(digest, key, one, response)
            for one, response in zip(outstanding.requested, responses, strict=True)
        ]
        with self._database.writing() as cursor:
            (first,) = cursor.execute("SELECT nonce FROM requests ORDER BY number").fetchone() or (b"",)
            if first != outstanding.requested[0].nonce:  # another process was faster; twice in would be spent twice
                raise TokenError("these requests are not outstanding any more")
            self._forget(cursor)
            cursor.executemany(
                "INSERT INTO tokens (until, token) VALUES (?, ?)",
                [(key.not_after, one.to_wire()) for one in tokens],
            )
        return wanted

    def give_up(self) -> None:
        """Forget what was asked for and is not answered.

        Raises:
            DatabaseError: It cannot be forgotten.
        """
        with self._database.writing() as cursor:
            self._forget(cursor)

    def take(self, now: float) -> Token | None:
        """Take a token out, for good; None when there is none that counts.

        Raises:
            DatabaseError: It cannot be taken out; so nobody has it.
        """
        return next(iter(self.take_some(1, now)), None)

    def take_some(self, count: int, now: float) -> list[Token]:
        """Take tokens out, those first that end first; fewer when there are no more that count.

        Raises:
            DatabaseError: They cannot be taken out; so nobody has them.
        """
        with self._database.writing() as cursor:
            cursor.execute("DELETE FROM tokens WHERE until <= ?", (int(now),))
            rows = cursor.execute(
                "SELECT number, token FROM tokens ORDER BY until, number LIMIT ?", (count,)
            ).fetchall()
            cursor.executemany("DELETE FROM tokens WHERE number = ?", [(number,) for number, _ in rows])
        return [Token.from_wire(token) for _, token in rows]

    def left(self, now: float) -> list[Left]:
        """Return how many tokens there are of each key, those first that end first."""
        with self._database.writing() as cursor:
            rows: Sequence[tuple[int, bytes]] = cursor.execute(
                "SELECT until, token FROM tokens WHERE until > ? ORDER BY until", (int(now),)
            ).fetchall()
        counts = Counter((until, Token.from_wire(token).key_id) for until, token in rows)
        return [Left(until, key_id, count) for (until, key_id), count in counts.items()]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @staticmethod
    def _forget(cursor: Cursor) -> None:
        cursor.execute("DELETE FROM asked")
        cursor.execute("DELETE FROM requests")
