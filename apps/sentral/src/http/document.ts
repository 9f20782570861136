import { routes } from '@sentral/contracts/api/routes';
import { openApi } from '@sentral/contracts/openapi';
import { toJsonSchema } from '@valibot/to-json-schema';

/** The OpenAPI document of everything that Sentral offers, made from the route data alone. */
export function document(): Record<string, unknown> {
  return openApi(routes, {
    toJsonSchema,
    named: {},
    info: {
      title: 'Sentral',
      version: '1.0.0',
      description:
        'The control plane of the Dataverket cloud. Errors are application/problem+json and are recognised by `code`.',
    },
  });
}
