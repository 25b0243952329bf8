/** Public exports of the scheduler. */
export {};
