import { readFileSync } from 'node:fs';
import * as v from 'valibot';

/** Signature algorithms that an issuer may use; symmetric ones never. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

const issuerSchema = v.strictObject({
  issuer: v.pipe(v.string(), v.url('is not a URL')),
  audience: v.pipe(v.string(), v.nonEmpty('is empty')),
  jwksUrl: v.pipe(v.string(), v.url('is not a URL')),
  algorithms: v.optional(v.array(v.picklist(algorithms)), [...algorithms]),
  /** The `typ` that access tokens carry (RFC 9068); null for identity providers that send plain `JWT`. */
  typ: v.optional(v.nullable(v.string()), 'at+jwt'),
});

export type IssuerConfig = v.InferOutput<typeof issuerSchema>;

/** @throws Error that names SENTRAL_ISSUERS_FILE, the entry and the field */
export function readIssuers(file: string): readonly IssuerConfig[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`SENTRAL_ISSUERS_FILE: ${file} cannot be read as JSON`, { cause: error });
  }
  const parsed = v.safeParse(v.pipe(v.array(issuerSchema), v.minLength(1, 'is empty: name at least one issuer')), json);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new Error(`SENTRAL_ISSUERS_FILE: ${v.getDotPath(issue) ?? 'the list'} ${issue.message}`);
}
