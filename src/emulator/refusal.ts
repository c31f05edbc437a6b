import { type Answer, json } from "./answer.ts";

/** Thrown anywhere below a route to end the request with an error answer of the real service. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`The request was refused with HTTP ${answer.status}`);
    this.answer = answer;
  }
}

/** `{"detail": "..."}`: authentication, methods, parsing, throttling (Django REST Framework's own errors). */
export function refusalDetail(status: number, detail: string, headers?: Record<string, string>): Refusal {
  return new Refusal(json(status, { detail }, headers));
}

/** `{"message": "..."}`: organizations, projects and their members (Mem0 OpenAPI). */
export function refusalMessage(status: number, message: string): Refusal {
  return new Refusal(json(status, { message }));
}

/** `{"error": "..."}`: webhooks 403 and 404 (Mem0 OpenAPI). */
export function refusalError(status: number, error: string): Refusal {
  return new Refusal(json(status, { error }));
}

/** `{"errors": {"field": ["..."]}}`: organization create and organization members 400 (Mem0 OpenAPI). */
export function refusalErrors(errors: Readonly<Record<string, unknown>>): Refusal {
  return new Refusal(json(400, { errors }));
}

/** `{"field": ["..."]}`: webhooks 400 (Mem0 OpenAPI) and other serializer errors. */
export function refusalFields(fields: Readonly<Record<string, unknown>>): Refusal {
  return new Refusal(json(400, fields));
}
