"""The text of `fpdig -h`."""

BRIEF = """\
Usage: fpdig [@server] [-p port] CSI [options] [CSI [options] ...]
       fpdig [@server] [-p port] [options] -f FILE
fpdig -h tells the rest.
"""

HELP = """\
Usage: fpdig [@server] [-p port] CSI [options] [CSI [options] ...]
       fpdig [@server] [-p port] [options] -f FILE

Asks a resolver at which messaging services a person can be reached, and who
says so.

  CSI               a telephone number (+14155550123) or an e-mail address
  @server           the resolver: ADDRESS, NAME (default 127.0.0.1), either with
                    #PORT, or a URL: tls://NAME, https://NAME/PATH, quic://NAME
  -p port           its port, where @server names none (53, encrypted 853, 443)
  -f FILE           a question a line, with options of its own; '-' is the
                    standard input; empty lines, ; and # lines are skipped;
                    asked over one connection, told in their order
  --anchor FILE     the trust anchor: verify the answer here (also +anchor=FILE)
                    once for each tree, where the resolver believes several
  --root ADDR#PORT  for +trace: a server of the root, instead of the anchor's
  -r                do not read .fpdigrc
  -h, --help        this text
  -v, --version     the version

Options before the first CSI hold for all, those after a CSI for that one.
All may be shortened while they are unambiguous, 'no' before any switches it
off (+nostats), and --short means +short, --time 2 means +time=2.

What to ask
  +time=SECONDS     to wait for each try (5)
  +tries=N          how often to ask (3)
  +tcp +tls +quic   ask over TCP, TLS (RFC 7858) or QUIC (RFC 9250)
  +https[=PATH]     ask over HTTPS by POST (RFC 8484), +https-get by GET
  +tls-ca[=FILE]    demand a certificate from an authority of FILE, or of the
                    system; a URL demands one from the system's
  +tls-hostname=NAME    and for this name instead of the server's
  +tls-pin=PIN      demand this key: SHA-256 of it in hex or base64
  +oblivious=URL    ask @https://... by way of this relay, so that the resolver
                    does not see who asks (RFC 9458, docs/oblivious.md); its
                    keys come from +oblivious-keys=FILE, or are fetched from
                    itself, which then sees who fetches them, and when
  +token=WALLET     pay for each try with a token, at the resolver that they
                    are for (docs/tokens.md)
  +bearer=FILE      ask under the name that the token in FILE has at the
                    resolver (docs/limits.md)
  +cd               checking disabled: also what the resolver could not verify
  +csi              ask for what is accepted only, without the proof
  +assurance=LEAST  leave out what is vouched for less well: asserted (the
                    MSP's word), validated (the recipient is known to hold the
                    CSI), authorized (and lists the MSP)
  +apex=NAME        where the resolver's names hang (fingerpost.internal.)
  +trace            ask no resolver: walk from the root here, show each step
  +direct           ask each authority whose word the proof lacks, from here;
                    it learns who asks about whom
  +lab              for +trace and +direct: private addresses and plain DNS

What to show
  +short            the SSIs alone, a line each
  +json             an object a line (docs/fpdig-json.md)
  +proof            every statement that was shown, decoded
  +bundle=FILE      keep question, chain and answer in a new file, for
                    `fingerpost verify` off-line (docs/bundles.md)
  +svg=FILE         draw the chain into a new file
  +cmd +comments +question +answer +rrcomments +authority +stats
                    the parts of the layout; +all and +noall are all of them

Exit status: the highest of
  0 answered ('none' is an answer)       8 the batch file cannot be read
  1 usage, or a line that is no question 9 no server answered
  2 answered, but incomplete            10 internal error
  3 answered, but it does not verify against the anchor
  7 answered, but the answer, or a file of +bundle or +svg, could not be written

~/.fpdigrc holds options, read before the arguments.
"""
