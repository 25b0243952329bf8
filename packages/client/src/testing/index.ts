export { FakeSource, type Change } from './fake-source.ts';
export { eventually, settle } from './eventually.ts';
