export { FakeSource, type Change } from './fake-source.ts';
export { FaultyTransport, type EventFilter } from './faulty-transport.ts';
export { eventually, settle } from './eventually.ts';
