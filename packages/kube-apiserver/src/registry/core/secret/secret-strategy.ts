/** Secrets (`pkg/registry/core/secret/strategy.go`; `stringData`: `pkg/apis/core/v1/conversion.go`). */
import { validateSecret, validateSecretUpdate } from '@kubets/api/core/validation/secret';
import type { Secret } from '@kubets/api/types/core-v1';
import { baseStrategy } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';
import { orderLike } from '../pod/struct-order.ts';

/** `stringData` is for writing only: its values go to `data`, over those there, keys in order. */
function mergeStringData(secret: Secret): void {
  const { stringData } = secret;
  if (stringData === undefined) return;
  delete secret.stringData;
  // A map, since `__proto__` is a fine key.
  const data = new Map(Object.entries(secret.data ?? {}));
  for (const [key, value] of Object.entries(stringData)) data.set(key, Buffer.from(value).toString('base64'));
  if (data.size === 0) return;
  secret.data = Object.fromEntries([...data].toSorted(([x], [y]) => (x < y ? -1 : 1)));
  orderLike(secret, 'core-v1.Secret');
}

export const secretStrategy: Strategy<Secret> = baseStrategy<Secret>({
  prepareForCreate: (_context, secret) => mergeStringData(secret),
  prepareForUpdate(_context, secret, old) {
    mergeStringData(secret);
    if (!secret.type && old.type) {
      secret.type = old.type;
      orderLike(secret, 'core-v1.Secret');
    }
  },
  validate: (_context, secret) => validateSecret(secret),
  validateUpdate: (_context, secret, old) => validateSecretUpdate(secret, old),
  selectableFields: ({ type }) => ({ type: type ?? '' }),
  selectableFieldNames: ['type'],
});
