/** Public exports. Modules may also be imported one by one: `@kubets/apimachinery/<module>`. */
export * from './clock.ts';
export * from './meta.ts';
export * from './status.ts';
