"""fpdig: asks one question, or very many, the way people's fingers know from dig, and shows the answer.

    argv, .fpdigrc -> options -> Question -> asking -> Answer -> render | document | trace -> text

Pure: `options` (what was asked for), `usage` (the help), `words` (numbers and words in words), `verdict` (what
the answer comes to, exit statuses), `statement_text` (statements for people), `render` (dig's layout),
`document` (JSON, docs/fpdig-json.md) and `trace` (steps of a walk). Shells: `asking` (one question), `keeping`
(what +bundle and +svg write), `batch` (many in flight over one connection), `running` (a whole command), `main`
(files, the event loop, the streams).
"""
