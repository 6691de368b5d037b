"""What a hostile host, profile or command line may hold."""

HOSTILE = {
    "markup": "<script>alert(1)</script> <img src=x onerror=alert(1)> </textarea></style>",
    "end of CDATA": "a ]]> b ]]]]><![CDATA[>",
    "escapes": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J \x9b31m",
    "control characters": "\x01\x02\x07\x08\x0b\x0c\x7f\x85 a\rb",
    "half characters": "\udcff",
    "turned text": "\u202eabc\u2066 \u200b \ufeff \u2028 שלום",
    "noncharacters": "\ufffe \uffff",
    "formulas": "=1+1\n+cmd|' /C calc'!A0\n@SUM(1)\n-2\n\t=1",
    "quotes": "\"double\" 'single' `back` \\ & &amp; %s {0} {{ x }}",
    "many lines": "line\n" * 5_000,
    "long line": "x" * 10_000_000,
}
"""Each alone is enough to break a format that does not expect it."""
