"""Asking a daemon whether it answers: one question, and whether data came back."""

import dns.exception
import dns.message
import dns.query
import dns.rcode

from bench.peers.peer import LOOPBACK

WAIT = 1.0  # seconds for one answer


def answers(port: int, name: str, qtype: str) -> bool:
    """Say whether a server answers a question with data."""
    question = dns.message.make_query(name, qtype)
    try:
        reply = dns.query.udp(question, LOOPBACK, timeout=WAIT, port=port)
    except (dns.exception.DNSException, OSError):
        return False
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)
