/**
 * The seed of all property tests: the same in every run, so that a change is not held up by what it did not break.
 * `KUBETS_SEED=random npm run test:unit` looks further; `KUBETS_SEED=N` repeats a run.
 */
import fc from 'fast-check';

const wish = process.env['KUBETS_SEED'] ?? '20261123';
if (wish !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wish) });
