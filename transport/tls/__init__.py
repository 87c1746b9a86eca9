"""Encryption of streams: certificates, what each side demands of the other, the handshake.

What is sent on a stream, and what for, is nothing to it: a stream goes in, an encrypted one comes out.
"""
