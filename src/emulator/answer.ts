/** What the emulator is about to send: everything but the transport. `text` is already serialised. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, contentType: "application/json", text: JSON.stringify(body), headers };
}

/** An HTML page such as Django and proxies send when something is broken: a client must not expect JSON of it. */
export function html(status: number, title: string): Answer {
  const text = `<!doctype html>
<html lang="en">
<head>
  <title>${title}</title>
</head>
<body>
  <h1>${title}</h1><p></p>
</body>
</html>
`;
  return { status, contentType: "text/html; charset=utf-8", text, headers: {} };
}
