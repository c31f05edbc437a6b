import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One delivery as it came: what a customer's own server would see. */
export interface Delivered {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: unknown;
}

/** A customer's server that webhooks are delivered to. It answers 200 to everything, and keeps it. */
export class WebhookReceiver {
  readonly got: Delivered[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => {
        text += chunk;
      });
      request.on("end", () => {
        const { method = "", url: path = "" } = request;
        const body = JSON.parse(text) as unknown;
        this.got.push({ method, path, contentType: request.headers["content-type"] ?? "", body });
        response.writeHead(200).end();
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  /** This path on it. It must have been started. */
  url(path: string): string {
    // A server that listens on a host and port has an address of this form.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
