import { createClient, pages } from '@sentral/contracts/client';
import { systemRoutes } from '@sentral/contracts/api/system';
import { remoteContext } from '@sentral/contracts/client-internal';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { inventory } from '@sentral/contracts/inventory';
import { isProblem, problem } from '@sentral/contracts/problem';

const headers = { 'content-type': 'application/problem+json' };
const answer = async () => Response.json(problem('unauthenticated', { reason: 'missing' }), { status: 401, headers });
const client = createClient(systemRoutes, { baseUrl: 'http://sentral.test', fetch: answer });
const far = remoteContext(inventory, { baseUrl: 'http://inventory.test', token: async () => 'x', fetch: answer });
const refusal: unknown = await client.livez({}).catch((error: unknown) => error);
const id = encodeId('nod', '01890a5d-ac96-774b-bcce-b302099a8057');

// @ts-expect-error: an id of one kind is none of another
const wrong: ReturnType<typeof encodeId<'alc'>> = id;
// @ts-expect-error: a route that does not exist
const missing = client.noSuchRoute;

if (typeof far.node.get !== 'function' || typeof pages !== 'function')
  throw new Error('a verb or a function is missing');
if (!isProblem(refusal) || refusal.facts['reason'] !== 'missing') throw new Error('the problem was lost');
if (decodeId('nod', wrong as never) !== '01890a5d-ac96-774b-bcce-b302099a8057' || missing !== undefined)
  throw new Error('the id was lost');
export const said = 'the contracts work outside';
console.log(said);
