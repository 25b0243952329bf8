/** Calls all watchers that became ready in one turn of the event loop together, at its end. */

type Callback = () => void;

let pending: Callback[] = [];

function run(): void {
  const due = pending;
  pending = [];
  for (const callback of due) callback();
}

export const watchTicks = {
  /** `callback` must not throw. */
  add(callback: Callback): void {
    if (pending.push(callback) === 1) setImmediate(run);
  },
};
