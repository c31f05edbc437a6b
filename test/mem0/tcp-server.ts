import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** Starts a TCP server on loopback that is no HTTP server, and tells of each connection. */
export async function startTcpServer(
  onConnection: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((socket) => {
    // A client that hangs up is what many tests are about.
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return { port: address.port, server };
}
