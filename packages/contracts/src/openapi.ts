import type * as v from 'valibot';
import { problemTypeBase, problems, type ProblemCode } from './problem.js';
import { shapeParameters } from './shaping.js';
import { commonProblems, type RouteDef, type Routes } from './route.js';

type Json = Record<string, unknown>;

/** The converter of @valibot/to-json-schema, passed in so that who only calls Sentral installs valibot alone. */
export type ToJsonSchema = (schema: v.GenericSchema, config: Record<string, unknown>) => object;

export interface OpenApiOptions {
  readonly toJsonSchema: ToJsonSchema;
  /** Schemas that become components, by name. */
  readonly named: Readonly<Record<string, v.GenericSchema>>;
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
}

/** What a JSON Schema cannot say is left to the description, never to an error at build time. */
const ignoreActions = ['check', 'transform', 'to_lower_case', 'trim', 'brand', 'readonly', 'raw_check'];

export interface JsonSchemaOptions {
  /** `input` is what may be sent, `output` what comes back. */
  readonly typeMode: 'input' | 'output';
  readonly definitions?: Readonly<Record<string, v.GenericSchema>>;
  readonly target?: 'draft-2020-12' | 'draft-07';
}

/** One schema as JSON Schema, 2020-12 unless told. */
export function jsonSchema(
  toJsonSchema: ToJsonSchema,
  schema: v.GenericSchema,
  { typeMode, definitions, target = 'draft-2020-12' }: JsonSchemaOptions,
): Json {
  const config = { typeMode, target, errorMode: 'throw', ignoreActions };
  const converted = toJsonSchema(schema, definitions === undefined ? config : { ...config, definitions });
  const { $schema: _, $defs, ...rest } = converted as Json;
  // Without a document around it the schema keeps its own definitions.
  if (definitions === undefined)
    return JSON.parse(JSON.stringify($defs === undefined ? rest : { ...rest, $defs })) as Json;
  return JSON.parse(JSON.stringify(rest).replaceAll('#/$defs/', '#/components/schemas/')) as Json;
}

/** OpenAPI 3.1 from the route data alone: no server is loaded. */
export function openApi(routes: Routes, options: OpenApiOptions): Json {
  const paths: Record<string, Json> = {};
  for (const def of Object.values(routes)) {
    const path = def.path.replaceAll(/:([A-Za-z]+)/g, '{$1}');
    (paths[path] ??= {})[def.method.toLowerCase()] = operation(def, options);
  }
  return {
    openapi: '3.1.0',
    info: options.info,
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { ...namedSchemas(options), Problem: problemSchema },
    },
  };
}

function operation(def: RouteDef, options: OpenApiOptions): Json {
  const parameters = [...parametersOf(def, options), ...shapeParameters(def)];
  const open = def.permission === null && def.self === undefined;
  return {
    operationId: def.operationId,
    summary: def.summary,
    description: doorOf(def),
    tags: def.tags,
    ...(open ? { security: [] } : {}),
    ...(def.permission === null ? {} : { 'x-permission': def.permission }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBodyOf(def, options),
    responses: { ...responsesOf(def, options), ...Object.fromEntries(problemsOf(def, options)) },
  };
}

/** Who may ask, in words: viewers of the document show them first. */
function doorOf(def: RouteDef): string {
  if (def.permission !== null) return `Needs the permission \`${def.permission}\`.`;
  return def.self === true ? 'Needs a credential, and no permission.' : 'Open to everyone.';
}

function parametersOf(def: RouteDef, options: OpenApiOptions): Json[] {
  return (
    [
      ['path', def.params],
      ['query', def.query],
      ['header', def.headers],
    ] as const
  ).flatMap(([where, part]) => {
    if (part === undefined) return [];
    const schema = convert(part, 'input', options);
    const required = (schema['required'] ?? []) as string[];
    return Object.entries((schema['properties'] ?? {}) as Record<string, Json>).map(([name, its]) => ({
      in: where,
      name,
      required: where === 'path' || required.includes(name),
      schema: its,
    }));
  });
}

function requestBodyOf(def: RouteDef, options: OpenApiOptions): Json {
  if (def.body === undefined) return {};
  const content = { [def.bodyType ?? 'application/json']: { schema: convert(def.body, 'input', options) } };
  return { requestBody: { required: true, content } };
}

function responsesOf(def: RouteDef, options: OpenApiOptions): Json {
  return Object.fromEntries(
    Object.entries(def.responses).map(([status, { description, schema, headers }]) => [
      status,
      {
        description,
        ...(headers === undefined
          ? {}
          : { headers: mapValues(headers, (text) => ({ description: text, schema: { type: 'string' } })) }),
        ...(schema === null ? {} : { content: { 'application/json': { schema: convert(schema, 'output', options) } } }),
      },
    ]),
  );
}

function problemsOf(def: RouteDef, options: OpenApiOptions): [string, Json][] {
  const codes = [...new Set([...def.problems, ...commonProblems(def)])];
  const statuses = [...new Set(codes.map((code) => problems[code].status))].toSorted((a, b) => a - b);
  const declared = responsesOf(def, options);
  return statuses.map((status) => {
    const refusal = problemResponse(codes.filter((code) => problems[code].status === status));
    const own = declared[status] as Json | undefined;
    // A status that the route itself declares too has both bodies, told apart by their media type.
    const both = own && { ...own, content: { ...(own['content'] as Json), ...(refusal['content'] as Json) } };
    return [String(status), both ?? refusal];
  });
}

function problemResponse(codes: readonly ProblemCode[]): Json {
  const schema = {
    allOf: [{ $ref: '#/components/schemas/Problem' }],
    properties: { code: { enum: codes }, type: { enum: codes.map((code) => problemTypeBase + code) } },
  };
  const description = codes.map((code) => `${code}: ${problems[code].title}`).join('; ');
  return { description, content: { 'application/problem+json': { schema } } };
}

// Extension members differ by code, so the schema stays open (RFC 9457, 3.2).
const problemSchema: Json = {
  type: 'object',
  properties: {
    type: { type: 'string', format: 'uri' },
    code: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    requestId: { type: 'string' },
  },
  required: ['type', 'code', 'title', 'status'],
};

function namedSchemas(options: OpenApiOptions): Json {
  return Object.fromEntries(
    Object.entries(options.named).map(([name, schema]) => {
      const others = Object.fromEntries(Object.entries(options.named).filter(([other]) => other !== name));
      return [name, jsonSchema(options.toJsonSchema, schema, { typeMode: 'output', definitions: others })];
    }),
  );
}

function convert(schema: v.GenericSchema, typeMode: 'input' | 'output', options: OpenApiOptions): Json {
  return jsonSchema(options.toJsonSchema, schema, { typeMode, definitions: options.named });
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
