"""Binary HTTP against the examples of RFC 9292 section 5, and in all forms that there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.oblivious import binary_http
from transport.oblivious.binary_http import (
    MAX_CHUNKS,
    MAX_FIELDS,
    MAX_INFORMATIONAL,
    MAX_OCTETS,
    BinaryHttpError,
    BinaryRequest,
    BinaryResponse,
    Fields,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    value_of,
)

KNOWN_REQUEST = bytes.fromhex(
    "00034745540568747470730 00a2f68656c6c6f2e74787440 6c0a757365722d6167656e7434 6375726c2f372e31362e33".replace(
        " ", ""
    )
    + "206c69626375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f"
    + "7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d690000"
)
INDETERMINATE_REQUEST = bytes.fromhex(
    "02034745540568747470 73000a2f68656c6c6f2e7478740a757365722d6167656e74346375726c2f372e31362e33206c".replace(
        " ", ""
    )
    + "69626375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f777777"
    + "2e6578616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d6900000000000000000000000000"
)
REQUEST = BinaryRequest(
    b"GET",
    b"https",
    b"",
    b"/hello.txt",
    (
        (b"user-agent", b"curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3"),
        (b"host", b"www.example.com"),
        (b"accept-language", b"en, mi"),
    ),
)
INDETERMINATE_RESPONSE = bytes.fromhex(
    "034066 0772756e6e696e670a22736c656570203135 22 00 4067046c696e6b233c2f7374796c652e6373733e3b2072656c"
    "3d7072656c6f61643b2061733d7374796c65046c696e6b243c2f7363726970742e6a733e3b2072656c3d7072656c6f61"
    "643b2061733d7363726970740040c80464617465 1d4d6f6e2c203237204a756c20323030392031323a32383a35332047"
    "4d5406736572766572064170616368650d6c6173742d6d6f6469666965641d5765642c203232204a756c203230303920"
    "31393a31353a353620474d540465746167142233346161333837 2d642d313536386562303022 0d6163636570742d7261"
    "6e6765730562797465730e636f6e74656e742d6c656e67746802353104766172790f4163636570742d456e636f64696e"
    "670c636f6e74656e742d747970650a746578742f706c61696e003348656c6c6f20576f726c6421204d7920636f6e7465"
    "6e7420696e636c756465732061207472 61696c696e672043524c462e0d0a0000".replace(" ", "")
)
RESPONSE = BinaryResponse(
    200,
    (
        (b"date", b"Mon, 27 Jul 2009 12:28:53 GMT"),
        (b"server", b"Apache"),
        (b"last-modified", b"Wed, 22 Jul 2009 19:15:56 GMT"),
        (b"etag", b'"34aa387-d-1568eb00"'),
        (b"accept-ranges", b"bytes"),
        (b"content-length", b"51"),
        (b"vary", b"Accept-Encoding"),
        (b"content-type", b"text/plain"),
    ),
    b"Hello World! My content includes a trailing CRLF.\r\n",
    (),
    (
        (102, ((b"running", b'"sleep 15"'),)),
        (
            103,
            (
                (b"link", b"</style.css>; rel=preload; as=style"),
                (b"link", b"</script.js>; rel=preload; as=script"),
            ),
        ),
    ),
)
CHUNKED = bytes.fromhex(
    "0140c8001d5468697320636f6e74656e7420636f6e7461696e732043524c462e0d0a0d07747261696c65720474657874"
)

_names = st.text("abcxyz-_09!", min_size=1, max_size=12).map(str.encode)
_values = st.binary(max_size=20).map(lambda octets: octets.translate(None, b"\0\r\n").strip(b" \t"))
_fields: st.SearchStrategy[Fields] = st.lists(st.tuples(_names, _values), max_size=5).map(tuple)
_requests = st.builds(
    BinaryRequest,
    st.sampled_from([b"GET", b"POST", b"M-SEARCH"]),
    st.sampled_from([b"https", b"http", b"coap+tcp"]),
    st.sampled_from([b"", b"example.com", b"[::1]:8443"]),
    st.sampled_from([b"/", b"*", b"/dns-query?dns=AA"]),
    _fields,
    st.binary(max_size=300),
    _fields,
)
_responses = st.builds(
    BinaryResponse,
    st.integers(200, 599),
    _fields,
    st.binary(max_size=300),
    _fields,
    st.lists(st.tuples(st.integers(100, 199), _fields), max_size=3).map(tuple),
)


def test_the_examples_are_read() -> None:
    assert decode_request(KNOWN_REQUEST) == REQUEST
    assert decode_request(INDETERMINATE_REQUEST) == REQUEST
    assert decode_response(INDETERMINATE_RESPONSE) == RESPONSE
    assert decode_response(CHUNKED) == BinaryResponse(
        200, (), b"This content contains CRLF.\r\n", ((b"trailer", b"text"),)
    )


def test_the_examples_are_written() -> None:
    assert encode_request(REQUEST) == KNOWN_REQUEST
    assert encode_request(REQUEST, len(INDETERMINATE_REQUEST), known_length=False) == INDETERMINATE_REQUEST
    assert encode_response(RESPONSE, known_length=False) == INDETERMINATE_RESPONSE
    assert encode_response(decode_response(CHUNKED)) == CHUNKED


def test_truncated_examples_say_the_same() -> None:
    for cut in (1, 2):
        assert decode_request(KNOWN_REQUEST[:-cut]) == REQUEST
    for cut in range(1, 13):
        assert decode_request(INDETERMINATE_REQUEST[:-cut]) == REQUEST
    assert decode_response(bytes.fromhex("0140c8")) == BinaryResponse(200)
    assert decode_response(bytes.fromhex("0340c8")) == BinaryResponse(200)


@pytest.mark.parametrize("octets", [KNOWN_REQUEST[:-2], INDETERMINATE_REQUEST[:-12]])
def test_a_message_cut_elsewhere_is_none(octets: bytes) -> None:
    path = octets.index(b".txt") + 4  # nothing is missing that may not be
    for end in (*range(path), *range(path + 1, len(octets))):
        with pytest.raises(BinaryHttpError):
            decode_request(octets[:end])


@given(_requests, st.booleans(), st.integers(0, 40))
def test_requests_make_the_round_trip(request: BinaryRequest, known_length: bool, padding: int) -> None:
    octets = encode_request(request, known_length=known_length)
    filled = encode_request(request, len(octets) + padding, known_length=known_length)
    assert filled == octets + bytes(padding)
    assert decode_request(octets) == decode_request(filled) == request


@given(_responses, st.booleans(), st.integers(0, 40))
def test_responses_make_the_round_trip(response: BinaryResponse, known_length: bool, padding: int) -> None:
    octets = encode_response(response, known_length=known_length)
    filled = encode_response(response, len(octets) + padding, known_length=known_length)
    assert filled == octets + bytes(padding)
    assert decode_response(octets) == decode_response(filled) == response


@given(st.binary(max_size=120), st.integers(0, 3))
def test_any_octets_are_a_message_or_one_error(octets: bytes, framing: int) -> None:
    for message in (octets, bytes([framing]) + octets):
        try:
            request = decode_request(message)
        except BinaryHttpError:
            pass
        else:
            assert decode_request(encode_request(request)) == request
        try:
            response = decode_response(message)
        except BinaryHttpError:
            pass
        else:
            assert decode_response(encode_response(response)) == response


def test_integers_may_be_longer_than_they_need_be() -> None:
    assert decode_response(bytes.fromhex("4001 800000c8 00 c000000000000001 78 00".replace(" ", ""))) == (
        BinaryResponse(200, (), b"x")
    )


@pytest.mark.parametrize("length", [63, 64, 16_383, 16_384, 100_000])
def test_lengths_of_every_size_are_written_and_read(length: int) -> None:
    response = BinaryResponse(200, (), b"x" * length)
    assert decode_response(encode_response(response)) == response
    assert decode_response(encode_response(response, known_length=False)) == response


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\4",
        KNOWN_REQUEST + b"\1",
        KNOWN_REQUEST + bytes(10) + b"x",
        KNOWN_REQUEST.replace(b"\x03GET", b"\x03G T"),
        KNOWN_REQUEST.replace(b"\x03GET", b"\x00"),
        KNOWN_REQUEST.replace(b"\x05https", b"\x00"),
        KNOWN_REQUEST.replace(b"\x05https", b"\x05ht ps"),
        KNOWN_REQUEST.replace(b"/hello", b"xhello"),
        KNOWN_REQUEST.replace(b"/hello", b"/ ello"),
        KNOWN_REQUEST.replace(b"user-agent", b"user agent"),
        KNOWN_REQUEST.replace(b"\x04host", b"\x04:hos"),
        KNOWN_REQUEST.replace(b"\x06en, mi", b"\x06en,\r\nm"),
        KNOWN_REQUEST.replace(b"\x06en, mi", b"\x06en,\0mi"),
        KNOWN_REQUEST.replace(b"\x06en, mi", b"\x06en, m "),
        b"\0\3GET\5https\0\1/" + b"\xff" * 8,  # a length that would be anything but there
        b"\0\3GET\5https\0\1/\2\0\0",  # a field without a name
        CHUNKED,
        bytes(MAX_OCTETS + 1),
    ],
)
def test_what_is_no_request_is_refused(octets: bytes) -> None:
    with pytest.raises(BinaryHttpError):
        decode_request(octets)


@pytest.mark.parametrize("octets", [b"\1\x40\x63", b"\1\x42\x58", b"\1\x40\x64", b"\1\x40\x64\0", KNOWN_REQUEST])
def test_what_is_no_response_is_refused(octets: bytes) -> None:
    with pytest.raises(BinaryHttpError):
        decode_response(octets)


def test_field_names_in_capitals_are_refused_in_both_directions() -> None:
    with pytest.raises(BinaryHttpError, match="no name in lower case"):
        decode_request(KNOWN_REQUEST.replace(b"\x04host", b"\x04HOst"))
    with pytest.raises(BinaryHttpError, match="no name in lower case"):
        encode_request(BinaryRequest(b"GET", b"https", b"", b"/", ((b"Host", b"x"),)))


@pytest.mark.parametrize(
    "field",
    [
        (b"connection", b"close"),
        (b"transfer-encoding", b"chunked"),
        (b"te", b"gzip"),
        (b"content-length", b"6"),
        (b"content-length", b"+5"),
        (b"content-length", b""),
        (b"content-length", b"9" * 5_000),
    ],
)
@pytest.mark.parametrize("known_length", [True, False])
def test_what_is_malformed_in_http2_is_refused_in_both_directions(
    field: tuple[bytes, bytes], known_length: bool
) -> None:
    request = BinaryRequest(b"POST", b"https", b"here", b"/", (field,), b"hello")
    with pytest.raises(BinaryHttpError):
        encode_request(request, known_length=known_length)
    good = BinaryRequest(b"POST", b"https", b"here", b"/", ((b"x" * len(field[0]), field[1]),), b"hello")
    octets = encode_request(good, known_length=known_length)
    with pytest.raises(BinaryHttpError):
        decode_request(octets.replace(b"x" * len(field[0]), field[0]))


def test_a_length_that_is_right_is_taken() -> None:
    fields = (b"te", b"trailers"), (b"content-length", b"5")
    request = BinaryRequest(b"POST", b"https", b"here", b"/", fields, b"hello")
    assert decode_request(encode_request(request)) == request


def test_counts_are_bounded_in_both_directions() -> None:
    many: Fields = ((b"a", b""),) * (MAX_FIELDS + 1)
    with pytest.raises(BinaryHttpError, match="fields"):
        encode_response(BinaryResponse(200, many))
    with pytest.raises(BinaryHttpError, match="fields"):
        decode_response(b"\3\x40\xc8" + b"\1a\0" * (MAX_FIELDS + 1))
    with pytest.raises(BinaryHttpError, match="informational"):
        encode_response(BinaryResponse(200, informational=((100, ()),) * (MAX_INFORMATIONAL + 1)))
    with pytest.raises(BinaryHttpError, match="informational"):
        decode_response(b"\3" + b"\x40\x64\0" * (MAX_INFORMATIONAL + 1) + b"\x40\xc8")
    assert decode_response(b"\3\x40\xc8\0" + b"\1x" * MAX_CHUNKS + b"\0").content == b"x" * MAX_CHUNKS
    with pytest.raises(BinaryHttpError, match="chunks"):
        decode_response(b"\3\x40\xc8\0" + b"\1x" * (MAX_CHUNKS + 1) + b"\0")


@pytest.mark.parametrize(
    "response",
    [
        BinaryResponse(199),
        BinaryResponse(600),
        BinaryResponse(200, ((b"a b", b""),)),
        BinaryResponse(200, ((b"a", b"\n"),)),
        BinaryResponse(200, informational=((200, ()),)),
        BinaryResponse(200, (), bytes(MAX_OCTETS)),
    ],
)
def test_what_no_reader_would_take_is_not_written(response: BinaryResponse) -> None:
    with pytest.raises(BinaryHttpError):
        encode_response(response)


def test_a_message_longer_than_its_size_is_not_written() -> None:
    with pytest.raises(BinaryHttpError, match="filled up to"):
        encode_request(REQUEST, 20)
    with pytest.raises(BinaryHttpError, match="is more than"):
        binary_http._integer(2**62)


def test_a_field_that_is_there_twice_has_a_value_if_both_agree() -> None:
    assert value_of(((b"a", b"1"), (b"b", b"2"), (b"a", b"1")), b"a") == b"1"
    assert value_of(((b"a", b"1"), (b"a", b"2")), b"a") is None
    assert value_of((), b"a") is None
