/**
 * Reads a `text/event-stream` body as GraphQL over SSE has it ("distinct connections mode"): each `next` event holds
 * one result, `complete` ends it. Lines that begin with a colon keep the connection alive and say nothing.
 */
export async function* readResults(body) {
  let text = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text = (text + value).replaceAll("\r\n", "\n");
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const { name, data } = parseEvent(event);
      if (name === "complete") return;
      if (name === "next" && data !== "") yield JSON.parse(data);
    }
  }
}

function parseEvent(event) {
  let name = "message";
  const data = [];
  for (const line of event.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trim());
  }
  return { name, data: data.join("\n") };
}
