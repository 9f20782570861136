import * as v from 'valibot';
import { defineEvents } from './events.js';
import { addressBlockSchema } from './inventory/address-block.js';
import { addressRangeSchema } from './inventory/address-range.js';
import { addressSpaceSchema } from './inventory/address-space.js';
import { addressSchema } from './inventory/address.js';
import { allocationSchema } from './inventory/allocation.js';
import { deviceTypeSchema } from './inventory/device-type.js';
import { edgeSchema } from './inventory/edge.js';
import { findingSchema } from './inventory/finding.js';
import { nodeSchema } from './inventory/node.js';
import { numberDomainSchema } from './inventory/number-domain.js';
import { numberRangeSchema } from './inventory/number-range.js';
import { numberSchema } from './inventory/number.js';
import { poolSchema } from './inventory/pool.js';
import { rackReservationSchema } from './inventory/rack-reservation.js';
import { resourceClassSchema } from './inventory/resource-class.js';
import { traitSchema } from './inventory/trait.js';

const node = { data: nodeSchema };
const edge = { data: edgeSchema };
const deviceType = { data: deviceTypeSchema };
const addressSpace = { data: addressSpaceSchema };
const addressBlock = { data: addressBlockSchema };
const addressRange = { data: addressRangeSchema };
const address = { data: addressSchema };
const numberDomain = { data: numberDomainSchema };
const numberRange = { data: numberRangeSchema };
const number = { data: numberSchema };
const rackReservation = { data: rackReservationSchema };
// Who was answered from memory is the caller's affair; a fact happens once.
const pool = { data: v.omit(poolSchema, ['replayed']) };
const resourceClass = { data: v.omit(resourceClassSchema, ['replayed']) };
const trait = { data: v.omit(traitSchema, ['replayed']) };
const finding = { data: v.omit(findingSchema, ['replayed']) };
const allocation = { data: v.omit(allocationSchema, ['replayed']) };

/**
 * Everything that inventory says publicly: one event a change, its data the resource as it is after the change. A resource that
 * went shows the external ids that it had, so that whoever knows it by them knows what is gone.
 */
