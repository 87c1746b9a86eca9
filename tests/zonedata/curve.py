"""The group of Ed25519, slow and plain: RFC 8032 section 5.1, for making what no signer makes."""

import hashlib

# The curve of RFC 8032 section 5.1: -x^2 + y^2 = 1 + d x^2 y^2 modulo p.
P = 2**255 - 19
D = -121_665 * pow(121_666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
ORDER = 2**252 + 27_742_317_777_372_353_535_851_937_790_883_648_493  # of the large subgroup
Point = tuple[int, int]


def square_root(n: int) -> int | None:
    root = pow(n, (P + 3) // 8, P)
    for candidate in (root, root * ROOT_OF_MINUS_ONE % P):
        if candidate * candidate % P == n % P:
            return candidate
    return None


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P


def times(n: int, point: Point) -> Point:
    total, doubled = (0, 1), point
    while n:
        if n & 1:
            total = add(total, doubled)
        doubled, n = add(doubled, doubled), n >> 1
    return total


def small_order_points() -> set[Point]:
    """Multiply any point by the order of the large subgroup: what is left has an order that divides eight."""
    y = 2
    while True:
        x = square_root((y * y - 1) * pow(D * y * y + 1, -1, P))
        if x is not None:
            left = times(ORDER, (x, y))
            if len({times(n, left) for n in range(8)}) == 8:
                return {times(n, left) for n in range(8)}
        y += 1


def encoded(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def base() -> Point:
    y = 4 * pow(5, -1, P) % P
    x = square_root((y * y - 1) * pow(D * y * y + 1, -1, P))
    assert x is not None
    return (x if x % 2 == 0 else P - x), y


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % ORDER
