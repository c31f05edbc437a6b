import { describe, expect, it } from "vitest";
import { type GraphiqlOptions, loadGraphiql } from "../../src/graphiql/page.ts";

const options: GraphiqlOptions = { endpoint: "/graphql", title: "Loci", presets: [] };

describe("loadGraphiql", () => {
  it("has every file that the page names, of the right kind and cacheable for ever", () => {
    const { page, asset } = loadGraphiql(options);
    const paths = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(paths.map((path) => path.split("/").at(-1))).toEqual([
      "icon.svg",
      "page.css",
      "graphiql.css",
      "graphiql.js",
      "page.js",
      "icon.svg",
    ]);
    const contentTypes = { svg: "image/svg+xml", css: "text/css", js: "text/javascript" };
    for (const path of paths) {
      const file = asset(path);
      const ending = path.split(".").at(-1) as keyof typeof contentTypes;
      expect(file?.contentType).toBe(`${contentTypes[ending]}; charset=utf-8`);
      expect(file?.cacheControl).toBe("public, max-age=31536000, immutable");
      expect(file?.body.length).toBeGreaterThan(100);
    }
  });

  it("gives nothing for any other path", () => {
    const { page, asset } = loadGraphiql(options);
    const folder = /href="(.+)icon\.svg"/.exec(page)?.[1] ?? "";
    expect(asset(`${folder}icon.svg`)).not.toBeNull();
    const others = [
      "",
      "nothing.js",
      "../page.ts",
      "..%2fpage.ts",
      "../../../package.json",
      "constructor",
      "__proto__",
    ];
    for (const name of others) expect(asset(`${folder}${name}`)).toBeNull();
    for (const path of ["/graphiql/icon.svg", "icon.svg", "/", ""]) expect(asset(path)).toBeNull();
  });

  it("keeps titles and presets from becoming markup", () => {
    const { page } = loadGraphiql({
      ...options,
      title: `<b>"A" & 'B'</b>`,
      presets: [{ name: "Look", query: "# </script><script>alert(1)</script>\nquery Look { a }" }],
    });
    expect(page).toContain("<title>&#60;b&#62;&#34;A&#34; &#38; &#39;B&#39;&#60;/b&#62;</title>");
    expect(page).not.toContain("alert(1)</script>");
    const settings = /<script type="application\/json" id="settings">(.*)<\/script>/.exec(page)?.[1] ?? "";
    expect(JSON.parse(settings).presets[0].query).toContain("</script><script>alert(1)</script>");
  });

  it("refuses a preset whose name is not its operation's, which would have the wrong title", () => {
    const query = "# query Look is meant\nquery Watch { a }";
    expect(() => loadGraphiql({ ...options, presets: [{ name: "Look", query }] })).toThrow(
      'the preset tab "Look" holds an operation named "Watch"',
    );
  });

  it("allows scripts and connections of its own origin only, and no frame around it", () => {
    const { headers, page } = loadGraphiql(options);
    const policy = new Map(
      headers["content-security-policy"]?.split("; ").map((rule) => {
        const [name = "", ...sources] = rule.split(" ");
        return [name, sources.join(" ")];
      }),
    );
    expect(policy.get("default-src")).toBe("'none'");
    for (const name of ["script-src", "worker-src", "connect-src"]) expect(policy.get(name)).toBe("'self'");
    for (const name of ["frame-ancestors", "form-action", "base-uri"])
      expect(policy.get(name)).toBe("'none'");
    expect(page).not.toMatch(/https?:|\/\/[a-z]/);
  });
});
