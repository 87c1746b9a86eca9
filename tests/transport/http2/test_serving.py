"""Over loopback, with curl and with a client of our own. Each test gives up after 20 s."""

import shutil
import subprocess
from pathlib import Path

import pytest
import trio

from tests.certificates import write_certificate
from tests.transport.http2.serving import h2_context, serving
from transport.endpoint import Endpoint
from transport.handler import Caller, Handler, Later, Protocol, Verdict
from transport.http2.doh import PATH, doh_route, request_for
from transport.http2.doh_link import DohLink
from transport.http2.routes import Route, Routes
from transport.stream_link import connect_stream

QUESTION = b"\0\0\1\0\0\1" + bytes(6) + b"\3www\0\0\1\0\1"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def _answer(message: bytes, caller: Caller, _now: float) -> Verdict:
    assert caller.protocol is Protocol.HTTPS
    reply = message[:2] + b"\x81\x80" + message[4:]
    if b"later" not in message:
        return reply

    async def work() -> bytes:
        await trio.sleep(0.01)
        return reply

    return Later(work)


def _routes(handler: Handler = _answer) -> Routes:
    return Routes({PATH: doh_route(handler)})


async def _curl(endpoint: Endpoint, *words: str, path: str = PATH) -> tuple[str, bytes]:
    """Return the head and the body of what curl got."""
    url = f"http://{endpoint.host}:{endpoint.port}{path}"
    command = ["curl", "--silent", "--include", "--http2-prior-knowledge", "--max-time", "10", *words, url]
    done = await trio.run_process(command, capture_stdout=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return head.decode(), body


@needs_curl
async def test_curl_posts_a_question(tmp_path: Path) -> None:
    (tmp_path / "question").write_bytes(QUESTION)
    post = ["--header", "content-type: application/dns-message", "--data-binary", f"@{tmp_path / 'question'}"]
    with trio.fail_after(20):
        async with serving(_routes()) as listener:
            head, body = await _curl(listener.endpoint, *post)
            assert head.startswith("HTTP/2 200")
            assert "content-type: application/dns-message" in head
            assert "cache-control: no-store" in head
            assert body == QUESTION[:2] + b"\x81\x80" + QUESTION[4:]
            request = request_for(QUESTION, method="GET")
            head, body = await _curl(listener.endpoint, path=f"{PATH}?{request.query}")
            assert head.startswith("HTTP/2 200")
            assert body == QUESTION[:2] + b"\x81\x80" + QUESTION[4:]


@needs_curl
async def test_curl_is_told_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(100_000))
    with trio.fail_after(20):
        async with serving(_routes()) as listener:
            endpoint = listener.endpoint
            assert (await _curl(endpoint, path="/"))[0].startswith("HTTP/2 404")
            assert (await _curl(endpoint))[0].startswith("HTTP/2 400")
            assert (await _curl(endpoint, "--data", "x"))[0].startswith("HTTP/2 415")
            head, _ = await _curl(endpoint, "--request", "PUT", "--data", "x")
            assert head.startswith("HTTP/2 405")
            assert "allow: GET, POST" in head
            large = f"@{tmp_path / 'large'}"
            assert (await _curl(endpoint, "--data-binary", large))[0].startswith("HTTP/2 413")


@needs_curl
async def test_curl_may_ask_many_times_over_one_connection(tmp_path: Path) -> None:
    query, files = request_for(QUESTION, method="GET").query, write_certificate(tmp_path)
    with trio.fail_after(20):
        async with serving(_routes(), context=h2_context(files)) as listener:
            url = f"https://127.0.0.1:{listener.endpoint.port}{PATH}?{query}#[1-50]"
            command = ["curl", "--silent", "--fail", "--cacert", str(files[0]), "--output", "/dev/null", url]
            done = await trio.run_process(command, check=False)
            assert done.returncode == 0
            assert listener.service.counts.answered == 50
            assert listener.service.counts.accepted == 1


@pytest.mark.skipif(shutil.which("kdig") is None, reason="kdig is not installed")
@pytest.mark.parametrize("method", ["+https", "+https-get"])
async def test_kdig_asks(tmp_path: Path, method: str) -> None:
    with trio.fail_after(20):
        async with serving(_routes(), context=h2_context(write_certificate(tmp_path))) as listener:
            where = ["@127.0.0.1", "-p", str(listener.endpoint.port), method, "+retry=0"]
            done = await trio.run_process(["kdig", *where, "www.example"], capture_stdout=True, check=False)
            assert b"status: NOERROR" in done.stdout
            assert b"HTTP/2" in done.stdout


@pytest.mark.skipif(shutil.which("dnsperf") is None, reason="dnsperf is not installed")
async def test_dnsperf_loses_nothing(tmp_path: Path) -> None:
    with trio.fail_after(20):
        async with serving(_routes(), context=h2_context(write_certificate(tmp_path))) as listener:
            (tmp_path / "questions").write_text("www.example A\nlater.example A\n")
            port = listener.endpoint.port
            command = ["dnsperf", "-m", "doh", "-O", f"doh-uri=https://127.0.0.1:{port}{PATH}", "-s", "127.0.0.1"]
            more = ["-p", str(port), "-d", str(tmp_path / "questions"), "-n", "600", "-q", "100", "-l", "10"]
            done = await trio.run_process([*command, *more], capture_stdout=True)
            assert b"Queries completed:    1200 (100.00%)" in done.stdout
            assert listener.service.counts.accepted == 1


async def test_a_link_asks_over_loopback() -> None:
    with trio.fail_after(20):
        async with serving(_routes()) as listener, trio.open_nursery() as nursery:
            link = DohLink(listener.endpoint, lambda: connect_stream(listener.endpoint), "localhost")
            nursery.start_soon(link.run)
            replies = []

            async def ask(message: bytes) -> None:
                replies.append(await link.exchange(message, lambda reply: reply[:2] == message[:2]))

            async with trio.open_nursery() as asking:
                for number in range(300):
                    asking.start_soon(ask, number.to_bytes(2) + QUESTION[2:] + b"later" * (number % 2))
            assert len(replies) == 300
            assert {int.from_bytes(reply[:2]) for reply in replies} == set(range(300))
            nursery.cancel_scope.cancel()


async def test_a_route_that_is_not_there_is_an_error_with_a_reason() -> None:
    handler = Route(lambda *_: pytest.fail("nobody asks it"), ("GET",))
    with trio.fail_after(20):
        async with serving(Routes({"/other": handler})) as listener, trio.open_nursery() as nursery:
            link = DohLink(listener.endpoint, lambda: connect_stream(listener.endpoint), "localhost")
            nursery.start_soon(link.run)
            with pytest.raises(Exception, match="HTTP status 404"):
                await link.exchange(QUESTION, lambda _: True)
            nursery.cancel_scope.cancel()


def test_the_program_of_these_tests_speaks_http2() -> None:
    if shutil.which("curl") is not None:
        assert "HTTP2" in subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
