import { existsSync } from "node:fs";
import { type BrowserContext, chromium, type Page } from "playwright-core";

/** Where Debian's package puts Chromium. */
const executablePath = "/usr/bin/chromium";

/** A tab, and what was seen of it since it was opened. */
export interface OpenTab {
  readonly page: Page;
  /** The address of every request and every WebSocket of the tab, in order, workers' scripts included. */
  readonly requestedUrls: readonly string[];
  /** Errors on the console, violations of the page's policy among them, and exceptions that nobody caught. */
  readonly problems: readonly string[];
  /** May be called again. */
  close(): Promise<void>;
}

/** A Chromium of one's own, with a profile that is empty at first. */
export interface OpenBrowser {
  /**
   * Opens a tab; 1400 × 900 pixels unless told otherwise. Its sessionStorage is its own; localStorage, cookies and the
   * cache are the browser's.
   */
  openTab(size?: { readonly width: number; readonly height: number }): Promise<OpenTab>;
  /** Ends the browser with all its tabs. May be called again. */
  close(): Promise<void>;
}

/**
 * Whether tests that need a browser can only be skipped: Chromium is not installed, and this is a person's machine. Says
 * so loudly. Under CI (`CI=true`) this is false whatever is installed, so that there the tests fail instead.
 */
export function mustSkipBrowserTests(): boolean {
  if (existsSync(executablePath) || process.env["CI"] === "true") return false;
  process.stderr.write(
    `\n*** SKIPPED: the tests in a real browser. There is no ${executablePath}; on Debian: apt-get install -y chromium ***\n\n`,
  );
  return true;
}

/**
 * Starts a Chromium that can reach 127.0.0.1 and nothing else: every other name fails inside the browser, before a packet
 * is sent.
 *
 * @throws {Error} when Chromium is not installed or does not start.
 */
export async function openBrowser(): Promise<OpenBrowser> {
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
  const context = await browser.newContext();
  return {
    openTab: (size = { width: 1400, height: 900 }) => openTab(context, size),
    close: () => browser.close(),
  };
}

async function openTab(
  context: BrowserContext,
  viewport: { readonly width: number; readonly height: number },
): Promise<OpenTab> {
  const page = await context.newPage();
  await page.setViewportSize(viewport);
  const requestedUrls: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => requestedUrls.push(request.url()));
  page.on("websocket", (socket) => requestedUrls.push(socket.url()));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  return { page, requestedUrls, problems, close: () => page.close() };
}
