export { faultKinds, type FaultInput, type FaultKind } from './faults.js';
export { standInNames, type StandInName } from './services.js';
export { startStandIn, type StandInProcess } from './spawn.js';
export { controlSubject, openStandIn, type StandIn, type StandInOptions } from './stand-in.js';
