import { asyncApiDocument, openApiDocument } from '@sentral/contracts/api/documents';
import { toJsonSchema } from '@valibot/to-json-schema';

/** What Sentral says of itself to whoever reads by machine, made once from the contract's data alone. */
export function documents(): { readonly openapi: Record<string, unknown>; readonly asyncapi: Record<string, unknown> } {
  return { openapi: openApiDocument(toJsonSchema), asyncapi: asyncApiDocument(toJsonSchema) };
}
