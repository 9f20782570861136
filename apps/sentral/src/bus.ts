import { mailboxSettings, openMailbox } from '@sentral/kernel/bus/mailbox';
import { openNats } from '@sentral/kernel/bus/nats';
import type { Bus, DeadLetter } from '@sentral/kernel/bus/port';
import type { Database } from '@sentral/kernel/database';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { openRole } from './composition.js';
import type { Config } from './config.js';

/** NATS where it is configured, else the mailbox in PostgreSQL, whose pool comes along to be closed after it. */
export function openBus(
  config: Config,
  telemetry: Telemetry,
): { readonly bus: Bus; readonly db: Database | undefined } {
  const onDeadLetter = async (letter: DeadLetter) =>
    telemetry.log('error', 'a message was given up', { subject: letter.subject, id: letter.id });
  const report = (fact: unknown) => telemetry.log('warn', 'bus', { fact });
  if (config.natsUrl !== undefined) {
    return { bus: openNats({ servers: config.natsUrl, name: 'sentral', report, onDeadLetter }), db: undefined };
  }
  const db = openRole(config, { context: 'bus', user: 'bus_app', poolSize: 4, settings: mailboxSettings });
  return { bus: openMailbox({ db, report, onDeadLetter }), db };
}
