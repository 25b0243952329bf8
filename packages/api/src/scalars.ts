/** The JSON forms of the API's scalar types. */

/** `100m`, `1Gi`, `0.5`: `k8s.io/apimachinery/pkg/api/resource.Quantity`. */
export type Quantity = string;

/** A number, or a string such as a port name or a percentage. */
export type IntOrString = number | string;

/** RFC 3339 in UTC, to the second. */
export type Time = string;

/** RFC 3339 in UTC, to the microsecond. */
export type MicroTime = string;

/** Go's duration text: `1m30s`. */
export type Duration = string;
