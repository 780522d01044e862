"""Names that break out of tags, pages, folders and pictures where they are not escaped."""

HOSTILE = [
    "",
    "\0",
    "a\0",
    "../../evil",
    "..\\..\\evil",
    "/etc/passwd",
    "<script>alert(1)</script>",
    "</td></tr>\n\n| # [x](javascript:alert(1)) |",
    "a\r\nb\tc\x1b[31m\x07\u2028d",
    "\u202egnp.exe\u202c",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "\U0001f469\u200d\U0001f52c\U0001f3f3\ufe0f",
    "\ud800 half \udcff",
    "z" + "\u0335" * 9_999,
    "\ufdfa" * 10_000,
    "x" * 10_000,
    "%s %n {0} ${HOME} `id`",
]
