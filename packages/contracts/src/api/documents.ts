import { asyncApi } from '../asyncapi.js';
import { addressBlockSchema } from '../inventory/address-block.js';
import { addressSpaceSchema } from '../inventory/address-space.js';
import { addressSchema } from '../inventory/address.js';
import { allocationSchema } from '../inventory/allocation.js';
import { deviceTypeSchema } from '../inventory/device-type.js';
import { edgeSchema } from '../inventory/edge.js';
import { importSchema } from '../inventory/import.js';
import { nodeSchema } from '../inventory/node.js';
import { numberDomainSchema } from '../inventory/number-domain.js';
import { numberRangeSchema } from '../inventory/number-range.js';
import { numberSchema } from '../inventory/number.js';
import { openApi, type ToJsonSchema } from '../openapi.js';
import { publicEvents } from '../public-events.js';
import { routes } from './routes.js';

// Moves with what the documents say by hand; what they promise is compared field by field.
const version = '1.0.0';

/** What is shown in many places stands once in the document. */
const named = {
  Address: addressSchema,
  AddressBlock: addressBlockSchema,
  AddressSpace: addressSpaceSchema,
  Allocation: allocationSchema,
  DeviceType: deviceTypeSchema,
  Edge: edgeSchema,
  Import: importSchema,
  Node: nodeSchema,
  Number: numberSchema,
  NumberDomain: numberDomainSchema,
  NumberRange: numberRangeSchema,
};

/** The OpenAPI document of everything that Sentral offers the world: served at /openapi.json, and committed. */
export function openApiDocument(toJsonSchema: ToJsonSchema): Record<string, unknown> {
  return openApi(routes, {
    toJsonSchema,
    named,
    info: {
      title: 'Sentral',
      version,
      description:
        'The control plane of the Dataverket cloud. Errors are application/problem+json and are recognised by `code`.',
    },
  });
}

/** The AsyncAPI document of everything that Sentral tells on the bus: served at /asyncapi.json, and committed. */
export function asyncApiDocument(toJsonSchema: ToJsonSchema): Record<string, unknown> {
  return asyncApi(publicEvents, {
    toJsonSchema,
    info: {
      title: 'Sentral',
      version,
      description:
        'What the contexts of Sentral tell on the bus: one CloudEvent a committed change, at least once, in order within a context. The same id again is the same event.',
    },
  });
}
