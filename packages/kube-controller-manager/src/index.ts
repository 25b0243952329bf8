/** Public exports of the controller manager. */
export type { Controller, ControllerContext, ControllerDescriptor } from './controller.ts';
export { controllerDescriptors } from './descriptors.ts';
export { defaultControllerManagerOptions, type ControllerManagerOptions } from './options.ts';
