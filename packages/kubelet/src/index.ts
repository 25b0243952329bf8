/** Public exports of the kubelet. */
export { SimulatedNodes, type SimulatedNodesOptions } from './simulated/simulated-nodes.ts';
export { nodeName, simulatedMark, unresponsiveAnnotation, type NodeShape } from './simulated/node-object.ts';
export { readStages, type Stage } from './simulated/stages.ts';
export { parseStages } from './simulated/stages-file.ts';
