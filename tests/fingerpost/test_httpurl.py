import http.client
import socket
import ssl

import pytest

from fingerpost.httpurl import reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ssl.SSLError(1, "[SSL] no"), "[SSL] no"),
        (http.client.RemoteDisconnected("Remote end closed"), "it closed the connection without a reply"),
        (TimeoutError("timed out"), "it took too long"),
        (http.client.IncompleteRead(b""), "the reply was cut short"),
        (http.client.BadStatusLine("220 mail.example"), "it does not reply in HTTP"),
        (UnicodeError("label empty or too long"), "label empty or too long"),
        (OSError(), "OSError"),
    ],
)
def test_why_there_is_no_reply_is_said_in_words(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
