import type { Shape } from '@sentral/contracts/shaping';
import type { Expand } from './expand.js';
import type { Answer, Asked } from './mount.js';

type Resource = Readonly<Record<string, unknown>>;

/** The answer as the caller asked for it: fields cut, ids expanded. Such an answer is no version of the resource, so it has no ETag. */
export async function shaped(
  answer: Answer,
  { shape, list, asked, expand }: { shape: Shape; list: boolean; asked: Asked; expand: Expand },
): Promise<Answer> {
  const { fields, expand: names = [] } = shape;
  if ((fields === undefined && names.length === 0) || answer.body instanceof ReadableStream) return answer;
  const body = answer.body as Resource;
  const resources = list ? (body['items'] as readonly Resource[]) : [body];
  const ids = resources.flatMap((each) => names.flatMap((name) => idIn(each, name) ?? []));
  const found = await expand(asked, ids);
  const show = (each: Resource): Resource => ({
    ...(fields === undefined
      ? each
      : Object.fromEntries(fields.flatMap((name) => (Object.hasOwn(each, name) ? [[name, each[name]]] : [])))),
    ...Object.fromEntries(names.flatMap((name) => beside(name, found.get(idIn(each, name) ?? '')))),
  });
  const { etag: _, ...headers } = answer.headers ?? {};
  return { ...answer, headers, body: list ? { ...body, items: resources.map(show) } : show(body) };
}

function idIn(resource: Resource, name: string): string | undefined {
  const id = resource[`${name}Id`];
  return typeof id === 'string' && id.includes('_') ? id : undefined;
}

const beside = (name: string, found: object | undefined): [string, object][] =>
  found === undefined ? [] : [[name, found]];
