/** Public exports of the controller manager. */
export type { Controller, ControllerContext, ControllerDescriptor } from './controller.ts';
export { UnknownControllerError } from './controller-selection.ts';
export { controllerDescriptors } from './descriptors.ts';
export {
  createControllerManager,
  type ControllerManager,
  type ManagerHealthCheck,
  type ManagerLeaderElection,
  type ManagerOptions,
} from './manager.ts';
export { defaultControllerManagerOptions, type ControllerManagerOptions } from './options.ts';
