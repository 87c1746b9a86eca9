"""Telling the reply to one query from everything else that arrives. Pure.

Whatever is not the reply is passed over, and listening goes on to the deadline: a malformed packet ends no
look-up. With one exception: a datagram right in all but its id is from somebody who tries ids.
"""

from zonedata import replies, wire
from zonedata.errors import MalformedError


class Ear:
    """Hears the reply to one query.

    Args:
        query: What is asked.
        question_end: Where the question ends in it.
        most: Octets of a reply.
        has_stream: Whether there is a stream to turn to when somebody tries ids.

    Attributes:
        query: What was asked.
        reply: The reply, once heard.
        heard_a_guess: Whether a datagram had everything right but the id: somebody is trying ids.
    """

    __slots__ = ("_has_stream", "_most", "_question_end", "heard_a_guess", "query", "reply")

    def __init__(self, query: bytes, question_end: int, most: int, *, has_stream: bool) -> None:
        self.query = query
        self._question_end = question_end
        self.reply: replies.Received | None = None
        self.heard_a_guess = False
        self._most = most
        self._has_stream = has_stream

    def hears(self, message: bytes) -> bool:
        """Say whether to stop listening for datagrams."""
        if len(message) > wire.MAX_UDP:
            return False  # longer than we said we take: not from who we asked, and dear to read
        if self.hears_stream(message):
            return True
        if self._has_stream and message[:2] != self.query[:2]:
            self.heard_a_guess = replies.answers(self.query[:2] + message[2:], self.query, self._question_end)
        return self.heard_a_guess

    def hears_stream(self, message: bytes) -> bool:
        """Say whether this is the reply; what cannot be read is not, and listening goes on."""
        if not replies.answers(message, self.query, self._question_end) or len(message) > self._most:
            return False
        try:
            self.reply = replies.read_reply(message, self._question_end)
        except MalformedError:
            return False
        return True
