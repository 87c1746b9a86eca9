from pathlib import Path

import pytest

from bench.load import Load, Over, command, parse
from bench.processes import FailedError

REPORT = """\
DNS Performance Testing Tool
Version 2.10.0

[Status] Command line: dnsperf -s 127.0.0.1 -p 5390 -d q -l 1 -e -v
[Status] Sending queries (to 127.0.0.1:5390)
[Status] Started at: Sat Nov 21 10:26:06 2026
> NOERROR a.test NAPTR 0.000300
> NXDOMAIN b.test TYPE65280 0.000100
> NOERROR a.test NAPTR 0.000200
> T c.test NAPTR
[Timeout] Query timed out: msg id 3
[Status] Testing complete (end of file)

Statistics:

  Queries sent:         4
  Queries completed:    3 (75.00%)
  Queries lost:         1 (25.00%)

  Response codes:       NOERROR 2 (66.67%), NXDOMAIN 1 (33.33%)
  Average packet size:  request 35, response 89
  Run time (s):         0.001500
  Queries per second:   2000.000000

  Average Latency (s):  0.000200 (min 0.000100, max 0.000300)
  Latency StdDev (s):   0.000030

"""


def test_a_report_is_read() -> None:
    outcome = parse(REPORT)
    assert (outcome.sent, outcome.completed, outcome.seconds, outcome.latency) == (4, 3, 0.0015, 0.0002)
    assert outcome.rcodes == {"NOERROR": 2, "NXDOMAIN": 1}
    assert outcome.lost_percent == 25.0
    assert outcome.noerror_percent == pytest.approx(66.67, abs=0.01)


def test_the_time_of_each_answer_is_kept_in_order() -> None:
    assert parse(REPORT).latencies == (0.0001, 0.0002, 0.0003)


def test_nobody_answered() -> None:
    report = REPORT.replace("completed:    3", "completed:    0")
    report = report.replace("NOERROR 2 (66.67%), NXDOMAIN 1 (33.33%)", "")
    report = report.replace("  Average Latency (s):  0.000200 (min 0.000100, max 0.000300)\n", "")
    outcome = parse(report)
    assert (outcome.completed, outcome.latency, outcome.noerror_percent, outcome.rcodes) == (0, 0.0, 0.0, {})


@pytest.mark.parametrize("text", ["", "Error: unable to parse", REPORT.replace("sent:         4", "sent:  many")])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(FailedError, match="dnsperf said"):
        parse(text)


def test_command_lines() -> None:
    plain = " ".join(command(Load(53, Path("q"), 5.0)))
    assert plain == "dnsperf -s 127.0.0.1 -p 53 -d q -e -t 5 -q 100 -T 1 -m udp -c 20 -l 5"
    once = command(Load(53, Path("q"), None, once=True, outstanding=2))
    assert once[-4:] == ["-c", "2", "-n", "1"]
    assert "-l" not in once
    timed = " ".join(command(Load(53, Path("q"), 5.0, over=Over.TCP, qps=0.2, each=True)))
    assert timed.endswith("-m tcp -c 4 -l 5 -Q 1 -v")
    secret = " ".join(command(Load(853, Path("q"), 5.0, over=Over.DOT)))
    assert secret.endswith("-m dot -c 4 -l 5")
    posted = " ".join(command(Load(443, Path("q"), 5.0, over=Over.DOH)))
    assert posted.endswith("-m doh -c 4 -O doh-uri=https://127.0.0.1:443/dns-query -O doh-method=POST -l 5")
