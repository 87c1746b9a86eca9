"""`fingerpost recipient`: holding a number or an address, as the person whom it belongs to, or their client.

command    the words that are typed
client     what each of them does
state      the file beside the key: what was said last, and to whom
talking    one request to one validator
"""