export const inventoryEvents = defineEvents({
  context: 'inventory',
  events: {
    'node.registered': { summary: 'A node was registered.', ...node },
    'node.amended': { summary: 'A node was changed.', ...node },
    'node.scrubbed': { summary: 'A node was given back and is being scrubbed.', ...node },
    'node.cleaned': { summary: 'A node was declared clean and can be taken again.', ...node },
    'node.quarantined': {
      summary: 'A node was not declared clean in time, or is kept out as its lease asked.',
      ...node,
    },
    'node.retired': { summary: 'A node was taken out of the graph.', ...node },
    'node.offered': { summary: 'What a node has to give was changed.', ...node },
    'edge.connected': { summary: 'An edge was made between nodes.', ...edge },
    'edge.amended': { summary: 'An edge was changed by its source.', ...edge },
    'edge.disconnected': { summary: 'An edge ended; its ports are free.', ...edge },
    'deviceType.registered': { summary: 'A hardware profile was registered.', ...deviceType },
    'deviceType.amended': { summary: 'A hardware profile was changed by its source.', ...deviceType },
    'deviceType.removed': { summary: 'A hardware profile went with its source.', ...deviceType },
    'addressSpace.created': { summary: 'An address space was created.', ...addressSpace },
    'addressSpace.amended': { summary: 'An address space was changed.', ...addressSpace },
    'addressSpace.removed': { summary: 'An address space went with its source.', ...addressSpace },
    'addressBlock.created': { summary: 'A prefix was recorded, or given out of a larger one.', ...addressBlock },
    'addressBlock.amended': { summary: 'A prefix was changed, or lies in another one now.', ...addressBlock },
    'addressBlock.removed': { summary: 'A prefix ended.', ...addressBlock },
    'addressRange.created': { summary: 'A run of addresses was recorded by its source.', ...addressRange },
    'addressRange.amended': { summary: 'A run of addresses was changed by its source.', ...addressRange },
    'addressRange.removed': { summary: 'A run of addresses went with its source.', ...addressRange },
    'address.recorded': { summary: 'An address in use was recorded.', ...address },
    'address.amended': { summary: 'A recorded address was changed by its source.', ...address },
    'address.removed': { summary: 'A recorded address ended.', ...address },
    'numberDomain.created': { summary: 'A number domain was created.', ...numberDomain },
    'numberDomain.amended': { summary: 'A number domain was changed.', ...numberDomain },
    'numberDomain.removed': { summary: 'A number domain went with its source.', ...numberDomain },
    'numberRange.created': { summary: 'A domain gives numbers of one more range.', ...numberRange },
    'numberRange.amended': { summary: 'A range was changed.', ...numberRange },
    'numberRange.removed': { summary: 'A range went with its source.', ...numberRange },
    'number.recorded': { summary: 'A number in use was recorded.', ...number },
    'number.amended': { summary: 'A recorded number was changed by its source.', ...number },
    'number.removed': { summary: 'A recorded number went with its source.', ...number },
    'rackReservation.created': { summary: 'Units of a rack were reserved by its source.', ...rackReservation },
    'rackReservation.amended': {
      summary: 'A reservation of rack units was changed by its source.',
      ...rackReservation,
    },
    'rackReservation.removed': { summary: 'A reservation of rack units went with its source.', ...rackReservation },
    'trait.registered': { summary: 'Nodes can have one more trait.', ...trait },
    'trait.amended': { summary: 'A trait is said otherwise.', ...trait },
    'trait.removed': { summary: 'A trait ended that no node had.', ...trait },
    'resourceClass.created': { summary: 'Nodes can offer one more class.', ...resourceClass },
    'resourceClass.amended': { summary: 'A class is said otherwise.', ...resourceClass },
    'resourceClass.removed': { summary: 'A class ended that nothing was taken of.', ...resourceClass },
    'pool.created': { summary: 'A pool of nodes was made.', ...pool },
    'pool.amended': { summary: 'A pool was changed, or its members.', ...pool },
    'pool.removed': { summary: 'A pool ended; its nodes stay.', ...pool },
    'allocation.held': { summary: 'Things were taken for a while.', ...allocation },
    'allocation.booked': { summary: 'Things were taken for a window that has not begun.', ...allocation },
    'allocation.begun': { summary: 'The window of a booking has begun.', ...allocation },
    'allocation.failed': { summary: 'A booking could not begin, and holds nothing; it says why.', ...allocation },
    'allocation.rescheduled': { summary: 'The window of an allocation was moved.', ...allocation },
    'allocation.announced': { summary: 'An allocation ends soon, as it was asked to be told.', ...allocation },
    'allocation.withdrawn': {
      summary: 'The window of an allocation was moved after its end had been announced, which holds no more.',
      ...allocation,
    },
    'allocation.bound': {
      summary: 'A reservation was tied to a task and has no end of its own any more.',
      ...allocation,
    },
    'allocation.confirmed': { summary: 'Things were taken for good.', ...allocation },
    'allocation.renewed': { summary: 'The end of a reservation was moved.', ...allocation },
    'allocation.replaced': { summary: 'An allocation holds another set of things.', ...allocation },
    'allocation.healed': {
      summary: 'What an allocation held of a node that failed is held elsewhere now: resourcesChanged.',
      ...allocation,
    },
    'allocation.impaired': {
      summary:
        'What an allocation held of a node that failed was given back, since there is no other: missingResources.',
      ...allocation,
    },
    'allocation.released': { summary: 'An allocation was given back.', ...allocation },
    'allocation.expired': { summary: 'A reservation ran out.', ...allocation },
    'finding.suspected': { summary: 'A source saw something once that is not as intended.', ...finding },
    'finding.amended': { summary: 'What differs is something else.', ...finding },
    'finding.opened': { summary: 'A difference was seen twice, or again after a repair.', ...finding },
    'finding.undertaken': { summary: 'A repair was begun.', ...finding },
    'finding.accepted': { summary: 'A difference may stay as it is.', ...finding },
    'finding.resolved': { summary: 'A difference is gone, or was ended by hand.', ...finding },
  },
});
export type InventoryEventName = keyof typeof inventoryEvents.events;
