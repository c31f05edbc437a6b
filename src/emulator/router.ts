/** A path template such as `/v1/things/{thing_id}/` and what answers it. */
export interface Routed {
  readonly method: string;
  readonly path: string;
}

/** The template a path fits: its routes by method, and what stands for the names in braces (decoded). */
export interface Match<R extends Routed> {
  /** The template, as the routes have it. */
  readonly path: string;
  readonly byMethod: ReadonlyMap<string, R>;
  readonly params: Readonly<Record<string, string>>;
}

interface Template<R extends Routed> {
  readonly segments: readonly string[];
  readonly byMethod: Map<string, R>;
}

/** Finds routes by path. Templates are tried in the order of their registration: put the literal before the general. */
export class Router<R extends Routed> {
  readonly #templates = new Map<string, Template<R>>();

  constructor(routes: readonly R[]) {
    for (const route of routes) {
      const template = this.#templates.get(route.path) ?? {
        segments: route.path.split("/"),
        byMethod: new Map<string, R>(),
      };
      if (template.byMethod.has(route.method)) {
        throw new Error(`Two routes answer ${route.method} ${route.path}`);
      }
      template.byMethod.set(route.method, route);
      this.#templates.set(route.path, template);
    }
  }

  /** The first template that fits the whole path, the last slash included. */
  match(path: string): Match<R> | null {
    const segments = path.split("/");
    for (const [written, template] of this.#templates) {
      const params = paramsOf(template.segments, segments);
      if (params !== null) return { path: written, byMethod: template.byMethod, params };
    }
    return null;
  }
}

function paramsOf(template: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (template.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, expected] of template.entries()) {
    const segment = segments[index] ?? "";
    if (expected.startsWith("{") && segment !== "") params[expected.slice(1, -1)] = decode(segment);
    else if (expected !== segment) return null;
  }
  return params;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
