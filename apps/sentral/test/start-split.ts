import { startNats } from '@sentral/servers/nats';
import { startServer, type TestServer } from './start-server.js';

export interface Split {
  readonly inventory: TestServer;
  readonly facade: TestServer;
  stop(): Promise<void>;
}

type Settings = Readonly<Record<string, string>>;

/** Settings of each side, and what lies between them: where the facade looks for inventory. */
interface Shape {
  readonly inventory?: Settings;
  readonly facade?: Settings;
  between?(inventoryUrl: string): Promise<string>;
}

/** Inventory in a deployment of its own, on a database of its own; the facade and the other three beside it. */
export async function startSplit(shape: Shape = {}): Promise<Split> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of stops.toReversed()) await each();
  };
  try {
    const nats = await startNats();
    stops.push(() => nats.stop());
    const inventory = await startServer({
      SENTRAL_CONTEXTS: 'inventory',
      SENTRAL_INTERNAL_PORT: '0',
      SENTRAL_NATS_URL: nats.url,
      ...shape.inventory,
    });
    stops.push(() => inventory.stop());
    const url = inventory.internalUrl!;
    const facade = await startServer({
      SENTRAL_CONTEXTS: 'tenancy,task,audit',
      SENTRAL_INVENTORY_URL: (await shape.between?.(url)) ?? url,
      SENTRAL_NATS_URL: nats.url,
      ...shape.facade,
    });
    stops.push(() => facade.stop());
    return { inventory, facade, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
