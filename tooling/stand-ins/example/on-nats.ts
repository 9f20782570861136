import { subjects } from '@sentral/contracts/services/message';
import { AckPolicy, type NatsConnection } from 'nats';
import { bucketService, type Query } from './service.js';

export async function serve(nats: NatsConnection, query: Query): Promise<void> {
  const service = bucketService(query, (beat) =>
    nats.publish(subjects.beat('objekt', beat.stepid), JSON.stringify(beat)),
  );
  await service.start();
  nats.subscribe(subjects.describe('objekt'), {
    callback: (_, question) =>
      void service.describe(question.string()).then((it) => question.respond(JSON.stringify(it))),
  });
  const jetstream = nats.jetstream();
  const send = async (): Promise<void> => {
    for (const { id, entry } of await query('select id, entry from outbox order by id')) {
      const reply = entry as unknown as { id: string; stepid: Parameters<typeof subjects.reply>[1] };
      await jetstream.publish(subjects.reply('objekt', reply.stepid), JSON.stringify(reply), { msgID: reply.id });
      await query('delete from outbox where id = $1', [id]);
    }
  };
  const sender = setInterval(() => void send().catch(console.error), 200);
  void nats.closed().then(() => clearInterval(sender));
  const wanted = {
    durable_name: 'objekt-steps',
    filter_subject: subjects.commandsOf('objekt'),
    ack_policy: AckPolicy.Explicit,
  };
  await (await nats.jetstreamManager()).consumers.add('DV_CMD', { ...wanted, ack_wait: 30e9, max_deliver: 20 });
  const commands = await (await jetstream.consumers.get('DV_CMD', 'objekt-steps')).consume({ max_messages: 8 });
  for await (const message of commands) {
    await service.take(message.string()).then(
      (taken) => (taken === 'ack' ? message.ack() : message.term()),
      () => message.nak(1_000),
    );
  }
}
