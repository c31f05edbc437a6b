import { formatDate } from "../clock.ts";
import { deliveries } from "../webhook-deliveries.ts";
import type { ControlRoute } from "./control-route.ts";

/** What webhooks were told, or not, and why; oldest first. */
export const deliveryRoutes: readonly ControlRoute[] = [
  {
    method: "GET",
    path: "/_emulator/webhook-deliveries",
    handle: ({ state }) => ({
      deliveries: state
        .table(deliveries)
        .all()
        .filter((row) => row.deleted_ms === null)
        .map(({ delivery_id, webhook_id, event_type, payload, status, attempts, due_ms }) => ({
          ...{ delivery_id, webhook_id, event_type, payload, status, attempts },
          due_at: formatDate(due_ms, state.switches.dates),
        })),
    }),
  },
];
