import { sql } from 'drizzle-orm';
import { boolean, check, foreignKey, index, integer, jsonb, text, unique, uuid } from 'drizzle-orm/pg-core';
import { createdAt, emptyObject, id, instant, int4range, inventory, updatedAt, version } from './context.js';
import { node } from './node.js';

/** The shape of a node of kind rack, taken from its attributes heightUnits and startingUnit: a part of the node. */
export const rack = inventory.table(
  'rack',
  {
    nodeId: uuid('node_id').primaryKey(),
    heightHalfUnits: integer('height_half_units').notNull(),
    startingUnit: integer('starting_unit').notNull().default(1),
  },
  (t) => [
    foreignKey({ name: 'rack_is_a_node', columns: [t.nodeId], foreignColumns: [node.id] }),
    check('rack_height_in_bounds', sql`${t.heightHalfUnits} between 1 and 400`),
    unique('rack_as_its_claims_see_it').on(t.nodeId, t.heightHalfUnits),
  ],
);

/** Units kept free for a purpose. Its claims lie in a layer of their own: a device may stand where it was announced. */
export const rackReservation = inventory.table(
  'rack_reservation',
  {
    id: id(),
    rackId: uuid('rack_id').notNull(),
    units: integer('units').array().notNull(),
    attributes: jsonb('attributes').notNull().default(emptyObject),
    endedAt: instant('ended_at'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    foreignKey({ name: 'rack_reservation_rack_exists', columns: [t.rackId], foreignColumns: [rack.nodeId] }),
    check('rack_reservation_names_units', sql`cardinality(${t.units}) > 0`),
    index('rack_reservation_by_rack')
      .on(t.rackId)
      .where(sql`${t.endedAt} is null`),
  ],
);

/**
 * Half units taken on one face of a rack; a full-depth device has one row a face. Half unit 0 is the lowest of the rack.
 * A part of the device, the reservation or the allocation item that holds it; deleted when that ends.
 * The hand-written step adds EXCLUDE rack_units_taken_once (rack, layer, face, half_units &&), deferrable.
 */
export const rackClaim = inventory.table(
  'rack_claim',
  {
    id: id(),
    rackId: uuid('rack_id').notNull(),
    rackHeightHalfUnits: integer('rack_height_half_units').notNull(),
    layer: text('layer').notNull(),
    face: text('face').notNull(),
    /** The face that a device is mounted on; false for the other row of a full-depth one. */
    mounted: boolean('mounted').notNull().default(true),
    halfUnits: int4range('half_units').notNull(),
    nodeId: uuid('node_id'),
    reservationId: uuid('reservation_id'),
    itemId: uuid('item_id'),
  },
  (t) => [
    foreignKey({
      name: 'rack_claim_of_its_rack',
      columns: [t.rackId, t.rackHeightHalfUnits],
      foreignColumns: [rack.nodeId, rack.heightHalfUnits],
    }).onUpdate('cascade'),
    foreignKey({ name: 'rack_claim_device_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    foreignKey({
      name: 'rack_claim_reservation_exists',
      columns: [t.reservationId],
      foreignColumns: [rackReservation.id],
    }),
    check('rack_claim_layer_known', sql`${t.layer} in ('device', 'reservation')`),
    check('rack_claim_face_known', sql`${t.face} in ('front', 'rear')`),
    check('rack_claim_has_one_holder', sql`num_nonnulls(${t.nodeId}, ${t.reservationId}, ${t.itemId}) = 1`),
    check(
      'rack_claim_inside_its_rack',
      sql`not isempty(${t.halfUnits}) and lower(${t.halfUnits}) >= 0 and upper(${t.halfUnits}) <= ${t.rackHeightHalfUnits}`,
    ),
    index('rack_claim_by_device')
      .on(t.nodeId)
      .where(sql`${t.nodeId} is not null`),
    index('rack_claim_by_reservation')
      .on(t.reservationId)
      .where(sql`${t.reservationId} is not null`),
  ],
);
