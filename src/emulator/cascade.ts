import { nowMs } from "./clock.ts";
import type { Upstream } from "./resource.ts";
import { organizations, projects, webhooks } from "./rows.ts";
import { type Put, put, type Row, type TableDefinition } from "./table.ts";

/**
 * What deleting this row changes: the row, and all that lives below it in any table that names this one its parent
 * (so a resource added later is taken along by declaring its parent). Two switches leave children behind.
 */
export function deletionOf<R extends Row>(
  upstream: Upstream,
  definition: TableDefinition<R>,
  row: R,
): readonly Put[] {
  const deletedMs = nowMs();
  const deleted: Put[] = [];
  const take = <Taken extends Row>(table: TableDefinition<Taken>, taken: Taken): void => {
    deleted.push(put(table, { ...taken, deleted_ms: deletedMs }));
    for (const child of upstream.state.definitions) {
      if (child.parent?.table !== table.name || isLeftBehind(upstream, table.name, child.name)) continue;
      for (const below of upstream.state.table(child).childrenOf(table.idOf(taken))) {
        if (below.deleted_ms === null) take(child, below);
      }
    }
  };
  take(definition, row);
  return deleted;
}

function isLeftBehind({ state }: Upstream, parent: string, child: string): boolean {
  if (parent === organizations.name) return !state.switches.organizationDeleteCascades;
  return parent === projects.name && child === webhooks.name && !state.switches.projectDeleteRemovesWebhooks;
}
