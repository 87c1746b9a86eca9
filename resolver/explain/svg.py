"""A layout as an SVG: text that can be selected and read aloud, light and dark; no script, nothing is fetched."""

from html import escape

from resolver.explain.boxes import draw
from resolver.explain.layout import LINE_HEIGHT, MARGIN, PAD, TITLE_HEIGHT, WIDTH, Layout, Placed, Way, lay_out
from resolver.explain.lines import Case, Mark
from resolver.explain.words import plain
from resolver.fpdig.words import instant
from zonedata.judgement import Outcome

HEAD = 78  # pixels above the boxes, for the heading
_STYLE = """
.ground{fill:#fff}
text{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:11.3px;fill:#1b1f24}
.title{font-weight:bold}
.heading{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:17px;font-weight:bold}
.beside{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:12px}
.box rect{stroke-width:1.5}
.way{fill:none;stroke-width:1.5;stroke-linejoin:round}
.proven rect{fill:#eef7f0;stroke:#1a7f37}
.note rect{fill:#f3f4f6;stroke:#6b7280}
.unproven rect{fill:#fff8e6;stroke:#9a6700;stroke-dasharray:6 4}
.refused rect{fill:#ffeef0;stroke:#cf222e;stroke-width:2.5}
.way.proven{stroke:#1a7f37}
.way.note{stroke:#6b7280}
.way.unproven{stroke:#9a6700;stroke-dasharray:6 4}
.way.refused{stroke:#cf222e;stroke-width:2}
.tip.proven{fill:#1a7f37}
.tip.note{fill:#6b7280}
.tip.unproven{fill:#9a6700}
.tip.refused{fill:#cf222e}
@media (prefers-color-scheme:dark){
.ground{fill:#0d1117}
text{fill:#e6edf3}
.proven rect{fill:#12261a;stroke:#3fb950}
.note rect{fill:#1c2128;stroke:#8b949e}
.unproven rect{fill:#2b2310;stroke:#d29922}
.refused rect{fill:#331417;stroke:#f85149}
.way.proven{stroke:#3fb950}
.way.note{stroke:#8b949e}
.way.unproven{stroke:#d29922}
.way.refused{stroke:#f85149}
.tip.proven{fill:#3fb950}
.tip.note{fill:#8b949e}
.tip.unproven{fill:#d29922}
.tip.refused{fill:#f85149}
}
"""
_LEGEND = (
    (Mark.PROVEN, "proven"),
    (Mark.NOTE, "proven, does not count"),
    (Mark.UNPROVEN, "unproven"),
    (Mark.REFUSED, "refused"),
)
_LEGEND_STEP = 190  # pixels


def picture(case: Case) -> str:
    """Draw a proof; the text is ASCII, with references to all other characters."""
    judgement, bundle = case.account.judgement, case.bundle
    complete = "complete" if judgement.complete else "incomplete"
    verified = "verified" if not judgement.refusals else f"{len(judgement.refusals)} refused"
    what = "nothing found" if judgement.outcome is Outcome.INCOMPLETE else judgement.outcome.value
    title = f"{bundle.csi.text}: {what}, {complete}, {verified}"
    asked = f"asked {instant(bundle.asked)} of {bundle.resolver}"
    beside = f"judged by {case.anchor} for {instant(int(case.account.now))}; {asked}"
    reached = "; ".join(f"{f.ssi} by {f.authority}, {f.assurance}" for f in judgement.found) or "nowhere"
    described = f"The proof from the trust anchor down. Reachable: {reached}. {beside}."
    drawn = lay_out(draw(case))
    return _svg(drawn, title, beside, described)


def _svg(layout: Layout, title: str, beside: str, described: str) -> str:
    width, height = layout.width, layout.height + HEAD
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">',
        f'<title id="title">{_text(title)}</title>',
        f'<desc id="desc">{_text(described)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        f'<text class="heading" x="{MARGIN}" y="30">{_text(title)}</text>',
        f'<text class="beside" x="{MARGIN}" y="50">{_text(beside)}</text>',
        *_legend(),
        f'<g transform="translate(0 {HEAD})">',
        *(_way(way) for way in layout.ways),
        *(_box(box) for box in layout.boxes),
        "</g>",
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _text(text: str) -> str:
    return escape(plain(text)).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _legend() -> list[str]:
    parts = []
    for at, (mark, words) in enumerate(_LEGEND):
        x = MARGIN + at * _LEGEND_STEP
        parts.append(f'<g class="box {mark}"><rect x="{x}" y="61" width="22" height="12" rx="3"/></g>')
        parts.append(f'<text class="beside" x="{x + 28}" y="71">{words}</text>')
    return parts


def _way(way: Way) -> str:
    (x, y), tip = way.points[-1], 7
    start, *others = way.points
    path = f"M{start[0]} {start[1]}" + "".join(f"L{x} {y}" for x, y in others)
    arrow = f"M{x} {y}l-4 -{tip}h8z"
    return f'<path class="way {way.mark}" d="{path}"/><path class="tip {way.mark}" d="{arrow}"/>'


def _box(box: Placed) -> str:
    x, y = box.x + PAD, box.y + PAD + 12
    lines = [f'<text class="title" x="{x}" y="{y}">{_text(box.title)}</text>']
    for number, line in enumerate(box.lines):
        at = y + TITLE_HEIGHT + number * LINE_HEIGHT
        lines.append(f'<text x="{x}" y="{at}">{_text(line)}</text>')
    return (
        f'<g class="box {box.mark}"><title>{_text(box.whole)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{WIDTH}" height="{box.height}" rx="6"/>{"".join(lines)}</g>'
    )
