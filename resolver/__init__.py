"""Finding out: the recursive resolver, the client library, and fpdig.

The client library is what `resolver.client` names; `API_VERSION` there changes when a caller would have to.
"""
