import { createSocket, type Socket } from "node:dgram";
import dns from "node:dns";
import { once } from "node:events";

/** A name server on this machine, which the process asks instead of its own until it is closed. */
export interface NameServer {
  /** From now on the name has these addresses. */
  tell(name: string, addresses: readonly string[]): void;
  /** From now on questions about the name get no answer. */
  keepSilentAbout(name: string): void;
  /** The names that were asked for, IPv4 alone. */
  readonly asked: string[];
  close(): Promise<void>;
}

const types = { ipv4: 1, ipv6: 28 };
const noSuchName = 3;

/** Starts one. It knows no name but what it is told. */
export async function startNameServer(): Promise<NameServer> {
  const known = new Map<string, readonly string[]>();
  const silent = new Set<string>();
  const asked: string[] = [];
  const before = dns.getServers();
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  dns.setServers([`127.0.0.1:${socket.address().port}`]);
  socket.on("message", (query, from) => {
    const { name, type, end } = readQuestion(query);
    if (type === types.ipv4) asked.push(name);
    if (silent.has(name)) return;
    const told = known.get(name);
    const addresses = (told ?? []).filter((each) => each.includes(":") === (type === types.ipv6));
    reply(socket, { query, end, type, addresses, code: told === undefined ? noSuchName : 0 }, from.port);
  });
  return {
    tell: (name, addresses) => known.set(name, addresses),
    keepSilentAbout: (name) => silent.add(name),
    asked,
    close: async () => {
      dns.setServers(before);
      socket.close();
      await once(socket, "close");
    },
  };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

interface Reply {
  readonly query: Buffer;
  readonly end: number;
  readonly type: number;
  readonly addresses: readonly string[];
  readonly code: number;
}

function reply(socket: Socket, { query, end, type, addresses, code }: Reply, port: number): void {
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const answers = addresses.map((address) => {
    const data = bytesOf(address);
    // The name: where it stands in the question. Then type, class, no time to live, and the address.
    const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
    return Buffer.concat([head, data]);
  });
  socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, "127.0.0.1");
}

/** IPv6 with all its groups. */
function bytesOf(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  return Buffer.from(
    address
      .split(":")
      .map((group) => group.padStart(4, "0"))
      .join(""),
    "hex",
  );
}
