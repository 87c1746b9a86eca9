"""Privacy Pass (RFC 9576, 9577, 9578), token type 0x0002: a quota for clients whom the resolver cannot tell apart.

An issuer knows its clients and signs so many tokens a day for each, blindly; a resolver takes each token once and
knows that the issuer has granted it; and neither of them can say to whom, not even together. Pure but for the files
that keep what was spent, granted and fetched; nothing here opens a socket.
"""
